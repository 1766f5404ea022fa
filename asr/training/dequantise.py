"""An int8 ONNX network back in floats, for a runtime that is faster with bfloat16.

Integer convolutions, products and LSTMs become plain ones with their scales multiplied in. The
squared sines of the voice's activations become a polynomial, since few runtimes vectorise ``Sin``.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

SINE = {"one": 1.0, "third": -1 / 6, "fifth": 1 / 120, "seventh": -0.93 / 5040,
        "pi": np.pi, "per_pi": 1 / np.pi}
"""sin² has period π, so its argument is folded to ±π/2; the error there is below 2e-5."""


def cached(source: Path, work: Path) -> Path:
    """The float network of ``source`` in ``work``, made if it is not there."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    made = work / f"{source.stem}-{digest}-float.onnx"
    if not made.exists():
        work.mkdir(parents=True, exist_ok=True)
        model = onnx.load(source)
        Dequantiser(model.graph).rewrite()
        partial = made.with_name(f"partial-{os.getpid()}-{made.name}")
        onnx.save(model, partial)
        partial.rename(made)
    return made


class Dequantiser:
    """Rewrites one graph in place."""

    def __init__(self, graph: onnx.GraphProto):
        self._graph = graph
        self._constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._maker = {name: node for node in graph.node for name in node.output}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._gone: set[int] = set()
        self._made: list[onnx.TensorProto] = [
            numpy_helper.from_array(np.array(value, np.float32), f"sine/{name}")
            for name, value in SINE.items()]

    def rewrite(self) -> None:
        replaced: dict[int, list[onnx.NodeProto]] = {}
        for node in self._graph.node:
            if node.op_type in ("ConvInteger", "MatMulInteger"):
                last, plain = self._product(node)
                replaced[id(last)] = [plain]
            elif node.op_type == "DynamicQuantizeLSTM":
                replaced[id(node)] = [self._lstm(node)]
            elif node.op_type == "Sin" and any(
                    user.op_type == "Pow" for user in self._users[node.output[0]]):
                replaced[id(node)] = list(_folded_sine(node))
        nodes = [new for node in self._graph.node if id(node) not in self._gone
                 for new in replaced.get(id(node), [node])]
        self._put(_without_dead(nodes, [output.name for output in self._graph.output]))

    def _put(self, nodes: list[onnx.NodeProto]) -> None:
        used = {name for node in nodes for name in node.input}
        tensors = [each for each in [*self._graph.initializer, *self._made] if each.name in used]
        del self._graph.node[:]
        del self._graph.initializer[:]
        self._graph.node.extend(nodes)
        self._graph.initializer.extend(tensors)

    def _product(self, node: onnx.NodeProto) -> tuple[onnx.NodeProto, onnx.NodeProto]:
        """The multiplication by both scales that ends an integer product, and what stands for it."""
        source = self._maker[node.input[0]]                # the DynamicQuantizeLinear
        value, value_scale = source.input[0], source.output[1]
        (cast,) = self._users[node.output[0]]
        bias = []
        if cast.op_type == "Add":
            self._gone.add(id(cast))
            bias = [self._float_bias(cast, node.output[0])]
            (cast,) = self._users[cast.output[0]]
        (scaled,) = self._users[cast.output[0]]
        scales = self._maker[next(name for name in scaled.input if name != cast.output[0])]
        weight_scale = next(name for name in scales.input if name != value_scale)
        weight = node.input[1]
        if weight in self._constants:
            zero = self._constants[node.input[3]].astype(np.float32)
            floats = (self._constants[weight].astype(np.float32) - zero) * self._constants[weight_scale]
            weight = self._constant(weight, floats)
        else:
            weight = self._maker[weight].input[0]
        self._gone.update((id(node), id(cast)))
        kind = "Conv" if node.op_type == "ConvInteger" else "MatMul"
        plain = helper.make_node(kind, [value, weight, *bias], [scaled.output[0]], name=node.name)
        plain.attribute.extend(node.attribute)
        return scaled, plain

    def _float_bias(self, add: onnx.NodeProto, product: str) -> str:
        node = self._maker[next(name for name in add.input if name != product)]
        while node.op_type != "Div":                       # bias / scale, floored, cast, reshaped
            node = self._maker[node.input[0]]
        return node.input[0]

    def _lstm(self, node: onnx.NodeProto) -> onnx.NodeProto:
        inputs = [*node.input, *[""] * (12 - len(node.input))]
        weights = [self._lstm_weight(inputs[1], inputs[8], inputs[9]),
                   self._lstm_weight(inputs[2], inputs[10], inputs[11])]
        names = [inputs[0], *weights, *inputs[3:8]]
        while not names[-1]:
            names.pop()
        plain = helper.make_node("LSTM", names, list(node.output), name=node.name)
        plain.attribute.extend(node.attribute)
        return plain

    def _lstm_weight(self, name: str, scale: str, zero: str) -> str:
        """(directions, in, 4·hidden) int8 → (directions, 4·hidden, in) float."""
        per = [self._constants[each].astype(np.float32) for each in (scale, zero)]
        per = [each.reshape(each.shape[0], 1, -1) for each in per]
        floats = (self._constants[name].astype(np.float32) - per[1]) * per[0]
        return self._constant(name, floats.transpose(0, 2, 1).copy())

    def _constant(self, name: str, values: np.ndarray) -> str:
        self._made.append(numpy_helper.from_array(values.astype(np.float32), f"{name}/float"))
        return f"{name}/float"


def _folded_sine(node: onnx.NodeProto):
    """Nodes for ±sin(x), to be squared: x − π·round(x/π), then x − x³/6 + x⁵/120 − …"""
    def step(kind: str, inputs: list[str], output: str) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [output], name=output)
    at = node.name + "/"
    yield step("Mul", [node.input[0], "sine/per_pi"], at + "turns")
    yield step("Round", [at + "turns"], at + "whole")
    yield step("Mul", [at + "whole", "sine/pi"], at + "off")
    yield step("Sub", [node.input[0], at + "off"], at + "x")
    yield step("Mul", [at + "x", at + "x"], at + "xx")
    yield step("Mul", [at + "xx", "sine/seventh"], at + "p7")
    yield step("Add", [at + "p7", "sine/fifth"], at + "p5")
    yield step("Mul", [at + "p5", at + "xx"], at + "q5")
    yield step("Add", [at + "q5", "sine/third"], at + "p3")
    yield step("Mul", [at + "p3", at + "xx"], at + "q3")
    yield step("Add", [at + "q3", "sine/one"], at + "p1")
    yield step("Mul", [at + "p1", at + "x"], node.output[0])


def _without_dead(nodes: list[onnx.NodeProto], outputs: list[str]) -> list[onnx.NodeProto]:
    while True:
        used = {name for node in nodes for name in node.input} | set(outputs)
        kept = [node for node in nodes if any(name in used for name in node.output)]
        if len(kept) == len(nodes):
            return kept
        nodes = kept
