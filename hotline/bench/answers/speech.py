"""What is said in a clip, in Chinese and English, by a voice at its own pace and pitch. Float mono, 16 kHz."""

from __future__ import annotations

import functools
import json
import re
from importlib.resources import files

import numpy as np
import soxr

from asr.line.effects import NARROW, WIDE
from hotline.bench.answers import sounds
from tts import audio, caller_voice
from tts.errors import UnreadableText

_INFLECTED = {"circuits": "sˈɜɹkəts", "minutes": "mˈɪnəts"}


def spoken(text: str, voice: str, english_voice: str, speed: float) -> np.ndarray:
    """`text`; after "|" its half in the other language follows, English in `english_voice`. Raises `TtsError`."""
    halves = []
    for half in text.split("|"):
        if re.search("[a-z]{2}", half):
            pcm = caller_voice.say_phonemes(_english(half), english_voice or voice, speed)
        else:
            pcm = caller_voice.say(half.strip(), voice, speed=speed)
        halves += [sounds.rest(0.4), soxr.resample(audio.from_pcm(pcm), NARROW, WIDE)]
    return np.concatenate(halves[1:])


def throat(said: np.ndarray, shorter: float) -> np.ndarray:
    """As by somebody whose throat is so much shorter: everything higher, and faster."""
    return soxr.resample(said, shorter, 1.0)


def _english(text: str) -> str:
    words, known = [], _dictionary()
    for word, mark in re.findall(r"([a-z]+)|([,.?!])", text):
        if word and word not in known:
            raise UnreadableText(f"The English word {word!r} cannot be read aloud: take another one.")
        said = known[word] if word else mark
        words.append(said if isinstance(said, str) else said["DEFAULT"])
    return " ".join(words).replace(" ,", ",")


@functools.cache
def _dictionary() -> dict[str, str | dict[str, str]]:
    """American English in Kokoro's phonemes, as its own front end has them."""
    known = dict(_INFLECTED)
    for name in ("us_silver.json", "us_gold.json"):
        known |= json.loads((files("misaki") / "data" / name).read_text("utf-8"))
    return known
