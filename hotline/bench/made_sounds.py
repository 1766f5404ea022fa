"""Sounds that are no speech, made: coughs, clicks and doors, as 8 kHz PCM."""

import numpy as np

RATE = 8000


def noise(
    rng: np.random.Generator, ms: float, low_hz: float, high_hz: float, slope: float
) -> np.ndarray:
    """Noise of a band, falling with frequency, at most 1."""
    count = int(RATE * ms / 1000)
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    shape = np.where((hertz > low_hz) & (hertz < high_hz), 1 / np.maximum(hertz / 500, 1) ** slope, 0.01)
    samples = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * shape, count)
    return samples / np.abs(samples).max()


def falling(samples: np.ndarray, share: float) -> np.ndarray:
    """The same, fading out; `share`: of its length in which it falls to a third."""
    return samples * np.exp(-np.arange(len(samples)) / (len(samples) * share))


def cough(seed: int) -> bytes:
    """One to three times: a burst of 30 to 60 ms and the breath behind it."""
    rng, parts = np.random.default_rng(seed), []
    for _ in range(rng.integers(1, 4)):
        parts.append(falling(noise(rng, rng.uniform(30, 60), 200, 3000, rng.uniform(.3, 1)), 0.8))
        parts.append(0.5 * falling(noise(rng, rng.uniform(100, 250), 250, 3400, rng.uniform(.5, 1.5)), 0.5))
        parts.append(np.zeros(int(8 * rng.uniform(80, 300))))
    return pcm(0.3 * np.concatenate(parts))


def click(seed: int) -> bytes:
    """A switch or a bad contact: 2 to 15 ms."""
    rng = np.random.default_rng(seed)
    return pcm(0.5 * falling(noise(rng, rng.uniform(2, 15), 200, 3500, 0), 0.4))


def door(seed: int) -> bytes:
    """A door or a bump: low, 80 to 200 ms."""
    rng = np.random.default_rng(seed)
    return pcm(0.5 * falling(noise(rng, rng.uniform(80, 200), 60, 700, 1.5), 0.25))


def pcm(samples: np.ndarray) -> bytes:
    """Float samples, −1 to 1, as 16-bit PCM."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
