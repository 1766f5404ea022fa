"""The head in plain numpy: what the ONNX one is held to."""

from pathlib import Path

import numpy as np

from asr.ear.head_graph import stored


class NumpyHead:
    """The convolutions behind the encoder: (frames, 512) at 50/s → log probabilities at 25/s."""

    def __init__(self, ear: Path):
        with np.load(ear) as learnt:
            self._weights = {name: stored(learnt, name) for name in _names(learnt)}
        self._dilations = [int(d) for d in self._weights.pop("dilations")]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        w = self._weights
        x = gelu(convolve(features, w["first.weight"], w["first.bias"], 1, 2))
        for index, dilation in enumerate(self._dilations):
            y = layer_norm(x, w[f"norms.{index}.weight"], w[f"norms.{index}.bias"])
            x = x + gelu(convolve(y, w[f"convs.{index}.weight"], w[f"convs.{index}.bias"], dilation))
        last = len(self._dilations)
        x = layer_norm(x, w[f"norms.{last}.weight"], w[f"norms.{last}.bias"])
        logits = x @ w["last.weight"].T + w["last.bias"]
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def convolve(x, weight, bias, dilation: int = 1, stride: int = 1) -> np.ndarray:
    """Width 3, zero padded: (frames, in) → (frames / stride, out); weight (out, in, 3)."""
    padded = np.pad(x, ((dilation, dilation), (0, 0)))
    count = len(x)
    parts = [padded[k * dilation: k * dilation + count: stride] @ weight[:, :, k].T for k in range(3)]
    return parts[0] + parts[1] + parts[2] + bias


def layer_norm(x, weight, bias) -> np.ndarray:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(axis=1, keepdims=True) + 1e-5) * weight + bias


def gelu(x: np.ndarray) -> np.ndarray:
    """GELU with the error function by Abramowitz and Stegun 7.1.26 (error under 2e-7)."""
    size = np.abs(x) * np.float32(0.7071067811865476)
    t = 1.0 / (1.0 + 0.3275911 * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (
        -1.453152027 + t * 1.061405429))))
    error = np.sign(x) * (1.0 - series * np.exp(-size * size))
    return (0.5 * x * (1.0 + error)).astype(np.float32)


def _names(learnt):
    return [name.removeprefix("head/") for name in learnt.files
            if name.startswith("head/") and not name.endswith("/scale")]
