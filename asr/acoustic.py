"""Audio to log probabilities of units: the encoder by onnxruntime, the head by numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from asr import frontend
from asr.encoder_export import EAR, checksum_file, ear_id, sha256_of
from asr.recognizer import ModelMissing
from asr.units import BLANK, UNIT_IDS, UNITS

ENCODER = Path(__file__).resolve().parent.parent / ".models" / "whisper-base-encoder-int8.onnx"
# What callers from the south say for what; the model's answer for one counts a little for the other.
NEIGHBOURS = (
    [("gan1", "gan4"), ("jin1", "jin4"), ("ji2", "ji4"), ("yu2", "yu4"), ("si", "shi"),
     ("yi", "E"), ("er", "R"), ("yun", "yong"), ("xin", "xing"), ("jin1", "jing"), ("jin4", "jing"),
     ("gan1", "gang"), ("gan4", "gang"), ("min", "ming"), ("su", "shu"), ("chuan", "cuan"),
     ("ling", "lin"), ("san", "shan"), ("liu", "niu"), ("yao", "yiao"), ("zhe", "ze"),
     ("shan", "san"), ("ning", "nin"), ("zang", "zhang"), ("e", "er"), ("hu", "fu")])
SPILL = 0.03


class AcousticModel:
    """One onnxruntime session of one thread, and the head's weights."""

    def __init__(self, encoder: Path, ear: Path = EAR, threads: int = 1):
        if not ear.exists():
            raise ModelMissing(f"{ear} is missing: restore it from the repository.")
        if not encoder.exists():
            raise ModelMissing(f"{encoder} is missing: run `make setup` to build it.")
        _check_whole(encoder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(encoder), options,
                                                     providers=["CPUExecutionProvider"])
        carried = self._session.get_modelmeta().custom_metadata_map.get("ear")
        if carried != ear_id(ear):
            raise ModelMissing(f"{encoder} was built for another model: delete it and run "
                               "`make -B setup`.")
        self._head = NumpyHead(ear)

    @classmethod
    def load(cls, encoder: Path = ENCODER) -> AcousticModel:
        return cls(encoder)

    def log_probs(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Float samples at ``rate`` Hz → natural logs (frames of 40 ms, units)."""
        mel = frontend.log_mel(frontend.to_16k(samples, rate))
        features = self._session.run(None, {"mel": mel[None]})[0][0]
        return spread(self._head(features))


def _check_whole(encoder: Path) -> None:
    """Raises ModelMissing where the file is not, byte for byte, the one that set-up made."""
    checksum = checksum_file(encoder)
    made = checksum.read_text("ascii").split()[0] if checksum.exists() else ""
    if sha256_of(encoder) != made:
        raise ModelMissing(f"{encoder} is not the file that set-up made (its SHA-256 is wrong): "
                           "delete it and run `make -B setup`.")


class NumpyHead:
    """The convolutions behind the encoder: (frames, 512) at 50/s → log probabilities at 25/s."""

    def __init__(self, ear: Path):
        with np.load(ear) as stored:
            self._weights = {name.removeprefix("head/"): dequantised(stored, name)
                             for name in stored.files
                             if name.startswith("head/") and not name.endswith("/scale")}
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


def dequantised(stored, name: str) -> np.ndarray:
    values = stored[name].astype(np.float32)
    if f"{name}/scale" not in stored.files:
        return values
    scale = stored[f"{name}/scale"].astype(np.float32)
    return values * scale.reshape(-1, *[1] * (values.ndim - 1))


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


def spread(log_probs: np.ndarray) -> np.ndarray:
    """Lets near units count for each other, and keeps every unit possible."""
    probs = np.exp(log_probs)
    mixed = probs + SPILL * (probs @ _neighbour_matrix())
    mixed = mixed * (1 - 1e-4) + 1e-4 / len(UNITS)
    return np.log(mixed / mixed.sum(axis=1, keepdims=True)).astype(np.float32)


def _neighbour_matrix(cache: list = []) -> np.ndarray:  # noqa: B006  built once
    if not cache:
        matrix = np.zeros((len(UNITS), len(UNITS)), np.float32)
        for one, other in [*NEIGHBOURS, *((t, t[:-1]) for t in ("gan1", "gan4", "jin1", "jin4",
                                                                "ji2", "ji4", "yu2", "yu4"))]:
            if one in UNIT_IDS and other in UNIT_IDS and BLANK not in (one, other):
                matrix[UNIT_IDS[one], UNIT_IDS[other]] = 1
                matrix[UNIT_IDS[other], UNIT_IDS[one]] = 1
        cache.append(matrix)
    return cache[0]
