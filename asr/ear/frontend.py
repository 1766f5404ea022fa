"""Sound to Whisper's log-mel frames: 80 bands, 100 frames/s, 16 kHz (8 kHz audio is upsampled)."""

from __future__ import annotations

import functools

import numpy as np
import soxr

RATE = 16000
WINDOW, STEP, BANDS = 400, 160, 80


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Float samples at 16 kHz, −1…1, any length → float32 (80, len // 160).

    As Whisper's front end (STFT 400/160, Hann, power, Slaney mels, log10 not under the clip's
    maximum − 8, then (x + 4) / 4), but not padded to 30 s.
    """
    padded = np.pad(samples.astype(np.float32), WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    frames = frames[: len(samples) // STEP]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)).astype(np.float32) ** 2
    mel = np.log10(np.maximum(mel_filters() @ power.T, 1e-10))
    return (np.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0


def to_16k(samples: np.ndarray, rate: int) -> np.ndarray:
    """Float samples at ``rate`` Hz → 16 kHz."""
    return samples if rate == RATE else soxr.resample(samples, rate, RATE)


def from_pcm(pcm: bytes) -> np.ndarray:
    """16-bit little endian → float32, −1…1."""
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32) / 32768.0


@functools.cache
def _window() -> np.ndarray:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@functools.cache
def mel_filters() -> np.ndarray:
    """Slaney-style triangular filters, area-normalised: float32 (80, 201)."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(RATE / 2), BANDS + 2))
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0, np.minimum(rising, falling))
    return (weights * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _hz_to_mel(hz: float) -> float:
    return 15.0 + np.log(hz / 1000.0) * 27.0 / np.log(6.4) if hz >= 1000.0 else hz * 3.0 / 200.0


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel >= 15.0, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0),
                    mel * 200.0 / 3.0)
