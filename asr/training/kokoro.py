"""Kokoro-82M by onnxruntime alone: phonemes in, speech out (24 kHz)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime

RATE = 24000


class Kokoro:
    """Reads ``kokoro.onnx``, ``vocab.json`` and ``voices/*.bin`` (510×256 float32) in one folder."""

    def __init__(self, folder: Path, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(folder / "kokoro.onnx"), options)
        self._vocab = json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"]
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self.voices = {path.stem: np.fromfile(path, np.float32).reshape(-1, 256)
                       for path in sorted((folder / "voices").glob("*.bin"))}

    def speak(self, phonemes: str, style: np.ndarray, speed: float) -> np.ndarray:
        """Float samples at 24 kHz, silence at the ends cut. KeyError for an unknown phoneme."""
        ids = [self._vocab[character] for character in phonemes]
        feed = {
            self._inputs[0]: np.array([[0, *ids, 0]], np.int64),
            self._inputs[1]: style[min(len(ids), 509)][None].astype(np.float32),
            self._inputs[2]: np.array([speed], np.float32),
        }
        return trim(self._session.run(None, feed)[0].reshape(-1))


def trim(samples: np.ndarray, rate: int = RATE, floor_db: float = -42.0, keep_s: float = 0.03):
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
