"""Turns clean speech into telephone speech: speed, room, noise, level, band, codec, lost packets."""

from __future__ import annotations

import numpy as np
import soxr

from asr.line.effects import NARROW, band_limit, coded, coloured, g722, swell, with_losses
from asr.line.effects import WIDE as RATE


def telephone(samples: np.ndarray, rng: np.random.Generator, babble, hard: float = 1.0) -> np.ndarray:
    """16 kHz float in, 16 kHz float out, as heard through an 8 kHz line.

    ``babble(rng, n)`` gives n samples of other speech; ``hard`` 0 is the codec alone.
    """
    if hard and rng.random() < .75:
        samples = soxr.resample(samples, RATE, RATE * rng.uniform(.88, 1.13))
    samples = pad(samples, rng)
    if rng.random() < .35 * hard:
        samples = reverberate(samples, rng)
    samples = samples / (np.sqrt((samples ** 2).mean()) + 1e-5)
    if rng.random() < .6 * hard:
        samples = samples + noise(rng, len(samples), babble) * 10 ** (-rng.uniform(3, 30) / 20)
    else:
        samples = samples + coloured(rng, len(samples), 0.5) * 10 ** (-rng.uniform(35, 55) / 20)
    if rng.random() < .1 * hard:
        samples = np.clip(samples, -2.0, 2.0)
    level = 10 ** (rng.uniform(-36, -16) / 20)
    if rng.random() < .05 * hard:
        wide = g722(samples * level)
        return (lose(wide, RATE, rng) if rng.random() < .2 else wide).astype(np.float32)
    handset = some_band(samples, rng) if hard else band_limit(samples)
    narrow = soxr.resample(handset, RATE, NARROW) * level
    codec = rng.choice(CODECS, p=CODEC_SHARES) if hard else a_law
    narrow = codec(narrow)
    if rng.random() < .2 * hard:
        narrow = lose(narrow, NARROW, rng)
    return soxr.resample(narrow, NARROW, RATE).astype(np.float32)


def pad(samples, rng):
    before, after = rng.uniform(.02, .6, 2)
    return np.concatenate([np.zeros(int(before * RATE)), samples, np.zeros(int(after * RATE))])


def reverberate(samples, rng):
    length = int(rng.uniform(.08, .5) * RATE)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= rng.uniform(.1, .6) / np.sqrt((tail ** 2).sum())
    tail[0] += 1.0
    size = len(samples) + length
    return np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]


def noise(rng, count: int, babble) -> np.ndarray:
    kind = rng.random()
    if kind < .4:
        voices = [babble(rng, count) for _ in range(rng.integers(1, 6))]
        mixed = sum(voices)
    elif kind < .85:
        mixed = coloured(rng, count, rng.uniform(.3, 1.2)) * swell(rng, count)
    else:
        time = np.arange(count) / RATE
        mixed = sum(np.sin(2 * np.pi * base * time) for base in rng.uniform(80, 3000, 3))
        mixed = mixed + coloured(rng, count, .6)
    return mixed / (np.sqrt((mixed ** 2).mean()) + 1e-6)


def some_band(samples: np.ndarray, rng) -> np.ndarray:
    """Some handset's band, every other one duller or brighter."""
    low, high = rng.uniform(60, 340), rng.uniform(3250, 3900)
    return band_limit(samples, low, high, rng.uniform(-6, 6) if rng.random() < .5 else 0.0)


def a_law(samples: np.ndarray) -> np.ndarray:
    """G.711 A-law by its compression curve, 8 bits."""
    big = 87.6
    size = np.minimum(np.abs(samples), 1.0)
    scale = 1 + np.log(big)
    curve = np.where(size < 1 / big, big * size / scale,
                     (1 + np.log(np.maximum(big * size, 1))) / scale)
    curve = (np.floor(curve * 128) + .5).clip(0, 127.5) / 128
    back = np.where(curve < 1 / scale, curve * scale / big, np.exp(curve * scale - 1) / big)
    return np.sign(samples) * back


def mu_law(samples: np.ndarray) -> np.ndarray:
    """G.711 μ-law by its compression curve, 8 bits."""
    curve = np.log1p(255 * np.minimum(np.abs(samples), 1.0)) / np.log(256)
    curve = (np.floor(curve * 128) + .5).clip(0, 127.5) / 128
    return np.sign(samples) * (256 ** curve - 1) / 255


CODECS = [a_law, mu_law, lambda samples: coded(samples, "GSM610"), lambda samples: samples]
CODEC_SHARES = [.62, .12, .16, .10]


def lose(samples: np.ndarray, rate: int, rng, share: float | None = None) -> np.ndarray:
    """Packets of 20 ms are lost, ``share`` of them (1–10 %), and silent or concealed."""
    share = share or rng.uniform(.01, .1)
    return with_losses(samples, rate, share, rng, concealed=rng.random() < .6)


def faster(samples: np.ndarray, rate: float) -> np.ndarray:
    """Time scaled by WSOLA, pitch kept; ``rate`` > 1 is shorter."""
    size, hop, reach = 480, 240, 120
    count = int(len(samples) / rate / hop)
    if count < 3:
        return samples
    window = np.hanning(size)
    out, weight = np.zeros(count * hop + size), np.full(count * hop + size, 1e-6)
    source, place = np.pad(samples, (0, size * 2 + reach)), 0
    for index in range(count):
        target = int(index * hop * rate)
        if index:
            follow = source[place + hop: place + hop + size]
            low = max(target - reach, 0)
            shelf = source[low: target + reach + size]
            place = low + int(np.argmax(np.correlate(shelf, follow, "valid")))
        out[index * hop: index * hop + size] += source[place: place + size] * window
        weight[index * hop: index * hop + size] += window
    return (out / weight)[: int(len(samples) / rate)]
