"""How long a turn waits: by how surely the answer is whole, and by who is speaking."""

import pytest

from asr.listening.endpointing import BLOCK_MS, FRAME_MS, LIKELY_MS, Endpointer, Profile

PLATE = Profile(look_ms=190, sure_ms=250, quiet_ms=1200)


def fed(*stretches):
    """An endpointer after stretches of (speech probability, ms)."""
    ear = Endpointer()
    for probability, ms in stretches:
        for _ in range(ms // BLOCK_MS):
            ear.feed(probability)
    return ear


def test_a_surely_whole_answer_ends_at_the_first_pause():
    assert PLATE.wait_ms(1.0) == PLATE.wait_ms(0.5) == 250


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01])
def test_an_unfinished_answer_is_given_the_whole_pause(share):
    assert PLATE.wait_ms(share) == 1200


def test_the_less_sure_the_longer_the_wait():
    waits = [PLATE.wait_ms(share) for share in (0.5, 0.3, 0.2, 0.1, 0.05, 0.02)]
    assert waits == sorted(waits) and len(set(waits)) == len(waits)
    assert 250 < PLATE.wait_ms(0.1) < 725


def test_what_is_often_followed_by_more_is_waited_for_longer():
    profile = Profile(look_ms=96, sure_ms=160, quiet_ms=700, goes_on=(("refuses", 600), ("later", 300)))
    assert profile.wait_ms(0.9, "coming") == 160
    assert profile.wait_ms(0.9, "refuses") == 600 and profile.wait_ms(0.9, "later:10") == 300
    assert profile.wait_ms(0.0, "refuses") == 700


def test_pauses_within_an_answer_are_measured_and_the_last_one_is_not():
    ear = fed((0.0, 320), (0.9, 640), (0.0, 480), (0.9, 320), (0.0, 960))
    assert ear.longest_pause_ms == pytest.approx(480, abs=BLOCK_MS)
    assert ear.quiet_ms == pytest.approx(960, abs=BLOCK_MS)


def test_a_breath_between_syllables_is_no_pause():
    assert fed((0.9, 640), (0.5, 320), (0.9, 320)).longest_pause_ms == 0


def test_what_was_no_speech_is_forgotten_with_its_pauses():
    ear = fed((0.9, 320), (0.0, 640), (0.9, 320))
    ear.forget()
    assert not ear.heard_speech and ear.longest_pause_ms == 0


def test_a_click_is_no_speech():
    assert not fed((0.9, 2 * BLOCK_MS), (0.0, 640)).heard_speech


def heard(*stretches):
    """An endpointer after stretches of (speech probability, loudness, ms): frame by frame, as in a call."""
    ear, now_ms = Endpointer(), 0
    for probability, level, ms in stretches:
        for _ in range(ms // FRAME_MS):
            now_ms += FRAME_MS
            ear.hear(level)
            for _ in range(ear.now_ms + BLOCK_MS, now_ms + 1, BLOCK_MS):
                ear.feed(probability)
    return ear


def test_speech_ends_where_it_grew_faint_though_voice_activity_lags():
    ear = heard((0.0, 8, 320), (0.9, 2000, 640), (0.9, 40, 160), (0.0, 8, 160))
    assert ear.speech_ended_ms == 960 and ear.quiet_ms == 320


def test_on_a_loud_line_speech_ends_with_voice_activity():
    ear = heard((0.0, 900, 320), (0.9, 2000, 640), (0.9, 900, 160), (0.0, 900, 320))
    assert ear.speech_ended_ms == pytest.approx(1120, abs=BLOCK_MS)


def test_a_sound_after_the_end_is_no_speech_unless_voice_activity_says_so():
    said = (0.0, 8, 320), (0.9, 2000, 640), (0.0, 8, 320)
    knocked, spoke_on = heard(*said, (0.0, 2000, 160)), heard(*said, (0.9, 2000, 160))
    assert knocked.quiet_ms == 480 and not knocked.stirring
    assert spoke_on.quiet_ms < 2 * BLOCK_MS and spoke_on.longest_pause_ms == pytest.approx(320, abs=BLOCK_MS)


def test_a_sound_that_has_just_begun_may_be_speech():
    ear = heard((0.0, 8, 320), (0.9, 2000, 640), (0.0, 8, 200), (0.0, 2000, 40))
    assert ear.stirring and ear.quiet_ms == 240


def test_after_a_sound_that_begins_as_speech_does_less_will_do():
    """Voice activity of a short word (是) in a deep voice: 0.35 at most, for three blocks."""
    assert not fed((0.0, 320), (0.35, 96), (0.1, 320)).heard_speech
    ear = fed((0.0, 320))
    ear.begins()
    for probability in (0.35, 0.3, 0.35, 0.1, 0.1):
        ear.feed(probability)
    assert ear.heard_speech and ear.speech_ms <= 4 * BLOCK_MS
    late = fed((0.0, 320))
    late.begins()
    for probability in [0.0] * (LIKELY_MS // BLOCK_MS) + [0.35] * 3:
        late.feed(probability)
    assert not late.heard_speech
