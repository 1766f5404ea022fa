"""Hearing without worker processes: the same recognizer and grammars, in this process."""

import asyncio
from pathlib import Path

from asr.grammars.grammar import FOLDER, Grammar, ready_made
from asr.hear import embedded
from asr.pool import AsyncStream
from asr.recognizer import Recognizer, Result

HEARING_S = 0.06
"""Virtual time that an answer takes: of the embedded engine, 3 s of speech, one core."""


class LocalEars:
    """What turns see of a `RecognizerPool`. Decodes in the loop: virtual time waits meanwhile."""

    def __init__(self, grammars: Path = FOLDER, recognizer: Recognizer | None = None) -> None:
        """Loads the model and compiles the folder's grammars: seconds. Raises AsrError."""
        self._folder, self.recognizer = grammars, recognizer or embedded()
        self._grammars = ready_made(grammars)

    def open(self, grammar_name: str, rate: int = 8000) -> AsyncStream:
        """A stream for a grammar by name; raises GrammarError."""
        if grammar_name not in self._grammars:
            self._grammars[grammar_name] = Grammar.load(grammar_name, self._folder)
        return AsyncStream(self, grammar_name, rate)

    async def decode(self, grammar_name: str, rate: int, pcm: bytes, final: bool) -> Result:
        """As the pool's."""
        return (await self.answer(grammar_name, rate, pcm, final))[0]

    async def answer(
        self, grammar_name: str, rate: int, pcm: bytes, final: bool
    ) -> tuple[Result, Result | None]:
        """As the pool's: what was heard, and after a look what a finish would give."""
        await asyncio.sleep(HEARING_S)
        stream = self.recognizer.start(self._grammars[grammar_name], rate)
        stream.feed(pcm)
        return (stream.finish(), None) if final else (stream.look(), stream.settled())
