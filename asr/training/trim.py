"""Silence cut from both ends of a recording."""

from __future__ import annotations

import numpy as np


def trim(samples: np.ndarray, rate: int, floor_db: float = -42.0, keep_s: float = 0.03):
    """Cuts what is quieter than the peak by ``-floor_db`` at both ends."""
    step = rate // 100
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    if not len(frames):
        return samples
    level = np.sqrt((frames ** 2).mean(1) + 1e-12)
    loud = np.flatnonzero(level > level.max() * 10 ** (floor_db / 20))
    keep = int(keep_s * 100)
    start, stop = max(loud[0] - keep, 0) * step, (loud[-1] + 1 + keep) * step
    return samples[start:stop]
