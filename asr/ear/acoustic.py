"""Audio to log probabilities of units, by onnxruntime.

One recording after another: on one core a batch gains nothing. CPU time a recording, alone and in a
batch of 8: 7.0 and 5.3 ms for 1 s of audio, 12 and 14 for 2 s, 29 and 37 for 4 s, 78 and 86 for 8 s
(what a batch holds no longer fits the caches, and unequal lengths would have to be padded besides).
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import onnxruntime

from asr.ear import frontend
from asr.ear.encoder_export import EAR, checksum_file, ear_id, sha256_of
from asr.grammars.units import BLANK, UNIT_IDS, UNITS
from asr.recognizer import ModelMissing

ENCODER = Path(__file__).resolve().parents[2] / ".models" / "whisper-base-encoder-int8.onnx"
# What callers from the south say for what, and from the north (二 as "ar"); the model's answer for one counts a little for the other.
NEIGHBOURS = (
    [("gan1", "gan4"), ("jin1", "jin4"), ("ji2", "ji4"), ("yu2", "yu4"), ("si", "shi"),
     ("yi", "E"), ("er", "R"), ("er", "a"), ("yun", "yong"), ("xin", "xing"), ("jin1", "jing"), ("jin4", "jing"),
     ("gan1", "gang"), ("gan4", "gang"), ("min", "ming"), ("su", "shu"), ("chuan", "cuan"),
     ("ling", "lin"), ("san", "shan"), ("liu", "niu"), ("yao", "yiao"), ("zhe", "ze"),
     ("shan", "san"), ("ning", "nin"), ("zang", "zhang"), ("e", "er"), ("hu", "fu")])
SPILL = 0.03


class AcousticModel:
    """One onnxruntime session, of one thread unless more are asked for."""

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
        heads = {output.name for output in self._session.get_outputs()}
        if carried != ear_id(ear) or "log_probs" not in heads:
            raise ModelMissing(f"{encoder} was built for another model: delete it and run "
                               "`make -B setup`.")

    @classmethod
    def load(cls, encoder: Path = ENCODER) -> AcousticModel:
        return cls(encoder)

    def log_probs(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Float samples at ``rate`` Hz → natural logs (frames of 40 ms, units)."""
        mel = frontend.log_mel(frontend.to_16k(samples, rate))
        return spread(self._session.run(["log_probs"], {"mel": mel[None]})[0][0])


def _check_whole(encoder: Path) -> None:
    """Raises ModelMissing where the file is not, byte for byte, the one that set-up made."""
    checksum = checksum_file(encoder)
    made = checksum.read_text("ascii").split()[0] if checksum.exists() else ""
    if sha256_of(encoder) != made:
        raise ModelMissing(f"{encoder} is not the file that set-up made (its SHA-256 is wrong): "
                           "delete it and run `make -B setup`.")


def spread(log_probs: np.ndarray) -> np.ndarray:
    """Lets near units count for each other, and keeps every unit possible."""
    probs = np.exp(log_probs)
    mixed = probs.copy()
    for unit, near in _neighbours():
        mixed[:, unit] += SPILL * probs[:, near]
    mixed = mixed * (1 - 1e-4) + 1e-4 / len(UNITS)
    return np.log(mixed / mixed.sum(axis=1, keepdims=True)).astype(np.float32)


@functools.cache
def _neighbours() -> tuple[tuple[int, int], ...]:
    """Units, and whose probability counts a little for them: both ways, each pair once."""
    alike = [*NEIGHBOURS, *((tone, tone[:-1]) for tone in ("gan1", "gan4", "jin1", "jin4", "ji2", "ji4", "yu2", "yu4"))]
    known = [(UNIT_IDS[one], UNIT_IDS[other]) for one, other in alike
             if one in UNIT_IDS and other in UNIT_IDS and BLANK not in (one, other)]
    return tuple(dict.fromkeys([*known, *((other, one) for one, other in known)]))
