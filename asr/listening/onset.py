"""Whether a caller begins to speak, told within 30 to 60 ms: sooner than voice activity can be sure.

What is taken for speech at once: a voice (a sound that repeats itself, in the range of voices), a hiss
that swells as s, sh, x and q do or holds on as zh may, or any sound that is louder after 50 ms than it
began (the breath of an h, a g before its vowel). A sound that begins with its loudest (a cough, a click,
a door) has to be speech to the voice activity for a while. A cough's voiced end may still pass: whoever
falls silent at an onset looks again once the sound is over.
"""

import math
from collections import deque
from collections.abc import Iterable

import numpy as np

from asr.listening.recent_values import RecentValues

RATE = 8000
PIECE = 80
"""Samples of a piece of 10 ms, the step in which loudness is followed."""
WINDOW = 320
"""Samples (40 ms) in which a voice is looked for: two periods of a deep one."""
LEAST_LEVEL = 50.0
"""Root mean square, in sample units (−56 dBFS): fainter sound is no caller."""
OVER_NOISE = 3.0
"""A caller is so many times louder than the line's noise (10 dB)."""
LEAST_PIECES = 3
FIRST_PIECES = 16
"""A sound that is none of these in its first 160 ms is left to the voice activity."""
SWELLS_FROM, SWELLS_FIRST, SWELLS_SECOND = 5, 0.5, 0.6
"""A sound swells if the loudest of at least so many pieces is one of the last two, and the first and the
second are under these shares of it (the first may be cut by the clock)."""
VOICED = 0.8
"""Correlation of a sound with itself a period later, from which on it is a voice."""
SURELY_SPEECH, SURE_BLOCKS = 0.8, 3
"""Voice activity as high as this in so many blocks of 32 ms is speech, however it began. Measured on
Kokoro voices and people, against made coughs: see docs/turns.md."""
LAGS = np.arange(20, 116)
"""Periods of 70 to 400 Hz, in samples."""
HISS_HZ = 1900.0
"""A hiss: zero crossings of a sound at least this high."""
STEADY_HISS_HZ, STEADY_PIECES, STEADY = 2200.0, 4, 0.4
"""A hiss that high for so many pieces, none under this share of the loudest, need not swell: zh, ch, t."""
BURST = 0.5
"""A swelling sound is, in its first 10 ms, under this share of what it reaches by then."""


class Onset:
    """Follows what is received while the bot speaks; echo is to be given as silence."""

    def __init__(self) -> None:
        self._recent: deque[np.ndarray] = deque(maxlen=20)
        self._levels = RecentValues(100)
        self._loud = 0
        self._activity: deque[float] = deque(maxlen=SURE_BLOCKS)

    def feed(self, pcm_8k: bytes, activity: Iterable[float] = ()) -> bool:
        """Take the next 20 ms, and the blocks of voice activity that it completed; True where somebody
        speaks in it."""
        self._activity.extend(activity)
        samples = np.frombuffer(pcm_8k, "<i2").astype(np.float32)
        begins = False
        for piece in samples[: len(samples) // PIECE * PIECE].reshape(-1, PIECE):
            self._take(piece)
            begins = begins or LEAST_PIECES <= self._loud <= FIRST_PIECES and self._is_speech()
        return begins or len(self._activity) == SURE_BLOCKS and min(self._activity) >= SURELY_SPEECH

    def _take(self, piece: np.ndarray) -> None:
        level = math.sqrt(float(np.dot(piece, piece)) / PIECE)
        noise = self._levels.percentile(0.3) if len(self._levels) >= 10 else 0.0
        self._loud = self._loud + 1 if level > max(LEAST_LEVEL, OVER_NOISE * noise) else 0
        self._recent.append(piece)
        if not self._loud:
            self._levels.add(level)

    def _is_speech(self) -> bool:
        sound = np.concatenate(list(self._recent)[-min(self._loud, len(self._recent)):])
        pieces = sound.reshape(-1, PIECE)
        levels = np.sqrt(np.mean(pieces * pieces, axis=1))
        hisses = crossings_hz(sound) >= HISS_HZ and levels[0] < BURST * levels.max()
        return hisses or hisses_on(pieces, levels) or swells(levels) or voicing(sound[-WINDOW:]) >= VOICED


def swells(levels: np.ndarray) -> bool:
    """Whether a sound, by the levels of its pieces so far, grows instead of beginning with a burst."""
    loudest = levels.max()
    return bool(len(levels) >= SWELLS_FROM and levels[-2:].max() == loudest
                and levels[0] < SWELLS_FIRST * loudest and levels[1] < SWELLS_SECOND * loudest)


def hisses_on(pieces: np.ndarray, levels: np.ndarray) -> bool:
    """Whether the last pieces are one high hiss that does not fade."""
    if len(levels) < STEADY_PIECES:
        return False
    last = levels[-STEADY_PIECES:]
    return bool(last.min() >= STEADY * last.max()
                and crossings_hz(pieces[-STEADY_PIECES:].ravel()) >= STEADY_HISS_HZ)


def voicing(sound: np.ndarray) -> float:
    """How well a sound agrees with itself one period of a voice later, −1 to 1."""
    lags = LAGS[LAGS <= len(sound) // 2]
    if not len(lags):
        return 0.0
    sound = sound - sound.mean()
    power = np.concatenate(([0.0], np.cumsum(sound * sound)))
    alike = np.correlate(sound, sound, "full")[len(sound) - 1:][lags]
    early, late = power[len(sound) - lags], power[-1] - power[lags]
    return float(np.max(alike / np.sqrt(np.maximum(early * late, 1.0))))


def crossings_hz(sound: np.ndarray) -> float:
    """Half the zero crossings a second: of a tone its pitch, of a hiss about the middle of it."""
    return float(np.count_nonzero(np.diff(np.signbit(sound)))) * RATE / 2 / max(len(sound), 1)
