"""A telephone line between a recording and the recognizer: street noise, codec, lost packets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from asr.line.effects import NARROW, WIDE, band_limit, coded, coloured, g722, swell, with_losses

LINES = ("clean", "alaw", "ulaw", "g722", "gsm")
_SUBTYPES = {"alaw": "ALAW", "ulaw": "ULAW", "gsm": "GSM610"}
_QUIET_S = 0.25                    # of noise before and after the speech


@dataclass(frozen=True)
class Conditions:
    """``line``: one of LINES. ``noise_db``: speech over street noise, dB; None is without.
    ``loss``: share of 20 ms packets that never come, each by itself, and are concealed."""

    line: str = "clean"
    noise_db: float | None = None
    loss: float = 0.0

    def __str__(self) -> str:
        noise = "" if self.noise_db is None else f", street noise {self.noise_db:g} dB below"
        loss = f", {self.loss:.1%} of packets lost" if self.loss else ""
        return f"{self.line}{noise}{loss}"


def over_the_line(samples: np.ndarray, rate: int, conditions: Conditions, seed: int) -> bytes:
    """Float mono at ``rate`` Hz → what the recognizer is given: 16-bit mono at 8 kHz.

    The same ``seed`` gives the same noise and losses. A ``clean`` line is the change of rate alone;
    ``g722`` codes at 16 kHz and narrows afterwards, as the SIP worker does.
    """
    rng = np.random.default_rng(seed)
    wide = soxr.resample(samples, rate, WIDE)
    if conditions.noise_db is not None:
        wide = in_the_street(wide, conditions.noise_db, rng)
    if conditions.line == "g722":
        wide = with_losses(g722(wide), WIDE, conditions.loss, rng)
        return _pcm(soxr.resample(wide, WIDE, NARROW))
    if conditions.line == "clean":
        narrow = soxr.resample(wide, WIDE, NARROW)
    else:
        narrow = soxr.resample(band_limit(wide), WIDE, NARROW)
        narrow = coded(narrow, _SUBTYPES[conditions.line])
    return _pcm(with_losses(narrow, NARROW, conditions.loss, rng))


def in_the_street(samples: np.ndarray, decibels: float, rng: np.random.Generator) -> np.ndarray:
    """16 kHz speech with traffic that swells, so many dB below it, and a moment of it around."""
    padded = np.pad(samples, int(_QUIET_S * WIDE))
    traffic = coloured(rng, len(padded), 0.9) * swell(rng, len(padded))
    power = np.mean(samples**2) / max(float(np.mean(traffic**2)), 1e-12)
    return padded + traffic * np.sqrt(power) * 10 ** (-decibels / 20)


def _pcm(samples: np.ndarray) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
