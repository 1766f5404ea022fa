"""Write what was learnt (head int8, adapters float16) to ``asr/models/ear.npz``, and read it back.

    python -m asr.training.export_head --checkpoint DIR/last.pt [--out asr/models/ear.npz]
"""

from __future__ import annotations

import argparse
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import torch

from asr.ear.encoder_export import EAR
from asr.training.model import DILATIONS

_PLACES = {"qkv": "self_attention/linear_0", "out": "self_attention/linear_1",
           "rise": "ffn/linear_0", "fall": "ffn/linear_1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=EAR)
    options = parser.parse_args()
    arrays = {"head/dilations": np.array(DILATIONS, np.int32)}
    for name, value in torch.load(options.checkpoint)["mean"].items():
        part, _, rest = name.partition(".")
        if part == "head":
            store(arrays, f"head/{rest}", value.float().numpy())
        else:
            _, layer, linear, side = rest.split(".")
            place = f"adapter/layer_{layer}/{_PLACES[linear]}/{side}"
            arrays[place] = value.numpy().astype(np.float16)
    write(arrays, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


def learnt(ear: Path) -> dict[str, torch.Tensor]:
    """The weights in an ``ear.npz`` by the names that training has for them."""
    linears = {place: linear for linear, place in _PLACES.items()}
    weights = {}
    with np.load(ear) as arrays:
        for name in arrays.files:
            part, _, rest = name.partition("/")
            if part == "adapter":
                layer, place, side = re.fullmatch(r"layer_(\d+)/(.+)/(up|down)", rest).groups()
                weights[f"adapters.layers.{layer}.{linears[place]}.{side}"] = torch.from_numpy(arrays[name]).float()
            elif rest != "dilations" and not rest.endswith("/scale"):
                values = arrays[name].astype(np.float32)
                if f"{name}/scale" in arrays.files:
                    values *= arrays[f"{name}/scale"].reshape(-1, *[1] * (values.ndim - 1))
                weights[f"head.{rest}"] = torch.from_numpy(values)
    return weights


def store(arrays: dict, name: str, values: np.ndarray) -> None:
    """Matrices as int8 with a scale for each output, the rest as they are."""
    if values.ndim < 2:
        arrays[name] = values.astype(np.float32)
        return
    scale = np.abs(values).reshape(len(values), -1).max(axis=1) / 127 + 1e-12
    arrays[name] = np.round(values / scale.reshape(-1, *[1] * (values.ndim - 1))).astype(np.int8)
    arrays[f"{name}/scale"] = scale.astype(np.float32)


def write(arrays: dict[str, np.ndarray], out: Path) -> None:
    """An ``.npz`` with fixed dates, so that the same weights are the same file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            body = io.BytesIO()
            np.save(body, arrays[name])
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (2020, 1, 1, 0, 0, 0)), body.getvalue(),
                             zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
