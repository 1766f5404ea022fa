"""Loudness of short pieces of PCM."""

import numpy as np


def rms(pcm: bytes) -> float:
    """Root mean square of 16-bit mono PCM, in sample units (0–32767); 0 for no samples."""
    samples = np.frombuffer(pcm, dtype="<i2")
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float32)))) if len(samples) else 0.0
