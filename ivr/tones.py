"""Keys as tones in the audio (in-band DTMF), told from speech.

The limits are those of ITU-T Q.24 (its table of what administrations and AT&T ask of a receiver): a
tone of 40 ms is taken, one under 23 ms is not; frequencies up to 1.5 % off are taken, 3.5 % are not; the
high tone up to 4 dB stronger or 8 dB weaker than the low one; noise 12 dB below is borne.
"""

from collections import deque

import numpy as np

RATE = 8000
LOW_HZ, HIGH_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")
WINDOW, HOP = 160, 80
"""Samples: 20 ms looked at every 10 ms."""
LEAST_LEVEL = 150.0
"""Root mean square in sample units (−47 dBFS); Q.24 asks for −25 dBm, about −30 dBFS."""
OFF = np.arange(-0.04, 0.0401, 0.005)
"""Each tone is looked for up to 4 % off."""
MOST_OFF = 0.0251
"""Half-way between what is to be taken and what is not."""
LOUDER_DB, FAINTER_DB = 4.5, 8.5
"""Twist: the high tone over and under the low one."""
SHARE = 0.75
"""Of all sound, the two tones hold at least so much. A voice has more tones than two."""
STEADY = 0.4
"""A window with less than this of the tone's power lies half outside of it (−4 dB)."""
BEGINS, ENDS = 3, 3
"""Windows in a row with one key, or without it, that begin and end a press."""


class ToneKeys:
    """Follows one call's audio; each press is reported once, about 40 ms after it began."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._held = ""
        self._without = 0
        self._run: deque[tuple[str, float]] = deque(maxlen=BEGINS)

    def feed(self, pcm_8k: bytes) -> str:
        """Take 16-bit PCM, any amount; the keys whose press began in it."""
        sound = np.concatenate((self._rest, np.frombuffer(pcm_8k, "<i2").astype(np.float32)))
        pressed, at = "", 0
        while len(sound) - at >= WINDOW:
            pressed += self._take(*key_in(sound[at: at + WINDOW]))
            at += HOP
        self._rest = sound[at:]
        return pressed

    def _take(self, key: str, power: float) -> str:
        self._run.append((key, power))
        if key and key == self._held:
            self._without = 0
            return ""
        self._without += 1
        if self._without >= ENDS:
            self._held = ""
        if not key or self._held or not self._is_steady():
            return ""
        self._held, self._without = key, 0
        return key

    def _is_steady(self) -> bool:
        powers = [power for _, power in self._run]
        same = len({key for key, _ in self._run}) == 1
        return same and len(powers) == BEGINS and min(powers) >= STEADY * max(powers)


def key_in(window: np.ndarray) -> tuple[str, float]:
    """The key whose two tones a window of 160 samples holds, and their power; "" for none."""
    energy = float(np.dot(window, window))
    if energy < WINDOW * LEAST_LEVEL**2:
        return "", 0.0
    powers = np.abs(_BANK @ window) ** 2 * 2 / WINDOW
    low, high = powers[: len(LOW_HZ)], powers[len(LOW_HZ):]
    row, low_off = np.unravel_index(int(low.argmax()), low.shape)
    column, high_off = np.unravel_index(int(high.argmax()), high.shape)
    both = float(low.max() + high.max())
    twist_db = 10 * np.log10(high.max() / max(float(low.max()), 1e-9) + 1e-9)
    in_tune = max(abs(OFF[low_off]), abs(OFF[high_off])) <= MOST_OFF
    if both < SHARE * energy or not in_tune or not -FAINTER_DB <= twist_db <= LOUDER_DB:
        return "", 0.0
    return KEYS[row][column], both


def _bank() -> np.ndarray:
    """Goertzel's sums for each tone and each step beside it, as one product: (8, steps, samples)."""
    hertz = np.array(LOW_HZ + HIGH_HZ)[:, None] * (1 + OFF)
    return np.exp(-2j * np.pi * hertz[..., None] * np.arange(WINDOW) / RATE).astype(np.complex64)


_BANK = _bank()
