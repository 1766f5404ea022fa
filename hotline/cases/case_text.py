"""What a caller said besides plates and yes or no becomes the case's text, after the call."""

import asyncio
import logging
import re
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from asr.engines.whisper import check_installed
from asr.free_speech.text import MASK, masked
from asr.free_speech.transcriber import Transcriber
from asr.recognizer import AsrError
from hotline.cases.casebook import OpenCase

log = logging.getLogger(__name__)

LEAST_CHARACTERS = 4
"""A stretch with fewer is an answer (对, 马上来)."""
LEAST_BESIDE_NUMBER = 6
"""Of one that holds a number, which is not counted: with fewer it is a plate (江西的赣K＊＊＊＊＊)."""

_SAID = re.compile(r"[一-鿿]")


class CaseText:
    """Writes recordings down beside the calls. Use as an async context; without `wanted` it does nothing.

    Raises AsrError at once where free speech is wanted and not installed.
    """

    def __init__(self, wanted: bool, make: Callable[[], Transcriber] = Transcriber):
        if wanted:
            check_installed()
        self._make = make if wanted else None
        self._ready: asyncio.Future[Transcriber] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "CaseText":
        if self._make:
            self._transcriber = self._make()
            self._ready = asyncio.ensure_future(self._transcriber.__aenter__())
            self._ready.add_done_callback(_report_start)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._ready:
            self._ready.cancel()
            await asyncio.gather(self._ready, return_exceptions=True)
            await self._transcriber.__aexit__()

    def write_down(self, case: OpenCase, recording: Path) -> None:
        """Returns at once; the case gets a `free_speech` entry when there is something to say."""
        if self._ready is None:
            return
        task = asyncio.create_task(self._write_down(case, recording))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_down(self, case: OpenCase, recording: Path) -> None:
        try:
            await asyncio.shield(self._ready)
            transcript = await self._transcriber.transcribe(await asyncio.to_thread(received, recording))
        except (AsrError, OSError, EOFError, wave.Error) as error:
            log.warning("not_written_down", extra={"fields": {"case": case.id, "error": str(error)}})
            return
        if text := complaint([segment.text for segment in transcript.segments]):
            case.note("caller", "free_speech", text=text)


def complaint(stretches: Sequence[str]) -> str:
    """The stretches that say something, numbers masked; "" where none does."""
    kept = [text for text in map(masked, stretches)
            if len(_SAID.findall(text)) >= (LEAST_BESIDE_NUMBER if MASK in text else LEAST_CHARACTERS)]
    return "，".join(text.strip("，。,. ") for text in kept)


def received(recording: Path) -> bytes:
    """The left channel, what came in, of a recording by `hotline.desk.recording`: 8 kHz, 16 bit."""
    with wave.open(str(recording), "rb") as file:
        frames = file.readframes(file.getnframes())
    return np.frombuffer(frames, "<i2").reshape(-1, 2)[:, 0].tobytes()


def _report_start(starting: asyncio.Future) -> None:
    if not starting.cancelled() and (error := starting.exception()):
        log.error("free_speech_is_off", extra={"fields": {"error": str(error), "mend": "make setup"}})
