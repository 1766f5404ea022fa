"""What a street and a telephone line do to speech, effect by effect; samples are float mono."""

from __future__ import annotations

import io

import numpy as np
import soundfile

WIDE, NARROW = 16000, 8000         # Hz
PACKET_MS = 20


def coloured(rng, count: int, slope: float) -> np.ndarray:
    """Noise of deviation 1 whose level falls with frequency to the power of ``slope``."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** slope
    out = np.fft.irfft(spectrum, count)
    return out / (out.std() + 1e-9)


def swell(rng, count: int) -> np.ndarray:
    """A level between 0.2 and 1 that comes and goes over seconds, as traffic does."""
    points = rng.uniform(.2, 1.0, max(2, count // 8000 + 2))
    return np.interp(np.arange(count), np.linspace(0, count, len(points)), points)


def band_limit(samples: np.ndarray, low_hz: float = 200, high_hz: float = 3500,
               tilt_db: float = 0.0) -> np.ndarray:
    """16 kHz samples through a handset: what is outside the band goes, ``tilt_db`` an octave on top."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / WIDE)
    gain = np.clip((hertz - low_hz * .6) / (low_hz * .4), 0.003, 1)
    gain = gain * np.clip((high_hz + 200 - hertz) / 200, 0, 1)
    gain = gain * 10 ** (tilt_db * np.log2(np.maximum(hertz, 100) / 1000) / 20)
    return np.fft.irfft(spectrum * gain, len(samples))


def coded(samples: np.ndarray, subtype: str) -> np.ndarray:
    """8 kHz samples through libsndfile's coder and decoder: ALAW, ULAW (G.711) or GSM610 (06.10)."""
    store = io.BytesIO()
    soundfile.write(store, np.clip(samples, -1, 1), NARROW, format="WAV", subtype=subtype)
    store.seek(0)
    return fitted(soundfile.read(store)[0], len(samples))


def with_losses(samples: np.ndarray, rate: int, share: float, rng: np.random.Generator,
                concealed: bool = True) -> np.ndarray:
    """``share`` of the 20 ms packets never come: they are silent, or ``concealed``."""
    packet, out = rate * PACKET_MS // 1000, samples.copy()
    if share:
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


def g722(samples: np.ndarray) -> np.ndarray:
    """G.722 at 64 kbit/s, 16 kHz."""
    from G722 import G722
    pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    sent = G722(WIDE, 64000).encode(pcm)
    return fitted(np.array(G722(WIDE, 64000).decode(sent)) / 32768, len(samples))


def fitted(samples: np.ndarray, count: int) -> np.ndarray:
    """Exactly so many samples, cut or with silence behind."""
    return np.pad(samples[:count], (0, max(count - len(samples), 0)))
