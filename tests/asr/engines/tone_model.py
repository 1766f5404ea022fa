"""Streaming models made by hand, in formats that sherpa-onnx loads: a WeNet CTC, an LSTM transducer.

A token is heard where its pitch is: the features are mel bands, and one matrix picks each token's band.
"""

from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
from onnx import TensorProto, helper

TOKENS = {"对": 500, "不": 1000, "是": 2000}          # Hz
TWIN = "事"
BANDS, SUBSAMPLING, RIGHT_CONTEXT, WIDTH = 80, 4, 6, 4
BLANK = 0
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def tone(hz: float, seconds: float = 0.4, rate: int = 8000) -> np.ndarray:
    ramp = np.minimum(1, np.minimum(np.arange(n := int(seconds * rate)), np.arange(n)[::-1]) / 80)
    return 8000 * ramp * np.sin(2 * np.pi * hz * np.arange(n) / rate)


def said(text: str, rate: int = 8000) -> bytes:
    """The text's tokens as tones with quiet between, 16-bit PCM."""
    quiet = np.zeros(rate // 4)
    parts = [quiet]
    for character in text:
        parts += [tone(TOKENS[character], rate=rate), quiet]
    noise = np.random.default_rng(0).normal(0, 3, sum(map(len, parts)))
    return (np.concatenate(parts) + noise).astype("<i2").tobytes()


def write_ctc(folder: Path) -> Path:
    """`model.onnx` and `tokens.txt` in the folder."""
    weights, bias = _weights(list(TOKENS.values()))
    _write_tokens(folder, list(TOKENS))
    states = [("attn_cache", [1, 1, "C", 2 * WIDTH]), ("conv_cache", [1, 1, WIDTH, "K"])]
    nodes = [*_heard(weights, bias), helper.make_node("LogSoftmax", ["logits"], ["log_probs"], axis=-1)]
    inputs = [("x", FLOAT, [1, "T", BANDS]), ("offset", INT64, [1]), ("required_cache_size", INT64, [1]),
              *((name, FLOAT, shape) for name, shape in states), ("attn_mask", BOOL, [1, 1, "M"])]
    _save(folder / "model.onnx", nodes + _kept(states), inputs,
          ["log_probs", *(f"next_{name}" for name, _ in states)],
          {"model_type": "wenet_ctc", "head": 1, "num_blocks": 1, "output_size": WIDTH,
           "cnn_module_kernel": 3, "right_context": RIGHT_CONTEXT, "subsampling_factor": SUBSAMPLING,
           "vocab_size": len(bias)})
    return folder


def write_transducer(folder: Path) -> Path:
    """Encoder, decoder, joiner and `tokens.txt`; 事 has the pitch of 是 and is a little less likely."""
    names = [*TOKENS, TWIN]
    weights, bias = _weights([*TOKENS.values(), TOKENS["是"]])
    bias[-1] -= 0.5
    _write_tokens(folder, names)
    states = [("h", [1, "N", WIDTH]), ("c", [1, "N", WIDTH])]
    inputs = [("x", FLOAT, ["N", "T", BANDS]), *((name, FLOAT, shape) for name, shape in states)]
    _save(folder / "encoder.onnx", _heard(weights, bias) + _kept(states), inputs,
          ["logits", *(f"next_{name}" for name, _ in states)],
          {"model_type": "lstm", "num_encoder_layers": 1, "T": 38, "decode_chunk_len": 32,
           "rnn_hidden_size": WIDTH, "d_model": WIDTH})
    said_once = -30.0 * np.eye(len(bias), dtype=np.float32)       # a tone is one token, however long
    said_once[[-2, -1], [-1, -2]] = -30.0
    said_once[BLANK, BLANK] = 0
    last = [_constant("said_once", said_once), _constant("last", np.array(1)),
            helper.make_node("Gather", ["y", "last"], ["before"], axis=1),
            helper.make_node("Gather", ["said_once", "before"], ["decoder_out"], axis=0)]
    _save(folder / "decoder.onnx", last, [("y", INT64, ["N", 2])], ["decoder_out"],
          {"vocab_size": len(bias), "context_size": 2})
    _save(folder / "joiner.onnx", [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])],
          [("encoder_out", FLOAT, ["N", len(bias)]), ("decoder_out", FLOAT, ["N", len(bias)])], ["logit"],
          {"joiner_dim": len(bias)})
    return folder


def _write_tokens(folder: Path, names: list[str]) -> None:
    lines = (f"{name} {number}\n" for number, name in enumerate(["<blk>", *names]))
    (folder / "tokens.txt").write_text("".join(lines), "utf-8")


def _weights(pitches: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """How much louder a token's band must be than the mean of all, in nats."""
    weights = np.zeros((BANDS, len(pitches) + 1), np.float32)
    for place, hz in enumerate(pitches, 1):
        band = _band(hz)
        weights[:, place] = -1.0 / BANDS
        weights[band - 1: band + 2, place] += 1.0 / 3
    bias = np.zeros(len(pitches) + 1, np.float32)
    bias[BLANK] = 8.0
    return weights, bias


def _band(hz: float) -> int:
    """The band of 80 mel bands from 20 Hz to 7600 Hz whose middle is nearest."""
    def mel(f):
        return 1127 * np.log(1 + f / 700)
    middles = np.linspace(mel(20), mel(7600), BANDS + 2)[1:-1]
    return int(np.abs(middles - mel(hz)).argmin())


def _heard(weights: np.ndarray, bias: np.ndarray) -> list[onnx.NodeProto]:
    """x (N, T, 80) → logits (N, F, tokens) of every fourth frame, but for the ends."""
    return [_constant("w", weights), _constant("b", bias), _constant("from", np.array([3])),
            _constant("to", np.array([-3])), _constant("axis", np.array([1])),
            _constant("step", np.array([SUBSAMPLING])),
            helper.make_node("Slice", ["x", "from", "to", "axis", "step"], ["kept"]),
            helper.make_node("MatMul", ["kept", "w"], ["heard"]),
            helper.make_node("Add", ["heard", "b"], ["logits"])]


def _kept(states: list[tuple[str, list]]) -> list[onnx.NodeProto]:
    return [helper.make_node("Identity", [name], [f"next_{name}"]) for name, _ in states]


def _constant(name: str, value: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value, name))


def _save(path: Path, nodes, inputs, outputs: list[str], described: dict) -> None:
    graph = helper.make_graph(nodes, path.stem, [helper.make_tensor_value_info(*entry) for entry in inputs],
                              [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in described.items():
        model.metadata_props.add(key=key, value=str(value))
    onnx.save(model, path)
