"""What the two kinds of recognizer servers speak, without any network: one object for one utterance."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum

LONGEST_ANSWER = 2000              # characters of text; a turn of 25 s has 150
FUNASR_RATE = 16000                # Hz; its Python server takes no other
FUNASR_CHUNKS = (5, 10, 5)         # × 60 ms: what its streaming pass sees back, at once, ahead
HOTWORD_WEIGHT = 20                # what the server's own examples give


class Nonsense(Exception):
    """A server said what its protocol does not know."""


class Heard(Enum):
    """What a message means for the utterance that was closed."""

    MORE = "more"                  # the last answer is still to come
    PERHAPS_ALL = "perhaps all"    # it may have been the last: wait a moment
    ALL = "all"


class Dialect(ABC):
    """One utterance."""

    @abstractmethod
    def opening(self) -> str:
        """Sent before the audio."""

    def audio_sent(self) -> None:
        """A message of audio was sent."""

    @abstractmethod
    def closing(self) -> str:
        """Sent after it."""

    @abstractmethod
    def take(self, message: str, closed: bool) -> Heard:
        """A message of the server; ``closed``: the closing is sent. Raises Nonsense."""

    @property
    @abstractmethod
    def texts(self) -> tuple[str, ...]:
        """What was said, best first; () where nothing was."""


class VoskDialect(Dialect):
    """vosk-server: every message of audio is answered with a partial, a result, or alternatives."""

    def __init__(self, phrases: Sequence[str] = (), rate: int = 8000):
        self._rate, self._phrases = rate, phrases
        self._stretches: list[tuple[str, ...]] = []
        self._sent = self._answers = 0

    def audio_sent(self) -> None:
        self._sent += 1

    def opening(self) -> str:
        config: dict[str, object] = {"sample_rate": self._rate, "words": True, "max_alternatives": 5}
        if self._phrases:
            config["phrase_list"] = list(self._phrases)
        return json.dumps({"config": config}, ensure_ascii=False)

    def closing(self) -> str:
        return '{"eof" : 1}'               # compared as text by the server: these very spaces

    def take(self, message: str, closed: bool) -> Heard:
        answer = _object(message)
        if "partial" in answer:
            _text(answer, "partial")
            return self._more_or_all()
        if "alternatives" in answer:
            entries = answer["alternatives"]
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise Nonsense("its alternatives are no list")
            texts = tuple(_text(entry, "text") for entry in entries)
        else:
            texts = (_text(answer, "text"),)
        if texts and texts[0]:
            self._stretches.append(texts)
        return self._more_or_all()

    def _more_or_all(self) -> Heard:
        """It answers each message of audio, and the closing, once."""
        self._answers += 1
        return Heard.ALL if self._answers == self._sent + 1 else Heard.MORE

    @property
    def texts(self) -> tuple[str, ...]:
        if len(self._stretches) == 1:
            return self._stretches[0]
        said = "".join(stretch[0] for stretch in self._stretches)
        return (said,) if said else ()


class FunasrDialect(Dialect):
    """FunASR's runtime, mode 2pass: texts of the streaming pass, then each stretch heard again at its end.

    Its C++ server marks the last answer with is_final true; its Python server sends is_final false
    with the last and true with those before it.
    """

    def __init__(self, hotwords: Sequence[str] = (), name: str = "call"):
        self._hotwords, self._name = hotwords, name
        self._settled = self._tentative = ""
        self._marks_last: bool | None = None   # whether is_final means that; None: not known yet

    def opening(self) -> str:
        weights = {word: HOTWORD_WEIGHT for word in self._hotwords}
        return json.dumps({
            "mode": "2pass", "wav_name": self._name, "wav_format": "pcm", "audio_fs": FUNASR_RATE,
            "is_speaking": True, "chunk_size": FUNASR_CHUNKS, "chunk_interval": 10, "itn": False,
            "hotwords": json.dumps(weights, ensure_ascii=False) if weights else "",
        }, ensure_ascii=False)

    def closing(self) -> str:
        return json.dumps({"is_speaking": False})

    def take(self, message: str, closed: bool) -> Heard:
        answer = _object(message)
        text, final = _text(answer, "text"), answer.get("is_final")
        if text.startswith("ERROR"):
            raise Nonsense("it refuses the audio")
        streamed = str(answer.get("mode", "")) == "2pass-online"
        if streamed:
            self._tentative += text
        else:
            self._settled += text
            self._tentative = ""
        if streamed or not closed:
            self._marks_last = not final
            return Heard.MORE
        if self._marks_last is None:
            return Heard.PERHAPS_ALL
        return Heard.ALL if bool(final) == self._marks_last else Heard.MORE

    @property
    def texts(self) -> tuple[str, ...]:
        said = self._settled + self._tentative
        return (said,) if said else ()


def _object(message: str) -> dict:
    try:
        answer = json.loads(message)
    except ValueError:
        raise Nonsense("its answer is not JSON") from None
    if not isinstance(answer, dict):
        raise Nonsense("its answer is no JSON object")
    return answer


def _text(answer: dict, key: str) -> str:
    text = answer.get(key)
    if not isinstance(text, str) or len(text) > LONGEST_ANSWER:
        raise Nonsense(f"its answer has no usable '{key}'")
    return text
