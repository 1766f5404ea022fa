"""In-band keys against the limits of ITU-T Q.24, and against speech; one press told by two ways."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from hotline.bench.made_sounds import pcm
from ivr.key_presses import KeyPresses
from ivr.tones import HIGH_HZ, KEYS, LOW_HZ, ToneKeys
from tts.prompts import PromptLibrary

ROOT = Path(__file__).resolve().parents[2]


def taken(ms=70, off=0.0, twist_db=0.0, level=0.1, noise=0.0):
    """The share of the sixteen keys, each at five places in a frame, that is reported once."""
    rng, right = np.random.default_rng(1), 0
    for row, keys in enumerate(KEYS):
        for column, key in enumerate(keys):
            for lead in range(400, 480, 16):
                t = np.arange(int(8 * ms)) / 8000
                low = np.sin(2 * np.pi * LOW_HZ[row] * (1 + off) * t)
                high = 10 ** (twist_db / 20) * np.sin(2 * np.pi * HIGH_HZ[column] * (1 + off) * t)
                sound = np.concatenate([np.zeros(lead), level * (low + high), np.zeros(800)])
                right += ToneKeys().feed(pcm(sound + noise * rng.standard_normal(len(sound)))) == key
    return right / 80


@pytest.mark.parametrize("kind", [
    {"ms": 50}, {"off": 0.015}, {"off": -0.015}, {"twist_db": 4}, {"level": 0.02}, {"noise": 0.025},
])
def test_what_a_receiver_has_to_take_is_taken(kind):
    assert taken(**kind) == 1


@pytest.mark.parametrize("kind, least", [({"ms": 40}, 0.95), ({"twist_db": -8}, 0.9)])
def test_at_the_very_limit_nearly_all_is_taken(kind, least):
    assert taken(**kind) >= least


@pytest.mark.parametrize("kind", [{"ms": 22}, {"off": 0.035}, {"off": -0.035}, {"twist_db": 7}, {"twist_db": -12}])
def test_what_a_receiver_must_not_take_is_not(kind):
    assert taken(**kind) == 0


def test_a_key_pressed_twice_is_two():
    t = np.arange(480) / 8000
    tone = 0.1 * (np.sin(2 * np.pi * 770 * t) + np.sin(2 * np.pi * 1336 * t))
    assert ToneKeys().feed(pcm(np.concatenate([tone, np.zeros(480), tone, np.zeros(400)]))) == "55"


def test_nobody_presses_keys_by_speaking():
    """The bot's recorded voice, and a caller's."""
    voice = PromptLibrary.load(ROOT / "flows/prompts")
    samples, rate = soundfile.read(ROOT / "asr/data/check.flac")
    said = [voice.render(name, {}).pcm_8k for name in ("welcome", "correction_prompt", "calling_owner")]
    for speech in (*said, pcm(soxr.resample(samples, rate, 8000))):
        assert ToneKeys().feed(speech) == ""


def test_one_press_by_three_ways_is_told_once():
    presses = KeyPresses()
    told = [presses.is_new("5", way, ms) for way, ms in (("tone", 0), ("rfc4733", 60), ("info", 400))]
    assert told == [True, False, False]


def test_two_presses_by_two_ways_are_told_twice():
    presses = KeyPresses()
    told = [presses.is_new("5", way, ms)
            for way, ms in (("tone", 0), ("rfc4733", 40), ("tone", 200), ("rfc4733", 240), ("rfc4733", 2000))]
    assert told == [True, False, True, False, True]
