"""What is to be said slowly is as long as it should be, and no more is said than its text."""

import numpy as np
import pytest

from asr.ear import acoustic
from asr.grammars.grammar import Grammar
from asr.hear import embedded
from tts import audio
from tts.caller_voice import say
from tts.errors import TtsError
from tts.kokoro import Kokoro

VOICES = ("zf_xiaoyi", "zm_yunxi", "zm_yunyang")


def spoken(text, voice, speed):
    try:
        return say(text, voice, speed=speed)
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")


@pytest.mark.skipif(not acoustic.ENCODER.exists(), reason="run `make setup` first")
@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(("text", "meaning"), [("对", "yes"), ("可以", "yes"), ("对的", "yes"), ("不对", "no")])
def test_a_slow_word_means_what_it_says(text, meaning, voice):
    """The voice model itself puts a 不 or the like before a slow word."""
    stream = embedded().start(Grammar.load("yes_no"))
    stream.feed(bytes(4800) + spoken(text, voice, 0.7) + bytes(4800))
    assert stream.finish().best.value == meaning


def test_half_as_fast_is_twice_as_long():
    kokoro = Kokoro()
    if not kokoro.installed:
        pytest.skip("run `make setup` first")
    one, half = (kokoro.synthesize("ni↓ xau↓", "zf_xiaoxiao", speed) for speed in (1.0, 0.5))
    assert len(half) == pytest.approx(2 * len(one), rel=0.02)


def test_what_is_stretched_keeps_its_pitch():
    tone = np.sin(2 * np.pi * 440 * np.arange(24000) / 24000).astype(np.float32)
    slow = audio.stretched(tone, 24000, 1.5)
    loudest = np.argmax(np.abs(np.fft.rfft(slow))) * 24000 / len(slow)
    assert len(slow) == pytest.approx(36000, rel=0.01) and loudest == pytest.approx(440, abs=3)
