"""A grammar's network as arrays: empty moves taken out, what is alike laid together."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from asr.grammars.templates import Builder
from asr.recognizer import GrammarError

END = -1
_MOST_MOVES = 200_000
_ROUND = 1e4                       # weights nearer than 1e-4 nats are alike
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Graph:
    """A grammar without empty moves; arcs of state ``s`` are ``first[s]:first[s + 1]``.

    ``unit`` (nodes), ``text`` (nodes) and ``state`` (nodes, where it leads) describe nodes; ``target``
    (arcs, −1 = the end), ``log_weight`` (arcs) and ``output`` (arcs, index into ``outputs``) arcs.
    State 0 is the start. The weights that leave a state are probabilities: they sum to 1.
    """

    unit: np.ndarray
    text: tuple[str, ...]
    state: np.ndarray
    first: np.ndarray
    target: np.ndarray
    log_weight: np.ndarray
    output: np.ndarray
    outputs: tuple[str, ...]


def compiled(builder: Builder, start: int, end: int, source: str) -> Graph:
    """The network between two states of a builder."""
    return _merged(_closed(builder, start, end, source))


def joined(one: Graph, other: Graph, share: float) -> Graph:
    """What either accepts, `other` with this probability. Neither is searched for what is alike."""
    outputs = {text: number for number, text in enumerate(dict.fromkeys((*one.outputs, *other.outputs)))}
    parts, at_state, at_node = [], 1, 0
    for graph, weight in ((one, 1.0 - share), (other, share)):
        starts = slice(0, graph.first[1])
        target = np.where(graph.target < 0, END, graph.target + at_node)
        output = np.array([outputs[text] for text in graph.outputs])[graph.output]
        parts.append((graph.state + at_state, np.diff(graph.first), target, graph.log_weight, output,
                      target[starts], graph.log_weight[starts] + np.log(weight), output[starts]))
        at_state, at_node = at_state + len(graph.first) - 1, at_node + len(graph.unit)
    state, arcs, target, log_weight, output, *start = (np.concatenate(each) for each in zip(*parts, strict=True))
    first = np.cumsum([0, len(start[0]), *arcs])
    return Graph(
        np.concatenate([one.unit, other.unit]), one.text + other.text, state.astype(np.int32), first.astype(np.int32),
        np.concatenate([start[0], target]).astype(np.int32), np.concatenate([start[1], log_weight]).astype(np.float32),
        np.concatenate([start[2], output]).astype(np.int32), tuple(outputs))


def _closed(builder: Builder, start: int, end: int, source: str) -> Graph:
    """Takes the empty moves out: every state of interest gets arcs straight to nodes."""
    order, waiting = {start: 0}, [start]
    landing = functools.cache(lambda state: _landing(builder, state, end))
    outputs: dict[str, int] = {"": 0}
    nodes: dict[int, int] = {}
    first, target, weight, output = [0], [], [], []
    for state in waiting:          # grows while it is walked: only what can be reached is kept
        for (node, said), log_weight in sorted(_reach(builder, state, end, source).items()):
            if node != END:
                after = landing(builder.nodes[node].after)
                if after not in order:
                    order[after] = len(order)
                    waiting.append(after)
                node = nodes.setdefault(node, len(nodes))
            target.append(node)
            weight.append(log_weight)
            output.append(outputs.setdefault(said, len(outputs)))
        first.append(len(target))
    kept = [builder.nodes[node] for node in nodes]
    return Graph(
        np.array([node.unit for node in kept], np.int32), tuple(node.text for node in kept),
        np.array([order[landing(node.after)] for node in kept], np.int32),
        np.array(first, np.int32), np.array(target, np.int32),
        np.array(weight, np.float32), np.array(output, np.int32), tuple(outputs))


def _landing(builder: Builder, state: int, end: int) -> int:
    """Where a state leads that has nothing but one empty move: most do, and need no arcs then."""
    for _ in range(_MOST_MOVES):
        moves = builder.moves_from.get(state, ())
        if state == end or builder.units_from.get(state) or len(moves) != 1 or moves[0].output or moves[0].log_weight:
            break
        state = moves[0].to
    return state


def _reach(builder: Builder, state: int, end: int, source: str) -> dict[tuple[int, str], float]:
    found: dict[tuple[int, str], float] = {}
    stack, moves = [(state, 0.0, "")], 0
    while stack:
        moves += 1
        if moves > _MOST_MOVES:
            raise GrammarError(f"{source}: something that is said once or more (`+`) may be empty.")
        place, log_weight, said = stack.pop()
        goals = [*builder.units_from.get(place, ()), *([(END, 0.0)] if place == end else ())]
        for goal, more in goals:
            found[goal, said] = np.logaddexp(found.get((goal, said), -np.inf), log_weight + more)
        for move in builder.moves_from.get(place, ()):
            stack.append((move.to, log_weight + move.log_weight, said + move.output))
    return found


def _merged(graph: Graph) -> Graph:
    """States with the same future become one (the coarsest such partition), and so do their nodes."""
    texts = {text: number for number, text in enumerate(dict.fromkeys(graph.text))}
    kind = graph.unit.astype(np.uint64) * _MIX + np.array([texts[text] for text in graph.text], np.uint64)
    rounded = np.round(graph.log_weight * _ROUND).astype(np.int64).astype(np.uint64)
    own = _mixed(graph.output.astype(np.uint64) * _MIX ^ rounded)
    state_class = np.zeros(len(graph.first) - 1, np.int64)
    while True:
        node_class = _numbered(_mixed(kind) + _mixed(state_class[graph.state].astype(np.uint64) + _MIX))
        goal = np.where(graph.target < 0, np.uint64(0), node_class[graph.target].astype(np.uint64) + np.uint64(1))
        arcs = _mixed(own + _mixed(goal))
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(arcs)])
        finer = _numbered(sums[graph.first[1:]] - sums[graph.first[:-1]])
        if finer.max(initial=0) == state_class.max(initial=0):
            return _rebuilt(graph, finer, node_class)
        state_class = finer


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finish: near values become far ones."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _numbered(values: np.ndarray) -> np.ndarray:
    """0, 1, 2 … in the order of first appearance, so that state 0 stays the start."""
    _, place, inverse = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(place), np.int64)
    rank[np.argsort(place)] = np.arange(len(place))
    return rank[inverse]


def _rebuilt(graph: Graph, state_class: np.ndarray, node_class: np.ndarray) -> Graph:
    states = np.unique(state_class, return_index=True)[1]
    nodes = np.unique(node_class, return_index=True)[1]
    first, target, weight, output = [0], [], [], []
    for state in states:
        arcs: dict[tuple[int, int], float] = {}
        for arc in range(graph.first[state], graph.first[state + 1]):
            goal = END if graph.target[arc] < 0 else int(node_class[graph.target[arc]])
            key = goal, int(graph.output[arc])
            arcs[key] = np.logaddexp(arcs.get(key, -np.inf), graph.log_weight[arc])
        for (goal, said), log_weight in sorted(arcs.items()):
            target.append(goal)
            output.append(said)
            weight.append(log_weight)
        first.append(len(target))
    return Graph(
        graph.unit[nodes], tuple(graph.text[node] for node in nodes),
        state_class[graph.state[nodes]].astype(np.int32),
        np.array(first, np.int32), np.array(target, np.int32),
        np.array(weight, np.float32), np.array(output, np.int32), graph.outputs)
