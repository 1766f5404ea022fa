"""One exchange: a prompt is played, the caller answers by voice or key, and the turn ends."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import dataclass, field, replace

from asr.listening.endpointing import UNSURE_SHARE, Endpointer, Profile
from asr.listening.onset import Onset
from asr.listening.vad import VoiceActivity
from asr.pool import RecognizerPool
from asr.recognizer import Hypothesis, Result
from ivr.call import FRAME_MS, Call, Frame, Key, PlayedOut, Tick
from ivr.keying import Keying, Keys
from ivr.level import rms
from ivr.saying import Saying

PRE_ROLL_MS = 400
"""Audio kept from before the onset of speech, so that a soft first consonant is not cut."""
ECHO_KEPT_MS = 200
"""Of it, so much is kept even where it was no louder than the bot's echo."""
NOISE_MS = 400
"""Rejected sound no longer than this was no answer: the turn goes on as if it had not been."""
INTERRUPTING_NOISE_MS = 1500
"""The same of sound that broke the prompt off, once it is over: coughs come in fits, and the prompt is still to be said."""
PROVE_MS = 300
"""Within so long of falling silent, voice activity has to find speech: else the prompt goes on."""
DOUBTED_SHARE = 0.35
"""A value whose best reading has less of the probability is heard once more before it ends the turn."""
LATE_END_MS = 2000
"""Who was told to end with `#` presses it though the last digit has ended the turn already: within so long it says nothing."""
HOLD_LIMIT_MS = 60_000
"""A caller who holds for longer counts as silent."""
AGREED_EARLY_MS = 1500
"""Who agreed to a question before it was out, and is silent once it is, is asked on so soon."""
CONSENT = "yes"
"""The meaning that says nothing by itself: what it agrees to has to have been said before."""


@dataclass(frozen=True)
class Listening:
    """What to listen for after (and, with `barge_in`, during) a prompt.

    barge_in: whether the caller may interrupt; barge_in_after_ms: from when on in the prompt.
    question_share: how much of the prompt must have been said before a "yes" can be an answer to it.
    keys: how several keys are collected; None ends the turn at the first one.
    """

    grammar: str
    profile: Profile = field(default_factory=Profile)
    barge_in: bool = True
    barge_in_after_ms: int = 0
    question_share: float = 0.6
    keys: Keys | None = None


@dataclass(frozen=True)
class Heard:
    """How a turn ended: `kind` is `match`, `no_match`, `no_input` or `key`.

    `key` holds the keys that were pressed: one, or all that were collected; `result` beside them is
    what was spoken before the first one, if anything was. `reply_from_ms` is the call's time at which
    the caller fell silent; `pause_ms` the longest pause within what they said.
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
        if isinstance(item, Frame):
            call.echo.caller_in(item.received, item.sent)
        if isinstance(item, Key) and item.digit in stop_keys:
            call.flush()
            return Heard("key", key=item.digit, reply_from_ms=call.now_ms)
        if isinstance(item, PlayedOut) and item.mark == mark:
            return None


async def exchange(
    call: Call, pcm_8k: bytes, mark: str, listening: Listening, ears: RecognizerPool
) -> Heard:
    """Play a prompt and return what the caller answered. Raises `HungUp`."""
    turn = _Turn(call, Saying(call, pcm_8k, mark), listening, ears)
    try:
        return await turn.run()
    finally:
        turn.close()


class _Turn:
    """The state of one exchange, moved on by each item of the call."""

    def __init__(self, call: Call, saying: Saying, listening: Listening, ears: RecognizerPool):
        self.call, self.saying, self.listening, self.ears = call, saying, listening, ears
        self.vad, self.endpointer, self.onset = VoiceActivity(8000), Endpointer(), Onset()
        self.keying = Keying(listening.keys)
        self.prompt_over_ms: int | None = None
        self.stream = None
        self.asked: asyncio.Task[Result] | None = None
        """The look into a pause, or the last search, that is under way."""
        self.asked_to_finish = False
        self.asked_at_ms = -1
        self.seen: Result | None = None
        """What the look in this pause made of it."""
        self.hushed_at_ms = 0
        self.agreed_early = False
        self.share_at_onset = 1.0
        """How much of the prompt had been said when the caller began to speak."""
        self._began_ms = call.now_ms
        self._pre_roll: deque[tuple[bytes, bool]] = deque(maxlen=PRE_ROLL_MS // FRAME_MS)

    async def run(self) -> Heard:
        self.saying.begin()
        while True:
            match await self.call.next():
                case Key(digit=digit):
                    self._take_key(digit)
                case PlayedOut(mark=mark, dropped=dropped):
                    self.saying.played(mark, dropped)
                case Frame(received=received, sent=sent):
                    self._take_frame(received, sent)
                case Tick() if self.call.now_ms - self._began_ms > HOLD_LIMIT_MS:
                    return Heard("no_input", reply_from_ms=self.call.now_ms)
            if self.saying.over and self.prompt_over_ms is None:
                self.prompt_over_ms = self._elapsed_ms()
            if (heard := self._judge()) is not None:
                return heard

    def close(self) -> None:
        self._forget_question()
        if not self.saying.over:
            self.saying.hush()

    def _take_key(self, digit: str) -> None:
        """A key ends what is said and what was being spoken."""
        late, until_ms = self.call.late_key
        if digit == late and self.call.now_ms < until_ms and not self.keying.began:
            return
        self.saying.hush()
        if not self.keying.began and self.stream and self.listening.keys:
            self._ask(self.stream.finish(), finish=True)
        self.keying.press(digit, self.call.now_ms)

    def _take_frame(self, received: bytes, sent: bytes) -> None:
        self.saying.frame(sent)
        clean = self.call.echo.caller_in(received, sent)
        if self.keying.began:
            return
        self.endpointer.hear(rms(clean))
        activity = self.vad.feed(clean)
        speech = self.onset.feed(clean, activity)
        self._fall_silent(speech)
        if speech and (self.saying.over or self.saying.hushed):
            self.endpointer.begins()
        for probability in activity:
            self.endpointer.feed(probability)
        if self.stream:
            self.stream.feed(received)
        else:
            self._pre_roll.append((received, not any(clean)))
            self._await_speech()

    def _fall_silent(self, speech: bool) -> None:
        """Stop the prompt where somebody speaks over it, if they may: for now, until it is proved."""
        if self.saying.over or self.saying.hushed or not (speech or self.stream):
            return
        listening = self.listening
        if listening.barge_in and self.saying.said_ms >= listening.barge_in_after_ms:
            self.saying.hush()
            self.hushed_at_ms = self._elapsed_ms()

    def _await_speech(self) -> None:
        """Open a stream at the onset of speech, with what was heard just before."""
        if not self.endpointer.heard_speech:
            return
        if self.endpointer.quiet_ms > PRE_ROLL_MS:
            self.endpointer.forget()
            return
        if not self.listening.barge_in and not self.saying.over:
            return
        self.share_at_onset = self.saying.said_share
        self.stream = self.ears.open(self.listening.grammar, 8000)
        kept = len(self._pre_roll) - ECHO_KEPT_MS // FRAME_MS
        for place, (frame, echo) in enumerate(self._pre_roll):
            self.stream.feed(bytes(len(frame)) if echo and place < kept else frame)

    def _judge(self) -> Heard | None:
        """End the turn if what was heard, the keys or the quiet say so."""
        if self.keying.began:
            return self._judge_keys()
        if self.stream is None:
            return self._judge_silence()
        return self._judge_speech()

    def _judge_speech(self) -> Heard | None:
        ear, profile = self.endpointer, self.listening.profile
        spoke_on = self.asked_at_ms != ear.speech_ended_ms and ear.speech_ms < profile.longest_ms
        if self.asked and self.asked_to_finish and spoke_on:
            self._forget_question()
        if self.asked and self.asked.done():
            return self._take_answer()
        if self.asked:
            return None
        if self.asked_at_ms != ear.speech_ended_ms:
            self.seen = None
        if ear.stirring and ear.speech_ms < profile.longest_ms:
            return None
        if self.seen and ear.quiet_ms >= self._wait_ms(self.seen) and whole_share(self.seen) > UNSURE_SHARE:
            if _surest(self.seen) >= DOUBTED_SHARE:
                return self._answered(_whole(self.seen))
            self._ask(self.stream.finish(), finish=True)    # the quiet that came since often settles it
        elif ear.quiet_ms >= profile.quiet_ms or ear.speech_ms >= profile.longest_ms:
            self._ask(self.stream.finish(), finish=True)
        elif ear.quiet_ms >= profile.look_ms and self.asked_at_ms != ear.speech_ended_ms:
            self._ask(self.stream.look(), finish=False)
        return None

    def _wait_ms(self, seen: Result) -> int:
        meaning = seen.hypotheses[0].value if seen.hypotheses else ""
        return self.listening.profile.wait_ms(whole_share(seen), meaning)

    def _ask(self, work: Coroutine[None, None, Result], finish: bool) -> None:
        """Have the stream decoded while the call runs on; the answer wakes the turn."""
        self._forget_question()
        self.asked_at_ms, self.asked_to_finish = self.endpointer.speech_ended_ms, finish
        self.asked = asyncio.ensure_future(work)
        self.asked.add_done_callback(lambda _: self.call.nudge())

    def _forget_question(self) -> None:
        if self.asked:
            self.asked.cancel()
            self.asked = None

    def _take_answer(self) -> Heard | None:
        result, self.asked = self.asked.result(), None
        if not self.asked_to_finish:
            if result.rejected and self.saying.hushed and self.endpointer.speech_ms <= NOISE_MS:
                return self._go_on()
            self.seen = result if self.asked_at_ms == self.endpointer.speech_ended_ms else None
            return self._judge()
        noise_ms = INTERRUPTING_NOISE_MS if self.saying.hushed else NOISE_MS
        if result.rejected and self.endpointer.speech_ms <= noise_ms:
            return self._go_on()
        return self._answered(result)

    def _answered(self, result: Result) -> Heard | None:
        """The turn's end, but where it is a "yes" from before its question was out."""
        agrees = not result.rejected and result.hypotheses and result.hypotheses[0].value == CONSENT
        if not agrees or self.share_at_onset >= self.listening.question_share:
            return self._heard(result)
        self.agreed_early = True
        return self._go_on()

    def _go_on(self) -> None:
        """What was heard was no answer: say the rest of the prompt and listen on."""
        self.stream = self.seen = None
        self.endpointer.forget()
        self._pre_roll.clear()
        self.saying.resume()

    def _judge_keys(self) -> Heard | None:
        if not self.keying.over(self.call.now_ms) or (self.asked and not self.asked.done()):
            return None
        spoken = self.asked.result() if self.asked else None
        if spoken and spoken.rejected:
            spoken = None
        if spoken and not self.keying.digits:
            return self._heard(spoken)
        if self.listening.keys and self.keying.done and not self.keying.ended_by:
            self.call.late_key = self.listening.keys.end, self.call.now_ms + LATE_END_MS
        keys = self.keying.digits or self.keying.ended_by
        return Heard("key" if keys else "no_input", spoken, keys, self.call.now_ms)

    def _judge_silence(self) -> Heard | None:
        if self.prompt_over_ms is None:
            if self.saying.hushed and self._elapsed_ms() - self.hushed_at_ms >= PROVE_MS:
                self.saying.resume()
            return None
        patience_ms = self.listening.profile.no_input_ms
        if self._elapsed_ms() - self.prompt_over_ms < (min(patience_ms, AGREED_EARLY_MS) if self.agreed_early else patience_ms):
            return None
        return Heard("no_input", reply_from_ms=self.call.now_ms)

    def _heard(self, result: Result) -> Heard:
        kind = "no_match" if result.rejected or not result.hypotheses else "match"
        spoken_until_ms = self._began_ms + self.endpointer.speech_ended_ms
        if kind == "match" and self.endpointer.heard_speech:
            self.call.echo.was_speech(self._elapsed_ms() - self.endpointer.speech_began_ms)
        return Heard(kind, result, reply_from_ms=spoken_until_ms, interrupted=not self.saying.over,
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
    whole = _shares(each for each in result.hypotheses if each.complete)
    begun = _shares(each for each in result.hypotheses if not each.complete)
    total = sum(whole.values()) + sum(begun.values())
    if total == 0:
        return float(result.hypotheses[0].complete)
    return sum(share for value, share in whole.items() if share > begun.get(value, 0.0)) / total


def _surest(result: Result) -> float:
    """The share of the value that was heard best; 1 from an engine without probabilities."""
    return max(_shares(result.hypotheses).values()) or 1.0


def _shares(hypotheses: Iterable[Hypothesis]) -> dict[str, float]:
    """How probable each value is, however it was said."""
    shares: dict[str, float] = defaultdict(float)
    for hypothesis in hypotheses:
        shares[hypothesis.value] += hypothesis.probability or 0.0
    return shares


def _whole(result: Result) -> Result:
    """Only the whole readings, with all that was sure of any: nothing followed, so the begun ones were none."""
    whole = [each for each in result.hypotheses if each.complete]
    of_all, of_whole = (sum(each.probability or 0.0 for each in those) for those in (result.hypotheses, whole))
    if of_whole:
        whole = [replace(each, probability=(each.probability or 0.0) * of_all / of_whole) for each in whole]
    return replace(result, hypotheses=tuple(whole))
