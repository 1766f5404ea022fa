"""Who answered, by tones alone: the networks', a fax machine's, a voicemail's beep, and the information tone that an
announcement follows."""

import numpy as np
import pytest

from dialer.answer.judge import Judge
from dialer.answer.tones import ToneEar
from hotline.bench.answers import sounds
from tts import audio, caller_voice
from tts.errors import TtsError

FRAME = 320


def line(*parts: np.ndarray) -> list[bytes]:
    """16 kHz sounds one after the other, as frames of a telephone line."""
    pcm = audio.to_pcm(np.concatenate(parts)[::2])
    return [pcm[at: at + FRAME] for at in range(0, len(pcm) - FRAME + 1, FRAME)]


def information() -> list[np.ndarray]:
    """ITU-T E.180: three rising steps of 0.33 s."""
    return [sounds.tone(hertz, 0.33) for hertz in (950, 1400, 1800)]


def heard(*parts: np.ndarray) -> ToneEar:
    ear = ToneEar()
    for frame in line(*parts):
        ear.feed(frame)
    return ear


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """A sentence; what is made of its words a test says itself."""
    try:
        return np.repeat(audio.from_pcm(caller_voice.say("我刚才手机关机了，才看到你的电话。", "zf_xiaobei")), 2)
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")


@pytest.mark.parametrize("kind", ["busy", "congestion", "no-such-number", "ringing"])
def test_each_tone_of_a_network_is_known_by_its_cadence(kind):
    assert heard(sounds.rest(0.3), sounds.cadence(kind, 8.0, np.random.default_rng(1))).network() == kind


def test_the_information_tone_is_known_and_is_no_voicemails_beep():
    ear = heard(sounds.rest(0.5), *information(), sounds.rest(0.5))
    assert ear.information() and not ear.beep_after(0) and not ear.fax() and not ear.network()


def test_its_steps_are_no_beep_while_they_are_heard_either():
    ear, beeps = ToneEar(), 0
    for frame in line(sounds.rest(0.5), *information(), sounds.rest(0.5)):
        ear.feed(frame)
        beeps += ear.beep_after(0)
    assert beeps == 0


def test_a_single_tone_after_a_greeting_is_a_beep():
    assert heard(sounds.rest(1.0), sounds.tone(1000, 0.4), sounds.rest(0.3)).beep_after(500)


def judged(*parts: np.ndarray, text: str = "") -> Judge:
    judge = Judge(early=False, writes=True)
    for frame in line(*parts):
        judge.feed(frame)
        if judge.due_text() is not None:
            judge.take_text(text)
    return judge


def test_after_the_information_tone_a_sentence_is_an_announcement_whatever_it_begins_with(talk):
    assert judged(*information(), sounds.rest(0.2), talk, sounds.rest(1.0), text="号码早就不存在了").verdict.kind == "no-such-number"
    assert not judged(talk, sounds.rest(1.0), text="号码早就不存在了").over, "without it, it may be a person"


def test_who_speaks_after_the_information_tone_and_is_not_understood_is_a_network(talk):
    assert judged(*information(), sounds.rest(0.2), talk, sounds.rest(3.0)).verdict.kind == "unreachable"
