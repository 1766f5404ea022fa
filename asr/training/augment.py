"""Turns clean speech into telephone speech: speed, room, noise, level, band, codec, lost packets."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr

RATE = 16000


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
    narrow = soxr.resample(band_limit(samples, rng, hard), RATE, 8000) * level
    codec = rng.choice(CODECS, p=CODEC_SHARES) if hard else a_law
    narrow = codec(narrow)
    if rng.random() < .2 * hard:
        narrow = lose(narrow, 8000, rng)
    return soxr.resample(narrow, 8000, RATE).astype(np.float32)


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


def coloured(rng, count: int, slope: float) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** slope
    out = np.fft.irfft(spectrum, count)
    return out / (out.std() + 1e-9)


def swell(rng, count: int) -> np.ndarray:
    points = rng.uniform(.2, 1.0, max(2, count // 8000 + 2))
    return np.interp(np.arange(count), np.linspace(0, count, len(points)), points)


def band_limit(samples, rng, hard: float = 1.0):
    low = rng.uniform(60, 340) if hard else 200
    high = rng.uniform(3250, 3900) if hard else 3500
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    gain = np.clip((hertz - low * .6) / (low * .4), 0.003, 1)
    gain = gain * np.clip((high + 200 - hertz) / 200, 0, 1)
    if hard and rng.random() < .5:
        tilt = rng.uniform(-6, 6)
        gain = gain * 10 ** (tilt * np.log2(np.maximum(hertz, 100) / 1000) / 20)
    return np.fft.irfft(spectrum * gain, len(samples))


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


def gsm(samples: np.ndarray) -> np.ndarray:
    """GSM 06.10 full rate, 8 kHz."""
    store = io.BytesIO()
    soundfile.write(store, np.clip(samples, -1, 1), 8000, format="WAV", subtype="GSM610")
    store.seek(0)
    return fitted(soundfile.read(store)[0], len(samples))


def g722(samples: np.ndarray) -> np.ndarray:
    """G.722 at 64 kbit/s, 16 kHz."""
    from G722 import G722
    pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    coded = G722(RATE, 64000).encode(pcm)
    return fitted(np.array(G722(RATE, 64000).decode(coded)) / 32768, len(samples))


def fitted(samples: np.ndarray, count: int) -> np.ndarray:
    return np.pad(samples[:count], (0, max(count - len(samples), 0)))


CODECS = [a_law, mu_law, gsm, lambda samples: samples]
CODEC_SHARES = [.62, .12, .16, .10]


def lose(samples: np.ndarray, rate: int, rng, share: float | None = None) -> np.ndarray:
    """Packets of 20 ms are lost, ``share`` of them (1–10 %), and silent or concealed."""
    share = share or rng.uniform(.01, .1)
    packet = rate // 50
    out, concealed = samples.copy(), rng.random() < .6
    for start in range(0, len(samples) - packet, packet):
        if rng.random() < share:
            out[start: start + packet] = conceal(out[:start], packet, rate) if concealed else 0
    return out


def conceal(before: np.ndarray, count: int, rate: int) -> np.ndarray:
    """The last pitch period over again and softer: what a jitter buffer plays for a lost packet."""
    least, most = rate // 400, rate // 66
    if len(before) < 3 * most:
        return np.zeros(count)
    last = before[-most:]
    shelf = before[-2 * most - most: -least]
    match = np.correlate(shelf, last, "valid")
    period = len(shelf) - most - int(np.argmax(match)) + least
    return np.resize(before[-period:], count) * np.linspace(1, .6, count)


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
