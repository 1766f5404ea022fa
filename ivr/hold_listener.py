"""Hears what a caller on hold says, beside what is played: nothing waits for it, and nothing falls silent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from asr.endpointing import Endpointer
from asr.pool import RecognizerPool
from asr.recognizer import AsrError, Hypothesis, Result
from asr.vad import VoiceActivity
from ivr.call import FRAME_MS, Call

PRE_ROLL_MS = 400
QUIET_MS, LONGEST_MS = 700, 8000
"""Who speaks on hold has finished after such a pause; what is longer is a talk with somebody else."""

LEAST = 0.5
"""What is less probable was not meant for us: there are others in the room."""


class HoldListener:
    """Use as an async context. `said` is called with the best reading each time that something of `grammar` was said."""

    def __init__(self, call: Call, ears: RecognizerPool, grammar: str, said: Callable[[Hypothesis], None]):
        self._call, self._ears, self._grammar, self._said = call, ears, grammar, said
        self._vad, self._endpointer = VoiceActivity(8000), Endpointer()
        self._pre_roll: deque[bytes] = deque(maxlen=PRE_ROLL_MS // FRAME_MS)
        self._stream = None
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> HoldListener:
        self._call.taps.append(self._frame)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._call.taps.remove(self._frame)
        if self._looking:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _frame(self, received: bytes, sent: bytes) -> None:
        if self._looking:
            return
        clean = self._call.echo.caller_in(received, sent)
        for probability in self._vad.feed(clean):
            self._endpointer.feed(probability)
        if self._stream:
            self._stream.feed(clean)
            self._end_of_speech()
        else:
            self._pre_roll.append(clean)
            self._onset()

    def _onset(self) -> None:
        if not self._endpointer.heard_speech:
            return
        self._stream = self._ears.open(self._grammar, 8000)
        for frame in self._pre_roll:
            self._stream.feed(frame)

    def _end_of_speech(self) -> None:
        ear = self._endpointer
        if ear.quiet_ms >= QUIET_MS or ear.speech_ms >= LONGEST_MS:
            self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        stream, self._stream = self._stream, None
        try:
            self._take(await stream.finish())
        except AsrError:
            pass  # who is not heard on hold is heard at the next question
        finally:
            self._endpointer.forget()
            self._pre_roll.clear()
            self._looking = None

    def _take(self, result: Result) -> None:
        best = result.best
        if best and (best.probability is None or best.probability >= LEAST):
            self._said(best)
