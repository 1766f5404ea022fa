"""One exchange: a prompt is played, the caller answers by voice or key, and the turn ends."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from asr.endpointing import UNSURE_SHARE, Endpointer, Profile
from asr.pool import RecognizerPool
from asr.recognizer import Hypothesis, Result
from asr.vad import VoiceActivity
from ivr.call import FRAME_MS, Call, Frame, Key, PlayedOut, Tick
from ivr.level import rms

PRE_ROLL_MS = 400
"""Audio kept from before the onset of speech, so that a soft first consonant is not cut."""
BARGE_IN_MS = 160
"""Speech over a prompt must last this long before the bot falls silent (a cough is shorter)."""
ECHO_RATIO = 0.2
"""While the bot speaks, sound fainter than this share of its own is taken for its echo (−14 dB)."""
ECHO_TAIL_FRAMES = 12
"""An echo comes back up to this many frames after it was sent."""
NOISE_MS = 400
"""Rejected sound no longer than this was no answer: the turn goes on as if it had not been."""
HOLD_LIMIT_MS = 60_000
"""A caller who holds for longer counts as silent."""


@dataclass(frozen=True)
class Listening:
    """What to listen for after (and, with `barge_in`, during) a prompt."""

    grammar: str
    profile: Profile = field(default_factory=Profile)
    barge_in: bool = True


@dataclass(frozen=True)
class Heard:
    """How a turn ended: `kind` is `match`, `no_match`, `no_input` or `key`.

    `reply_from_ms` is the call's time at which the caller fell silent; `pause_ms` the longest
    pause within what they said.
    """

    kind: str
    result: Result | None = None
    key: str = ""
    reply_from_ms: int = 0
    interrupted: bool = False
    pause_ms: int = 0

    @property
    def best(self) -> Hypothesis | None:
        return self.result.hypotheses[0] if self.result and self.result.hypotheses else None


async def play_out(call: Call, pcm_8k: bytes, mark: str, stop_keys: Collection[str]) -> Heard | None:
    """Play to the end. A key of `stop_keys` ends it early and is returned. Raises `HungUp`."""
    call.play(pcm_8k, mark)
    while True:
        item = await call.next()
        if isinstance(item, Key) and item.digit in stop_keys:
            call.flush()
            return Heard("key", key=item.digit, reply_from_ms=call.now_ms)
        if isinstance(item, PlayedOut) and item.mark == mark:
            return None


async def exchange(
    call: Call, pcm_8k: bytes, mark: str, listening: Listening, ears: RecognizerPool
) -> Heard:
    """Play a prompt and return what the caller answered. Raises `HungUp`."""
    turn = _Turn(call, mark, listening, ears)
    call.play(pcm_8k, mark)
    try:
        return await turn.run()
    finally:
        turn.close()


class _Turn:
    """The state of one exchange, moved on by each item of the call."""

    def __init__(self, call: Call, mark: str, listening: Listening, ears: RecognizerPool):
        self.call, self.mark, self.listening, self.ears = call, mark, listening, ears
        self.vad, self.endpointer = VoiceActivity(8000), Endpointer()
        self.prompt_over_ms: int | None = None
        self.interrupted = False
        self.stream = None
        self.looking: asyncio.Task[Result] | None = None
        self.looked_at_ms = -1
        self.seen: Result | None = None
        """What the look in this pause made of it."""
        self._began_ms = call.now_ms
        self._pre_roll: deque[bytes] = deque(maxlen=PRE_ROLL_MS // FRAME_MS)
        self._sent_level: deque[float] = deque([0.0], maxlen=ECHO_TAIL_FRAMES)

    async def run(self) -> Heard:
        while True:
            match await self.call.next():
                case Key(digit=digit):
                    self.call.flush()
                    return Heard("key", key=digit, reply_from_ms=self.call.now_ms)
                case PlayedOut(mark=self.mark):
                    self.prompt_over_ms = self._elapsed_ms()
                case Frame(received=received, sent=sent):
                    self._take_frame(received, sent)
                    if (heard := await self._judge()) is not None:
                        return heard
                case Tick() if self.call.now_ms - self._began_ms > HOLD_LIMIT_MS:
                    return Heard("no_input", reply_from_ms=self.call.now_ms)

    def close(self) -> None:
        if self.looking:
            self.looking.cancel()

    def _take_frame(self, received: bytes, sent: bytes) -> None:
        self._sent_level.append(rms(sent))
        if self._is_echo(received):
            received = bytes(len(received))
        for probability in self.vad.feed(received):
            self.endpointer.feed(probability)
        if self.stream:
            self.stream.feed(received)
            return
        self._pre_roll.append(received)
        if not self.endpointer.heard_speech:
            return
        if self.endpointer.quiet_ms > PRE_ROLL_MS:
            self.endpointer.forget()
            return
        if self.prompt_over_ms is None:
            if not self.listening.barge_in or self.endpointer.speech_ms < BARGE_IN_MS:
                return
            self.interrupted = True
            self.call.flush()
        self.stream = self.ears.open(self.listening.grammar, 8000)
        for frame in self._pre_roll:
            self.stream.feed(frame)

    def _is_echo(self, received: bytes) -> bool:
        sent = max(self._sent_level)
        return sent > 0 and rms(received) < ECHO_RATIO * sent

    async def _judge(self) -> Heard | None:
        """End the turn if what was heard, or the quiet, says so."""
        ear, profile = self.endpointer, self.listening.profile
        if self.stream is None:
            return self._judge_silence()
        if self.looking and self.looking.done():
            result, self.looking = self.looking.result(), None
            self.seen = result if self.looked_at_ms == ear.speech_ended_ms else None
        if self.looking:
            return None
        if self.looked_at_ms != ear.speech_ended_ms:
            self.seen = None
        if self.seen and ear.quiet_ms >= profile.wait_ms(share := whole_share(self.seen)) and share > UNSURE_SHARE:
            return self._heard(_whole(self.seen))
        if ear.quiet_ms >= profile.quiet_ms or ear.speech_ms >= profile.longest_ms:
            return await self._finish()
        if ear.quiet_ms >= profile.look_ms and self.looked_at_ms != ear.speech_ended_ms:
            self.looked_at_ms = ear.speech_ended_ms
            self.looking = asyncio.ensure_future(self.stream.look())
        return None

    async def _finish(self) -> Heard | None:
        result = await self.call.until(self.stream.finish())
        if not result.rejected or self.endpointer.speech_ms > NOISE_MS:
            return self._heard(result)
        self.stream = None
        self.endpointer.forget()
        self._pre_roll.clear()
        return None

    def _judge_silence(self) -> Heard | None:
        if self.prompt_over_ms is None:
            return None
        if self._elapsed_ms() - self.prompt_over_ms < self.listening.profile.no_input_ms:
            return None
        return Heard("no_input", reply_from_ms=self.call.now_ms)

    def _heard(self, result: Result) -> Heard:
        spoken_until_ms = self._began_ms + self.endpointer.speech_ended_ms
        kind = "no_match" if result.rejected or not result.hypotheses else "match"
        return Heard(kind, result, reply_from_ms=spoken_until_ms, interrupted=self.interrupted,
                     pause_ms=self.endpointer.longest_pause_ms)

    def _elapsed_ms(self) -> int:
        return self.call.now_ms - self._began_ms


def whole_share(result: Result) -> float:
    """How probably what was heard so far is all that will come: the whole readings' share.

    A reading that may be whole or go on (赣KD1234 is a plate, and more often the beginning of one)
    counts only where being whole is the likelier. An engine without probabilities gives 1 or 0, by
    its best reading.
    """
    if result.rejected or not result.hypotheses:
        return 0.0
    whole, begun = defaultdict(float), defaultdict(float)
    for hypothesis in result.hypotheses:
        (whole if hypothesis.complete else begun)[hypothesis.value] += hypothesis.probability or 0.0
    total = sum(whole.values()) + sum(begun.values())
    if total == 0:
        return float(result.hypotheses[0].complete)
    return sum(share for value, share in whole.items() if share > begun.get(value, 0.0)) / total


def _whole(result: Result) -> Result:
    """Only the whole readings: the caller has finished."""
    return replace(result, hypotheses=tuple(each for each in result.hypotheses if each.complete))
