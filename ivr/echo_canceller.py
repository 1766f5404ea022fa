"""Takes the bot's own voice, as the line gives it back, out of what is received.

A partitioned frequency-domain Kalman filter (Enzner and Vary, 2006): it follows how the line colours,
delays and weakens the bot's voice, and moves the less the more a caller says over it. An echo that comes
a frame sooner or later from now on (a jitter buffer has changed its mind) is followed at once.
"""

import numpy as np

FRAME = 160
"""Samples of a frame of 20 ms, which is also one partition of the filter."""
PARTITIONS = 20
"""The echo of a frame is looked for in the 400 ms after it: 300 ms of a line, and jitter buffers."""
FORGETS = 0.9995 ** 2
"""How much of what is known of the line is still true after a frame."""
FIRST_DOUBT = 0.01
"""The squared gain that a line may have before anything is known."""
OTHERS_KEPT = 0.8
"""Of the loudness of what is no echo, in each band, so much is carried over to the next frame."""
LEAST = 1e-6
AUDIBLE = FRAME * 1e-5
"""Energy of a frame (full scale is 1) under which nothing is said about when the echo comes: −50 dBFS."""
CONSTRAINED_EACH = 5
"""One partition in so many is cut to its length each frame: all of them take most of the time."""
MOVED_FRAMES = 3


class EchoCanceller:
    """One call's. Give it every frame: 20 ms of 8 kHz samples, float32, −1 to 1."""

    def __init__(self) -> None:
        bands = FRAME + 1
        self._filter = np.zeros((PARTITIONS, bands), np.complex64)
        self._doubt = np.full((PARTITIONS, bands), FIRST_DOUBT, np.float32)
        self._sent = np.zeros((PARTITIONS + 1, bands), np.complex64)
        self._last = np.zeros(FRAME, np.float32)
        self._others = np.ones(bands, np.float32)
        self._frames = self._silent = self._moved = 0

    def feed(self, received: np.ndarray, sent: np.ndarray) -> np.ndarray:
        """What was received without the echo of what was sent up to now."""
        self._frames += 1
        self._silent = 0 if sent.any() else self._silent + 1
        self._sent[1:] = self._sent[:-1].copy()
        self._sent[0] = np.fft.rfft(np.concatenate([self._last, sent]))
        self._last = sent
        if self._silent > PARTITIONS:
            return received
        without = received - self._echo(self._filter, self._sent[:-1])
        if _energy(without) > AUDIBLE and (elsewhere := self._elsewhere(received, without)) is not None:
            return elsewhere
        self._moved = 0
        self._learn(without)
        return without

    def _echo(self, filter_: np.ndarray, sent: np.ndarray) -> np.ndarray:
        return np.fft.irfft((filter_ * sent).sum(0))[FRAME:]

    def _elsewhere(self, received: np.ndarray, without: np.ndarray) -> np.ndarray | None:
        """What is left if the echo came a frame sooner or later, where that is much less."""
        sooner = received - self._echo(self._filter[1:], self._sent[:-2])
        later = received - self._echo(self._filter, self._sent[1:])
        least = min(sooner, later, key=_energy)
        if _energy(least) > _energy(without) / 4:
            return None
        self._moved += 1
        if self._moved >= MOVED_FRAMES and _energy(without) > _energy(received) / 2:
            self._move(-1 if least is sooner else 1)
        return least

    def _learn(self, without: np.ndarray) -> None:
        sent = self._sent[:-1]
        wrong = np.fft.rfft(np.concatenate([np.zeros(FRAME, np.float32), without]))
        heard = np.abs(wrong) ** 2
        self._others += (1 - OTHERS_KEPT) * (heard - self._others)
        loud = np.abs(sent) ** 2
        gain = self._doubt / ((loud * self._doubt).sum(0) / 2 + np.maximum(self._others, heard / 2) + LEAST)
        self._filter += gain * sent.conj() * wrong
        some = slice(self._frames % CONSTRAINED_EACH, None, CONSTRAINED_EACH)
        taps = np.fft.irfft(self._filter[some], axis=1)
        taps[:, FRAME:] = 0
        self._filter[some] = np.fft.rfft(taps, axis=1)
        self._doubt *= FORGETS * (1 - 0.5 * gain * loud)
        self._doubt += (1 - FORGETS) * np.abs(self._filter) ** 2

    def _move(self, by: int) -> None:
        """Expect the echo a frame later (1) or sooner (−1)."""
        self._moved = 0
        self._filter, self._doubt = np.roll(self._filter, by, 0), np.roll(self._doubt, by, 0)
        self._filter[0 if by > 0 else -1] = 0


def _energy(samples: np.ndarray) -> float:
    return float(samples @ samples)
