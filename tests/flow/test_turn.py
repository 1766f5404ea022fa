"""One exchange on virtual time: when it ends, by what was heard in the pause."""

import asyncio
from dataclasses import replace

import pytest

from asr.listening.endpointing import Profile
from asr.recognizer import Hypothesis, Result
from ivr import turn
from ivr.call import Call
from ivr.pace import Pace
from ivr.turn import Heard, Listening, exchange

SPEECH, QUIET = b"\x10\x27" * 160, bytes(320)
PROFILE = Profile(look_ms=190, sure_ms=250, quiet_ms=1200, slower=Profile(look_ms=300, sure_ms=500, quiet_ms=2000))


def result(*readings):
    """A result of (value, probability, whole?)."""
    return Result(tuple(Hypothesis(value, value, probability, (), whole)
                        for value, probability, whole in readings), not readings, 500)


WHOLE = result(("赣K12345", 0.8, True), ("赣K1234", 0.15, False))
BEGUN = result(("赣K", 0.98, False))
DOUBTFUL = result(("赣K1234", 0.8, False), ("赣K12345", 0.1, True))
LAST_DITCH = result(("赣K12345", 0.5, True))


class FakeCall(Call):
    """Speaks and falls silent as a script says; time passes with frames only."""

    def __init__(self, *stretches):
        super().__init__("call")
        frames = [frame for frame, ms in stretches for _ in range(ms // 20)]
        self._frames = iter(frames)
        self._put_frame(QUIET, QUIET)

    async def next(self):
        await asyncio.sleep(0)
        if not self._inbox:
            self._put_frame(next(self._frames, QUIET), QUIET)
        return self._take()

    async def answer(self): ...
    def play(self, pcm_8k, mark): ...
    def flush(self): ...
    def bridge(self, other): ...
    def hangup(self): ...


class FakeEars:
    """Gives the looks of a script, one a pause, and `LAST_DITCH` at the end."""

    def __init__(self, *looks):
        self.looks, self.finished = list(looks), 0

    def open(self, grammar, rate):
        return self

    def feed(self, pcm): ...

    async def look(self):
        return self.looks.pop(0)

    async def finish(self):
        self.finished += 1
        return LAST_DITCH


@pytest.fixture(autouse=True)
def loudness_is_speech(monkeypatch):
    class Loudness:
        def __init__(self, rate):
            self._rest = b""

        def feed(self, pcm):
            data = self._rest + pcm
            whole = len(data) // 512 * 512
            self._rest = data[whole:]
            return [0.95 if any(data[at: at + 512]) else 0.01 for at in range(0, whole, 512)]

    monkeypatch.setattr(turn, "VoiceActivity", Loudness)


async def ended(call, ears, profile=PROFILE):
    """What was heard, and how long after the last speech the turn ended, ms."""
    async with asyncio.timeout(10):
        heard = await exchange(call, b"", "mark", Listening("plate", profile), ears)
    return heard, call.now_ms - heard.reply_from_ms


async def test_a_whole_plate_ends_after_a_quarter_of_a_second():
    ears = FakeEars(WHOLE)
    heard, waited_ms = await ended(FakeCall((QUIET, 200), (SPEECH, 1000)), ears)
    assert heard.best.value == "赣K12345" and 230 <= waited_ms <= 320
    assert [(each.value, each.probability) for each in heard.result.hypotheses] == [("赣K12345", pytest.approx(0.95))]
    assert ears.finished == 0                # what the look found is taken: no second search


async def test_after_a_province_and_letter_the_bot_waits_for_the_rest():
    call = FakeCall((QUIET, 200), (SPEECH, 400), (QUIET, 800), (SPEECH, 1000))
    heard, waited_ms = await ended(call, FakeEars(BEGUN, WHOLE))
    assert heard.best.value == "赣K12345" and waited_ms <= 320
    assert 750 <= heard.pause_ms <= 830


async def test_a_plate_that_stays_unfinished_ends_at_the_longest_pause():
    ears = FakeEars(BEGUN)
    _, waited_ms = await ended(FakeCall((QUIET, 200), (SPEECH, 400)), ears)
    assert 1200 <= waited_ms <= 1280 and ears.finished == 1


async def test_a_doubtful_plate_waits_in_between():
    _, waited_ms = await ended(FakeCall((QUIET, 200), (SPEECH, 1000)), FakeEars(DOUBTFUL))
    assert 400 <= waited_ms <= 800


async def test_what_is_whole_but_more_often_goes_on_is_waited_for():
    """赣KD1234 is an ordinary plate, and nine times in ten the beginning of a green one."""
    either = result(("赣KD1234", 0.6, False), ("赣KD1234", 0.15, True))
    call = FakeCall((QUIET, 200), (SPEECH, 800), (QUIET, 800), (SPEECH, 300))
    heard, _ = await ended(call, FakeEars(either, WHOLE))
    assert heard.best.value == "赣K12345" and heard.pause_ms > 700


@pytest.mark.parametrize("heard, share", [
    (WHOLE, 0.8 / 0.95), (BEGUN, 0.0), (result(), 0.0),
    (result(("赣K12345", None, True)), 1.0), (result(("赣K", None, False)), 0.0),
    (result(("12", 0.1, True), ("12", 0.6, False), ("13", 0.3, True)), 0.3),
    (result(("12", 0.6, True), ("12", 0.4, False)), 0.6),
])
def test_the_share_of_whole_readings(heard, share):
    assert turn.whole_share(heard) == pytest.approx(share)


async def test_a_look_into_an_earlier_pause_does_not_end_a_later_one():
    call = FakeCall((QUIET, 200), (SPEECH, 400), (QUIET, 220), (SPEECH, 600))
    heard, waited_ms = await ended(call, FakeEars(WHOLE, BEGUN))
    assert waited_ms >= 1200


async def test_a_slow_caller_is_given_longer_pauses_from_then_on():
    pace, listening = Pace(), Listening("plate", PROFILE)
    assert pace.suited(listening).profile is PROFILE
    pace.note(Heard("match", WHOLE, pause_ms=300))
    assert pace.suited(listening).profile is PROFILE
    pace.note(Heard("match", WHOLE, pause_ms=700))
    slow = pace.suited(listening)
    assert slow.profile.quiet_ms == 2000 and slow.grammar == "plate"
    _, waited_ms = await ended(FakeCall((QUIET, 200), (SPEECH, 400)), FakeEars(BEGUN), slow.profile)
    assert waited_ms >= 2000


@pytest.mark.parametrize("heard, slow", [
    (Heard("match", result(("elderly", 0.9, True))), True),
    (Heard("match", BEGUN), True),
    (Heard("match", result(("yes", 0.9, True))), False),
    (Heard("no_input"), False),
])
def test_who_says_so_or_was_cut_short_counts_as_slow(heard, slow):
    pace = Pace()
    pace.note(heard)
    assert pace.slow == slow


def test_a_profile_without_a_slower_one_is_kept():
    pace, plain = Pace(), Listening("yes_no", replace(PROFILE, slower=None))
    pace.note(Heard("match", BEGUN))
    assert pace.suited(plain) is plain
