"""Free speech written down beside the calls: ``async with Transcriber() as t: await t.transcribe(pcm)``.

One worker process of low priority does it, one recording at a time; who asks when too many wait is
refused at once, and a recording that takes too long is given up. No call ever waits for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from asr.pool import RecognizerPool
from asr.recognizer import REJECTED, AsrError, Word

WHISPER = "asr.engines.whisper:WhisperRecognizer"
NICE = 15
QUEUE = 16                         # recordings that may wait or be written down
BUDGET_S = 120.0                   # for one: a call of minutes takes seconds where a core is free


class TranscriberBusy(AsrError):
    """Too many recordings wait."""


@dataclass(frozen=True)
class Transcript:
    """``text`` of all, "" where nobody spoke; ``segments`` its stretches with times from the start.

    Digits are as heard: ``asr.free_speech.text.masked`` takes numbers out.
    """

    text: str
    segments: tuple[Word, ...]
    speech_ms: int


class Transcriber:
    """Starts its worker as a context; `transcribe` may be called from many tasks."""

    def __init__(self, queue: int = QUEUE, budget_s: float = BUDGET_S, engine: str = WHISPER,
                 options: dict | None = None):
        """``engine``: module:factory of a Recognizer for free speech, called with ``options``."""
        options = {"nice": NICE} if options is None else options
        self._pool = RecognizerPool(1, engine=engine, options=options, answer_timeout_s=budget_s)
        self._budget_s, self._queue = budget_s, queue
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def __aenter__(self) -> Transcriber:
        await self._pool.start()
        return self

    async def __aexit__(self, *_error) -> None:
        await self._pool.close()

    async def transcribe(self, pcm: bytes, rate: int = 8000) -> Transcript:
        """16-bit little endian mono at 8000 or 16000 Hz → what was said, simplified Chinese.

        Raises TranscriberBusy at once where the queue is full, AsrError where it was given up.
        """
        if self._waiting >= self._queue:
            raise TranscriberBusy(f"{self._queue} recordings wait to be written down: try later.")
        self._waiting += 1
        try:
            async with self._turn:
                result = await self._pool.decode("free", rate, pcm, True)
        finally:
            self._waiting -= 1
        if result is REJECTED:
            raise AsrError(f"A recording was not written down: its worker failed, or took longer than "
                           f"{self._budget_s:g} s.")
        best = result.best
        return Transcript(best.text if best else "", best.words if best else (), result.speech_ms)
