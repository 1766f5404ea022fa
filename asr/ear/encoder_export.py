"""Builds the ONNX ear, int8 encoder and head, from Whisper-base's weights; needs no torch.

    python -m asr.ear.encoder_export --model-bin .models/whisper-base/model.bin \
        --out .models/whisper-base-encoder-int8.onnx

What this project learnt (``asr/models/ear.npz``) is taken in: adapters are added to the encoder's
weights, the head goes behind it.
The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np

from asr.ear.ct2 import read_encoder
from asr.ear.head_graph import UNQUANTISED, add_head
from asr.recognizer import AsrError

MODEL_BIN_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
EAR = Path(__file__).parent.parent / "models" / "ear.npz"
WIDTH, HEADS, LAYERS = 512, 8, 6
OPSET = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model-bin", type=Path, default=Path(".models/whisper-base/model.bin"))
    parser.add_argument("--out", type=Path,
                        default=Path(".models/whisper-base-encoder-int8.onnx"))
    options = parser.parse_args()
    try:
        export(options.model_bin, options.out)
    except AsrError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def export(model_bin: Path, out: Path, ear: Path = EAR) -> None:
    """Writes the quantised encoder; raises ModelMissing for an absent or wrong ``model.bin``."""
    weights = read_encoder(model_bin, MODEL_BIN_SHA256)
    if not ear.exists():
        quantise(build(weights), out, ear_id(ear))
        return
    with np.load(ear) as learnt:
        adapt(weights, learnt)
        quantise(build(weights, learnt), out, ear_id(ear))


def ear_id(ear: Path = EAR) -> str:
    """Which adapters an encoder carries: the recognizer asks for the same ones."""
    return hashlib.sha256(ear.read_bytes()).hexdigest()[:16] if ear.exists() else "none"


def adapt(weights: dict[str, np.ndarray], learnt) -> None:
    """Adds ``up @ down`` of every ``adapter/…/up`` to the weight it belongs to."""
    for name in learnt.files:
        if name.startswith("adapter/") and name.endswith("/up"):
            base = name.removeprefix("adapter/").removesuffix("/up")
            up = learnt[name].astype(np.float32)
            down = learnt[name[:-2] + "down"].astype(np.float32)
            weights[f"{base}/weight"] = weights[f"{base}/weight"] + up @ down


class _Graph:
    """Nodes and constants of an ONNX graph under construction."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, kind: str, *inputs: str, prefix: str = "", **attributes) -> str:
        from onnx import helper
        name = f"{prefix}{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def split(self, value: str, parts: int) -> list[str]:
        from onnx import helper
        names = [f"split_{len(self.nodes)}_{part}" for part in range(parts)]
        self.nodes.append(helper.make_node("Split", [value], names, axis=-1, num_outputs=parts))
        return names

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def build(weights: dict[str, np.ndarray], learnt=None):
    """An ONNX model: ``mel`` float32 (1, 80, 2·frames) → ``features`` float32 (1, frames, 512).

    With ``learnt``, an open ``ear.npz``, also ``log_probs`` float32 (1, frames / 2, units).
    """
    from onnx import TensorProto, helper
    graph = _Graph()
    x = "mel"
    for number, stride in ((1, 1), (2, 2)):
        x = graph.add("Conv", x, *(graph.constant(f"conv{number}/{part}", weights[f"conv{number}/{part}"])
                                   for part in ("weight", "bias")),
                      kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = graph.add("Gelu", x)
    x = _placed(graph, graph.add("Transpose", x, perm=[0, 2, 1]), weights)
    graph.constant("split_shape", np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
    graph.constant("whole_shape", np.array([0, 0, WIDTH], np.int64))
    graph.constant("scale", np.array((WIDTH // HEADS) ** -0.5, np.float32))
    for layer in range(LAYERS):
        x = _layer(graph, x, weights, f"layer_{layer}")
    x = _norm(graph, x, weights, "layer_norm")
    outputs = [_output(graph, x, "features", "frames", WIDTH)]
    if learnt is not None:
        units = learnt["head/last.bias"].shape[0]
        outputs.append(_output(graph, add_head(graph, x, learnt), "log_probs", "halves", units))
    body = helper.make_graph(
        graph.nodes, "whisper_base_encoder",
        [helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, 80, "mels"])],
        outputs, graph.constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def _output(graph: _Graph, x: str, name: str, frames: str, width: int):
    from onnx import TensorProto, helper
    graph.add("Identity", x)
    graph.nodes[-1].output[0] = name
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, frames, width])


def _placed(graph: _Graph, x: str, weights) -> str:
    """Adds the first rows of the position table."""
    table = graph.constant("positions", weights["position_encodings/encodings"])
    graph.constant("zero", np.array([0], np.int64))
    frames = graph.add("Shape", x, start=1, end=2)
    return graph.add("Add", x, graph.add("Slice", table, "zero", frames, "zero"))


def _layer(graph: _Graph, x: str, weights, name: str) -> str:
    attention = f"{name}/self_attention"
    qkv = _linear(graph, _norm(graph, x, weights, f"{attention}/layer_norm"), weights,
                  f"{attention}/linear_0")
    q, k, v = (graph.add("Reshape", part, "split_shape") for part in graph.split(qkv, 3))
    q, v = (graph.add("Transpose", part, perm=[0, 2, 1, 3]) for part in (q, v))
    k = graph.add("Transpose", k, perm=[0, 2, 3, 1])
    shares = graph.add("Softmax", graph.add("Mul", graph.add("MatMul", q, k), "scale"), axis=-1)
    heard = graph.add("Transpose", graph.add("MatMul", shares, v), perm=[0, 2, 1, 3])
    heard = graph.add("Reshape", heard, "whole_shape")
    x = graph.add("Add", x, _linear(graph, heard, weights, f"{attention}/linear_1"))
    y = _norm(graph, x, weights, f"{name}/ffn/layer_norm")
    y = graph.add("Gelu", _linear(graph, y, weights, f"{name}/ffn/linear_0"))
    return graph.add("Add", x, _linear(graph, y, weights, f"{name}/ffn/linear_1"))


def _linear(graph: _Graph, x: str, weights, name: str) -> str:
    weight = graph.constant(f"{name}/weight", weights[f"{name}/weight"].T)
    bias = graph.constant(f"{name}/bias", weights[f"{name}/bias"])
    return graph.add("Add", graph.add("MatMul", x, weight), bias)


def _norm(graph: _Graph, x: str, weights, name: str) -> str:
    gamma = graph.constant(f"{name}/gamma", weights[f"{name}/gamma"])
    beta = graph.constant(f"{name}/beta", weights[f"{name}/beta"])
    return graph.add("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)


def quantise(model, out: Path, ear: str) -> None:
    """Dynamic int8 per output channel, the head's as it is; written beside and moved, so that no half file is left."""
    import logging

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    logging.getLogger().setLevel(logging.ERROR)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
        onnx.save(model, plain)
        heads = [node.name for node in model.graph.node if node.name.startswith(UNQUANTISED)]
        quantize_dynamic(plain, small, op_types_to_quantize=["MatMul"], per_channel=True,
                         weight_type=QuantType.QInt8, nodes_to_exclude=heads)
        done = onnx.load(small)
        entry = done.metadata_props.add()
        entry.key, entry.value = "ear", ear
        onnx.save(done, small)
        checksum_file(out).write_text(f"{sha256_of(small)}  {out.name}\n", encoding="ascii")
        small.rename(out)


def checksum_file(encoder: Path) -> Path:
    """Where the encoder's SHA-256 is, in the form that `sha256sum -c` reads."""
    return encoder.with_name(f"{encoder.name}.sha256")


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
