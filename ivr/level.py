"""Loudness of short pieces of PCM."""

import math

import numpy as np


def rms(pcm: bytes) -> float:
    """Root mean square of 16-bit mono PCM, in sample units (0–32767); 0 for no samples."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    return math.sqrt(float(np.dot(samples, samples)) / len(samples)) if len(samples) else 0.0
