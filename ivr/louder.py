"""The bot's voice raised for those who hear badly, and never clipped."""

import numpy as np

KNEE = 0.6
"""Share of full scale above which louder is bent down instead of cut off."""
FULL = 32767.0


def louder(pcm_8k: bytes, db: float) -> bytes:
    """The same PCM `db` decibels louder; peaks are rounded off so that none reaches full scale."""
    if db <= 0 or not pcm_8k:
        return pcm_8k
    samples = np.frombuffer(pcm_8k, "<i2").astype(np.float32) / FULL * np.float32(10 ** (db / 20))
    size = np.abs(samples)
    over = np.maximum(size - KNEE, 0) / (1 - KNEE)
    limited = np.sign(samples) * np.where(over > 0, KNEE + (1 - KNEE) * over / (1 + over), size)
    return np.round(limited * FULL).astype("<i2").tobytes()
