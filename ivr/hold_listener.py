"""Hears what a caller on hold says, beside what is played: nothing waits for it, and nothing falls silent."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Collection

from asr.listening.endpointing import Endpointer
from asr.listening.vad import VoiceActivity
from asr.pool import RecognizerPool
from asr.recognizer import AsrError, Hypothesis, Result
from ivr.call import FRAME_MS, Call
from ivr.own_words import Refused, own_words
from tts.words import Words

PRE_ROLL_MS = 400
QUIET_MS, LONGEST_MS = 700, 8000
"""Who speaks on hold has finished after such a pause; what is longer is a talk with somebody else."""
WORDS_QUIET_MS = 1000
"""The same where they were asked something that takes thinking."""
MOST_HELD_BACK_MS, HELD_BACK_S = 5000, 0.2
"""So long the bot waits for who is speaking, looked at in such steps."""
LEAST = 0.5
"""What is less probable was not meant for us: there are others in the room."""
LEAST_ASKED = 0.2
"""The same where it would else be said to somebody else, and is asked about before anything follows of it."""


class HoldListener:
    """Use as an async context. `said` is called with the best reading each time that something of `grammar` was said,
    `spoken` with what was said that is not of it, fit to be said again, or with why it is not. `asked`: the meanings
    that are asked about before anything follows of them."""

    def __init__(self, call: Call, ears: RecognizerPool, grammar: str, said: Callable[[Hypothesis], None],
                 spoken: Callable[[Words | Refused], None] | None = None, asked: Collection[str] = ()):
        self._call, self._ears, self._grammar, self._said, self._spoken = call, ears, grammar, said, spoken
        self._asked = asked if spoken else ()
        self._quiet_ms = WORDS_QUIET_MS if spoken else QUIET_MS
        self._pcm = bytearray()
        self.wants_words = False
        """Whether they were asked something, so that what they say is an answer to it."""
        self._vad, self._endpointer = VoiceActivity(8000), Endpointer()
        self._pre_roll: deque[bytes] = deque(maxlen=PRE_ROLL_MS // FRAME_MS)
        self._stream = None
        self._looking: asyncio.Task[None] | None = None

    async def let_finish(self) -> None:
        """Return once nobody speaks: who speaks on hold is not talked over, but on a line that is never quiet."""
        until_ms = self._call.now_ms + MOST_HELD_BACK_MS
        while self._stream and self._call.now_ms < until_ms:
            await asyncio.sleep(HELD_BACK_S)

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
            self._hear(clean)
            self._end_of_speech()
        else:
            self._pre_roll.append(clean)
            self._onset()

    def _onset(self) -> None:
        if not self._endpointer.heard_speech:
            return
        self._stream = self._ears.open(self._grammar, 8000)
        self._pcm.clear()
        for frame in self._pre_roll:
            self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        self._stream.feed(frame)
        self._pcm += frame

    def _end_of_speech(self) -> None:
        ear = self._endpointer
        if ear.quiet_ms >= self._quiet_ms or ear.speech_ms >= LONGEST_MS:
            self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        stream, self._stream = self._stream, None
        try:
            heard = self._take(await stream.finish())
            if not heard and self._spoken and self.wants_words:
                self._spoken(await own_words(bytes(self._pcm), self._endpointer.speech_ms, self._ears))
        except AsrError:
            pass  # who is not heard on hold is heard at the next question
        finally:
            self._endpointer.forget()
            self._pre_roll.clear()
            self._looking = None

    def _take(self, result: Result) -> bool:
        if not result.best:
            return False
        intent, share = _likeliest(result)
        if share < (LEAST_ASKED if intent in self._asked else LEAST):
            return False
        self._said(next(each for each in result.hypotheses if _intent(each) == intent))
        return True


def _likeliest(result: Result) -> tuple[str, float]:
    """What was most probably meant, whichever words or plate it came with, and how probably; 1 where none is known."""
    if result.best.probability is None:
        return _intent(result.best), 1.0
    shares: dict[str, float] = defaultdict(float)
    for each in result.hypotheses:
        shares[_intent(each)] += each.probability
    return max(shares.items(), key=lambda item: item[1])


def _intent(hypothesis: Hypothesis) -> str:
    return hypothesis.value.partition(":")[0]
