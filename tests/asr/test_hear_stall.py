"""An engine that stalls is cut off after its budget: the conversation goes on with "no match"."""

import asyncio
import time

import pytest
from recognizer_fakes import CountingStream

from asr.pool import RecognizerPool
from asr.recognizer import Capabilities, Hypothesis, Recognizer, Result
from ivr.call import Call, PlayedOut
from ivr.turn import Listening, exchange
from tts import caller_voice
from tts.errors import TtsError

BUDGET_S = 1.5
FRAME = 320
STALLING = "test_hear_stall:Stalling"


class Stalling(Recognizer):
    """Never answers its first question; a process started anew does."""

    capabilities = Capabilities("stalling", probabilities=True, streaming=False)

    def start(self, grammar, rate=8000):
        return StallingStream()


class StallingStream(CountingStream):
    def finish(self):
        if len(self.pcm) > 8000:
            time.sleep(3600)
        return Result((Hypothesis("对", "yes", 0.9),), False, 500)


class TapedCall(Call):
    """A call whose caller says a recording and then nothing, five times faster than life."""

    def __init__(self, pcm: bytes):
        super().__init__("taped")
        self._task = asyncio.create_task(self._run(pcm))

    async def _run(self, pcm: bytes) -> None:
        for start in range(0, len(pcm) + 3000 * FRAME, FRAME):
            self._put_frame(pcm[start: start + FRAME].ljust(FRAME, b"\0"), bytes(FRAME))
            await asyncio.sleep(0.004)

    async def answer(self) -> None: ...
    def play(self, pcm_8k: bytes, mark: str) -> None:
        self._put(PlayedOut(mark, False))
    def flush(self) -> None: ...
    def bridge(self, other) -> None: ...
    def hangup(self) -> None:
        self._task.cancel()


async def test_a_caller_of_a_stalled_engine_is_answered_with_no_match_in_time():
    try:
        pcm = caller_voice.say("赣KD56789", "zm_yunxi")
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    async with RecognizerPool(1, engine=STALLING, answer_timeout_s=BUDGET_S) as pool:
        call = TapedCall(pcm)
        began = time.monotonic()
        async with asyncio.timeout(30):
            heard = await exchange(call, b"", "prompt", Listening("plate"), pool)
        call.hangup()
        assert heard.kind == "no_match" and time.monotonic() - began < 2 * BUDGET_S + 10
        stream = pool.open("yes_no")
        stream.feed(bytes(4000))
        async with asyncio.timeout(30):
            while (result := await stream.finish()).rejected:
                await asyncio.sleep(0.2)
        assert result.hypotheses[0].value == "yes" and pool.restarts >= 1
