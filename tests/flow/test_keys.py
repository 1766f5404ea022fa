"""Keys of a turn: one, or several until `#`; what was spoken before the first is delivered with them."""

import asyncio

import pytest
from test_turn import BEGUN, PROFILE, QUIET, SPEECH, WHOLE, FakeCall, FakeEars, loudness_is_speech  # noqa: F401

from ivr.call import Key
from ivr.keying import Keys
from ivr.turn import LATE_END_MS, Listening, exchange

PRESS_EVERY_MS = 200


class KeyedCall(FakeCall):
    """Presses keys from `at_ms` on, one every 200 ms."""

    def __init__(self, keys, *stretches, at_ms=100):
        super().__init__(*stretches)
        self._presses = {at_ms + place * PRESS_EVERY_MS: key for place, key in enumerate(keys)}

    async def next(self):
        due = next((at for at in self._presses if at <= self.now_ms), None)
        if due is not None:
            self._put(Key(self._presses.pop(due)))
        return await super().next()


class SlowEars(FakeEars):
    """The last search takes its time."""

    async def finish(self):
        for _ in range(100):
            await asyncio.sleep(0)
        return await super().finish()


async def turn(call, spec, ears=None):
    return await exchange(call, b"", "mark", Listening("plate", PROFILE, keys=spec), ears or FakeEars())


async def test_without_more_being_asked_the_first_key_ends_the_turn():
    heard = await turn(KeyedCall("12"), None)
    assert (heard.kind, heard.key) == ("key", "1")


@pytest.mark.parametrize("pressed, spec, collected", [
    ("36#", Keys(), "36"),
    ("3*46#", Keys(), "46"),
    ("1234", Keys(at_most=3), "123"),
    ("0", Keys(at_once="0"), "0"),
    ("10#", Keys(at_once="0"), "10"),
    ("#", Keys(), "#"),
])
async def test_keys_are_collected(pressed, spec, collected):
    heard = await turn(KeyedCall(pressed), spec)
    assert (heard.kind, heard.key) == ("key", collected)


@pytest.mark.parametrize("pressed, then", [("1234#1", "1"), ("1234*", "*"), ("123##", "#")])
async def test_an_end_key_behind_the_last_digit_still_belongs_to_it(pressed, then):
    call = KeyedCall(pressed)
    assert (await turn(call, Keys(at_most=4))).key == pressed.partition("#")[0][:4]
    assert (await turn(call, None)).key == then


async def test_an_end_key_that_comes_long_after_is_a_key():
    call = KeyedCall("1234")
    await turn(call, Keys(at_most=4))
    call._presses = {call.now_ms + LATE_END_MS + 200: "#"}
    assert (await turn(call, None)).key == "#"


async def test_a_pause_after_a_key_ends_it():
    call = KeyedCall("36")
    heard = await turn(call, Keys(between_ms=1000))
    assert heard.key == "36" and 1300 <= call.now_ms <= 1400


async def test_keys_that_were_all_taken_back_are_silence():
    heard = await turn(KeyedCall("3*"), Keys(between_ms=500))
    assert (heard.kind, heard.key) == ("no_input", "")


async def test_speech_before_the_keys_comes_with_them():
    call = KeyedCall("12345#", (QUIET, 200), (SPEECH, 600), at_ms=900)
    heard = await turn(call, Keys(), FakeEars(BEGUN))
    assert (heard.kind, heard.key, heard.best.value) == ("key", "12345", "赣K12345")


async def test_what_was_spoken_is_ended_by_the_end_key():
    call = KeyedCall("#", (QUIET, 200), (SPEECH, 600), at_ms=900)
    heard = await turn(call, Keys(), FakeEars(BEGUN))
    assert (heard.kind, heard.key, heard.best.value) == ("match", "", "赣K12345")


async def test_a_key_during_the_last_decode_is_not_lost():
    call = KeyedCall("0", (QUIET, 200), (SPEECH, 400), at_ms=200 + 400 + 1200 + 80)
    heard = await turn(call, None, SlowEars(BEGUN))
    assert (heard.kind, heard.key) == ("key", "0")


async def test_who_speaks_on_during_the_last_decode_is_heard_whole():
    call = FakeCall((QUIET, 200), (SPEECH, 400), (QUIET, 1260), (SPEECH, 600))
    heard = await exchange(call, b"", "mark", Listening("plate", PROFILE), SlowEars(BEGUN, WHOLE))
    assert heard.best.value == "赣K12345" and heard.pause_ms > 1200
