"""Free speech written down for those who listen in on calls to owners: slower than spotting words, and surer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from asr.free_speech.transcriber import Transcriber
from asr.recognizer import AsrError

log = logging.getLogger(__name__)
BUDGET_S = 8.0
"""For ten seconds of audio, which take one where a core is free."""
QUEUE = 8
NICE = 5
"""Callers are heard first."""
RATE = 8000


def _transcriber() -> Transcriber:
    return Transcriber(queue=QUEUE, budget_s=BUDGET_S, options={"nice": NICE})


class SecondEar:
    """One worker for all calls, started when it is first wanted (about 300 MB). Use as an async context.

    It never raises: where free speech is not installed or gives no answer, nothing is written down.
    """

    def __init__(self, make: Callable[[], Transcriber] = _transcriber):
        self._make = make
        self._transcriber: Transcriber | None = None
        self._starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> SecondEar:
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._starting:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
            await self._transcriber.__aexit__()

    @property
    def ready(self) -> bool:
        """Whether the worker is there; until then words that are spotted must do."""
        return self._starting is not None and self._starting.done() and not self._starting.cancelled() \
            and self._starting.exception() is None

    def warm(self) -> None:
        """Start the worker, unless it is there; returns at once."""
        if self._starting is None:
            self._transcriber = self._make()
            self._starting = asyncio.create_task(self._start())

    async def written(self, pcm_8k: bytes) -> str:
        """What is said in up to ten seconds; "" where that is not known."""
        self.warm()
        try:
            await asyncio.shield(self._starting)
            return (await self._transcriber.transcribe(pcm_8k, RATE)).text
        except AsrError as error:
            log.warning("not_written_down", extra={"fields": {"error": str(error)}})
            return ""

    async def _start(self) -> None:
        await self._transcriber.__aenter__()
