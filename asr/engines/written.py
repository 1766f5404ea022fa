"""Streams of engines that write down what they heard: the text is matched against the grammar."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from asr.grammars.grammar import Grammar
from asr.listening.recent_pcm import RecentPcm
from asr.recognizer import Partial, Result, Stream, Word
from asr.search.text_match import match_text


class WrittenStream(Stream):
    """Feeds an engine as audio comes; a look closes the engine's utterance, further audio opens one anew."""

    def __init__(self, grammar: Grammar, rate: int):
        self._grammar, self._rate = grammar, rate
        self._pcm = RecentPcm(rate)
        self._partial = Partial("", "")
        self._result: Result | None = None      # of all audio so far, once the engine was asked

    def feed(self, pcm: bytes) -> Partial | None:
        if not pcm:
            return None
        self._pcm.feed(pcm)
        if self._result:
            self._result = None
            self._begin()
            pcm = bytes(self._pcm)
        self._accept(pcm)
        text = self._text_so_far()
        if text != self._partial.text:
            best = match_text(self._grammar, text).best
            self._partial = Partial(text, best.value if best else "")
        return self._partial if text else None

    def look(self) -> Result:
        if self._result is None:
            texts, words, speech_ms = self._close()
            self._result = match_text(self._grammar, *texts, words=words, speech_ms=speech_ms)
        return self._result

    def finish(self) -> Result:
        return self.look()

    @abstractmethod
    def _begin(self) -> None:
        """A new utterance of the engine."""

    @abstractmethod
    def _accept(self, pcm: bytes) -> None: ...

    @abstractmethod
    def _text_so_far(self) -> str: ...

    @abstractmethod
    def _close(self) -> tuple[Sequence[str], tuple[Word, ...], int]:
        """Ends the utterance: texts (best first), the best one's words, ms of speech."""
