"""Grammars: YAML templates of what can be said now, compiled to a graph over the model's units.

A file has `start` (a rule's name), `rules`, and optionally `with` (rules of `common.yaml` that may be
said instead, with their weights). A rule is a list of alternatives, or a `sequence`:

    start: minutes
    with: {person: 0.02}
    rules:
      minutes:
        - {say: "[大概] {number} 分钟 [左右]"}          # value: the values of its slots, in order
        - {say: "(一刻钟|半个钟头@0.2)", value: "15", weight: 0.3}
      serial:
        sequence:                                  # places filled from classes of things
          classes: {D: digit, L: letter}
          patterns: {DDDDD: 0.6, LDDDD: 0.4}
          repeats: {两个: 2, 三个: 3}                # 三个八 fills three places
          repeat_weight: 0.1

In a template `(a|b)` are alternatives, `[a]` may be left out, `{x}` is a rule, `@0.3` weighs the
alternative before it; Latin capitals are letters said by name, spaces mean nothing. A `value` may
name slots: `later:{minutes}`. `{...}` is anything at all (garbage).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from asr import templates
from asr.recognizer import GrammarError

FOLDER = Path(__file__).resolve().parent.parent / "flows" / "grammars"
_FINAL = -1


@dataclass(frozen=True)
class Sentence:
    """A sentence that a grammar accepts: its text, its units, its value."""

    text: str
    units: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Graph:
    """A grammar without empty moves; arcs of state ``s`` are ``first[s]:first[s + 1]``.

    ``unit`` (nodes), ``text`` (nodes) and ``state`` (nodes, where it leads) describe nodes; ``target``
    (arcs, −1 = the end), ``log_weight`` (arcs) and ``output`` (arcs, index into ``outputs``) arcs.
    State 0 is the start.
    """

    unit: np.ndarray
    text: tuple[str, ...]
    state: np.ndarray
    first: np.ndarray
    target: np.ndarray
    log_weight: np.ndarray
    output: np.ndarray
    outputs: tuple[str, ...]


class Grammar:
    """What can be said now."""

    def __init__(self, name: str, document: dict, common: dict | None = None, source: str = ""):
        self.name = name
        self._source = source or name
        if not isinstance(document, dict) or "start" not in document or "rules" not in document:
            raise GrammarError(f"{self._source}: a grammar needs `start` and `rules`.")
        self._document = document
        self._common = common or {"rules": {}}

    @classmethod
    def load(cls, name: str, folder: Path = FOLDER) -> Grammar:
        """``plate``, or with common rules added: ``minutes+person+repeat``. Raises GrammarError."""
        name, *added = name.split("+")
        document = _read(folder / f"{name}.yaml")
        common_path = folder / "common.yaml"
        common = _read(common_path) if common_path.exists() else {"rules": {}}
        if added:
            document = {**document, "with": {**document.get("with", {}),
                                             **{rule: 0.02 for rule in added}}}
        return cls("+".join([name, *added]), document, common, str(folder / f"{name}.yaml"))

    @cached_property
    def graph(self) -> Graph:
        """Compiled at first use; raises GrammarError for what the file says wrongly."""
        rules = {**self._common["rules"], **self._document["rules"]}
        builder = templates.Builder(rules, self._source)
        start, end = builder.state(), builder.state()
        extra = self._document.get("with", {})
        builder.rule(self._document["start"], start, end, math.log(1.0 - sum(extra.values())))
        for rule, weight in extra.items():
            builder.rule(rule, start, end, math.log(weight))
        return _close(builder, start, end)

    def sample(self, rng: random.Random) -> Sentence:
        """A random sentence, as likely as the grammar's weights say."""
        graph, state = self.graph, 0
        units, text, value = [], [], []
        while True:
            arcs = range(graph.first[state], graph.first[state + 1])
            weights = np.exp(graph.log_weight[arcs.start: arcs.stop])
            arc = rng.choices(arcs, weights)[0]
            value.append(graph.outputs[graph.output[arc]])
            node = graph.target[arc]
            if node == _FINAL:
                return Sentence("".join(text), tuple(units), "".join(value))
            units.append(templates.UNIT_NAMES[graph.unit[node]])
            text.append(graph.text[node])
            state = graph.state[node]


def _read(path: Path) -> dict:
    try:
        return YAML(typ="safe").load(path.read_text("utf-8"))
    except OSError as error:
        raise GrammarError(f"{path}: there is no such grammar.") from error
    except YAMLError as error:
        raise GrammarError(f"{path}: not YAML: {error}") from error


def _close(builder: templates.Builder, start: int, end: int) -> Graph:
    """Takes the empty moves out: every state of interest gets arcs straight to nodes."""
    order = {start: 0}
    for node in builder.nodes:
        order.setdefault(node.after, len(order))
    outputs: dict[str, int] = {"": 0}
    first, target, weight, output = [0], [], [], []
    for state in order:
        for (node, said), log_weight in sorted(_reach(builder, state, end).items()):
            target.append(node)
            weight.append(log_weight)
            output.append(outputs.setdefault(said, len(outputs)))
        first.append(len(target))
    return Graph(
        np.array([node.unit for node in builder.nodes], np.int32),
        tuple(node.text for node in builder.nodes),
        np.array([order[node.after] for node in builder.nodes], np.int32),
        np.array(first, np.int32), np.array(target, np.int32),
        np.array(weight, np.float32), np.array(output, np.int32), tuple(outputs))


def _reach(builder: templates.Builder, state: int, end: int) -> dict[tuple[int, str], float]:
    found: dict[tuple[int, str], float] = {}
    stack = [(state, 0.0, "")]
    while stack:
        place, log_weight, said = stack.pop()
        goals = builder.units_from.get(place, []) + ([_FINAL] if place == end else [])
        for goal in goals:
            key = (goal, said)
            found[key] = np.logaddexp(found.get(key, -np.inf), log_weight)
        for move in builder.moves_from.get(place, []):
            stack.append((move.to, log_weight + move.log_weight, said + move.output))
    return found
