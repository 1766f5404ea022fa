"""Kokoro-82M for making a corpus: phonemes in, speech out (24 kHz), in bfloat16 by OpenVINO.

The voice's int8 network is turned back into floats once (:mod:`asr.training.dequantise`): processors
with bfloat16 tiles run that five times as fast as the int8 one.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino

from asr.training import dequantise
from asr.training.trim import trim

RATE = 24000
SLOWEST = .9
"""Asked to speak more slowly, the voice puts a syllable of its own before the first: slower training speech is
stretched (:func:`asr.training.augment.faster`)."""


class Kokoro:
    """Reads ``model.onnx``, ``vocab.json`` and ``voices/*.bin`` (510×256 float32) in one folder."""

    def __init__(self, folder: Path, work: Path, threads: int = 1):
        """``work``: where the float network is kept."""
        network = dequantise.cached(folder / "model.onnx", work)
        compiled = openvino.Core().compile_model(str(network), "CPU", {
            "INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
            "CPU_RUNTIME_CACHE_CAPACITY": 100_000})
        self._request = compiled.create_infer_request()
        self._vocab = json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"]
        self.voices = {path.stem: np.fromfile(path, np.float32).reshape(-1, 256)
                       for path in sorted((folder / "voices").glob("*.bin"))}

    def speak(self, phonemes: str, style: np.ndarray, speed: float) -> np.ndarray:
        """Float samples at 24 kHz, silence at the ends cut. KeyError for an unknown phoneme."""
        ids = [self._vocab[character] for character in phonemes]
        said = self._request.infer({
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": style[min(len(ids), 509)][None].astype(np.float32),
            "speed": np.array([speed], np.float32),
        })
        return trim(np.array(said[0]).reshape(-1), RATE)
