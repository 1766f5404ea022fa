"""Makes each pass over the corpus new: other vocal tracts, paces, lines and gaps."""

from __future__ import annotations

import numpy as np

TRACT = (.86, 1.16)   # how much longer or shorter a throat
PACE = (.85, 1.18)
BAND_HZ, NYQUIST_HZ = 3000.0, 4000.0


def varied(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Log-mel (frames, 80) in and out: as another throat at another pace on another line would be."""
    mel = mel.astype(np.float32)
    if rng.random() < .7:
        mel = at_pace(mel, rng.uniform(*PACE))
    if rng.random() < .7:
        mel = mel @ tract(rng.uniform(*TRACT)).T
    if rng.random() < .5:
        mel = mel + coloration(rng)
    return with_gaps(mel, rng)


def at_pace(mel: np.ndarray, pace: float) -> np.ndarray:
    places = np.linspace(0, len(mel) - 1, max(int(len(mel) / pace), 2))
    low = places.astype(int)
    share = (places - low).astype(np.float32)[:, None]
    return mel[low] * (1 - share) + mel[np.minimum(low + 1, len(mel) - 1)] * share


def tract(ratio: float) -> np.ndarray:
    """(80, 80): each band is read from where a throat of ``ratio`` puts it; the line's edge stays."""
    hertz = bands_hz()
    knee = BAND_HZ * min(1, 1 / ratio)
    above = NYQUIST_HZ - (NYQUIST_HZ - knee * ratio) / (NYQUIST_HZ - knee) * (NYQUIST_HZ - hertz)
    source = np.where(hertz < knee, hertz * ratio, np.where(hertz < NYQUIST_HZ, above, hertz))
    places = np.interp(source, hertz, np.arange(80))
    low = np.minimum(places.astype(int), 78)
    taken = np.zeros((80, 80), np.float32)
    taken[np.arange(80), low] = 1 - (places - low)
    taken[np.arange(80), low + 1] = places - low
    return taken


def bands_hz() -> np.ndarray:
    """Centres of Whisper's 80 bands up to 8 kHz on Slaney's scale (linear to 1 kHz, then logarithmic)."""
    step = np.log(6.4) / 27
    mels = np.linspace(0, 15 + np.log(8) / step, 82)[1:-1]
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * step))


def coloration(rng: np.random.Generator) -> np.ndarray:
    """(80,): a handset's smooth curve of a few dB (one unit of Whisper's log-mel is 40 dB)."""
    return np.interp(np.arange(80), np.linspace(0, 79, 6), rng.normal(0, .07, 6)).astype(np.float32)


def with_gaps(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some bands and short moments are lost: what is around must do."""
    mel, mean = mel.copy(), mel.mean()
    for _ in range(rng.integers(0, 3)):
        low = rng.integers(0, 52)
        mel[:, low: low + rng.integers(1, 6)] = mean
    for _ in range(rng.integers(0, 1 + len(mel) // 90)):
        start = rng.integers(0, len(mel))
        mel[start: start + rng.integers(1, 8)] = mean
    return mel

