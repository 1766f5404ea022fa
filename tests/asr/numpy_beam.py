"""The beam search in plain numpy, slow and easy to check: what ``asr.search.decoder`` is held to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asr.grammars.grammar import Graph
from asr.search.decoder import Decoded, Path

_LOW = -1e30
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass
class _Beam:
    node: np.ndarray               # −1 at the start
    value: np.ndarray              # uint64, a hash of the value so far
    blank: np.ndarray              # log score of ending in a blank
    voiced: np.ndarray             # log score of ending in the node's unit
    trace: np.ndarray              # index into the trail


class _Trail:
    """Every step ever taken: parent step, node, frame, arc."""

    def __init__(self):
        self._chunks = [np.array([[-1, -1, -1, -1]], np.int64)]
        self.size = 1

    def add(self, parent, node, frame, arc) -> np.ndarray:
        chunk = np.stack([parent, node, np.full(len(node), frame), arc], axis=1)
        self._chunks.append(chunk.astype(np.int64))
        self.size += len(node)
        return np.arange(self.size - len(node), self.size)

    def table(self) -> np.ndarray:
        return np.concatenate(self._chunks)


def decode(graph: Graph, log_probs: np.ndarray, *, beam: int = 400, width: float = 16.0,
           count: int = 400, garbage: float = 1.2) -> Decoded:
    """``log_probs`` (frames, units) natural logs; ``garbage`` what a frame of anything costs.

    Returns up to ``count`` values, whole ones and (marked so) unfinished ones.
    """
    scores = _with_garbage(log_probs, garbage)
    state = _Beam(np.array([-1]), np.zeros(1, np.uint64), np.zeros(1),
                  np.full(1, _LOW), np.zeros(1, np.int64))
    trail = _Trail()
    for frame, row in enumerate(scores):
        state = _step(graph, state, row, frame, trail, beam, width)
    return Decoded(_paths(graph, state, trail, count), *_free(log_probs))


def _with_garbage(log_probs: np.ndarray, garbage: float) -> np.ndarray:
    any_sound = log_probs.max(axis=1, keepdims=True) - garbage
    return np.concatenate([log_probs, any_sound], axis=1).astype(np.float32)


def _free(log_probs: np.ndarray) -> tuple[float, int]:
    best = log_probs.argmax(axis=1)
    changed = np.flatnonzero(np.diff(best, prepend=0))
    return float(log_probs.max(axis=1).sum()), int((best[changed] != 0).sum())


def _step(graph, state, row, frame, trail, beam, width) -> _Beam:
    total = np.logaddexp(state.blank, state.voiced)
    own = np.where(state.node < 0, _LOW, row[graph.unit[state.node]])
    stay_blank, stay_voiced = total + row[0], np.maximum(state.voiced + own, _LOW)
    best = np.logaddexp(stay_blank, stay_voiced).max()
    moved = None
    if row[0] < -0.002:
        moved = _moves(graph, state, total, row, max(best - width, _LOW))
    if moved is None:
        return _pruned(_Beam(state.node, state.value, stay_blank, stay_voiced, state.trace),
                       beam, width)
    source, arc, score, node, value = moved
    joined = _Beam(np.concatenate([state.node, node]), np.concatenate([state.value, value]),
                   np.concatenate([stay_blank, np.full(len(node), _LOW)]),
                   np.concatenate([stay_voiced, score]),
                   np.concatenate([state.trace, -1 - np.arange(len(node))]))
    merged = _pruned(_merged(joined), beam, width)
    fresh = np.flatnonzero(merged.trace < 0)
    picked = -1 - merged.trace[fresh]
    merged.trace[fresh] = trail.add(state.trace[source[picked]], node[picked], frame, arc[picked])
    return merged


def _moves(graph, state, total, row, floor):
    """All arcs out of all hypotheses that are not hopeless: (source, arc, score, node, value)."""
    active = np.flatnonzero(total + row[1:].max() > floor)
    places = np.where(state.node[active] < 0, 0, graph.state[state.node[active]])
    counts = graph.first[places + 1] - graph.first[places]
    if not counts.sum():
        return None
    source = np.repeat(active, counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    arc = np.repeat(graph.first[places], counts) + offsets
    node = graph.target[arc]
    unit = graph.unit[node]
    heard = row[unit] + graph.log_weight[arc]
    previous = np.where(state.node[source] < 0, -1, graph.unit[state.node[source]])
    score = heard + np.where(unit == previous, state.blank[source], total[source])
    keep = np.flatnonzero((node >= 0) & (score > floor))
    if not len(keep):
        return None
    source, arc, node, score = source[keep], arc[keep], node[keep], score[keep]
    return source, arc, score, node, _value(state.value[source], graph.output[arc], graph)


def _value(before: np.ndarray, output: np.ndarray, graph: Graph) -> np.ndarray:
    """Hash of the value with the arc's output behind it; the same text gives the same hash."""
    scale, add = _hashes(graph)
    return before * scale[output] + add[output]


_HASHES: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}


def _hashes(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    if graph.outputs not in _HASHES:
        scale, add = [], []
        for text in graph.outputs:
            multiplied, total = 1, 0
            for character in text:
                multiplied = multiplied * int(_MULTIPLIER) % 2 ** 64
                total = (total * int(_MULTIPLIER) + ord(character) * 7919 + 1) % 2 ** 64
            scale.append(multiplied)
            add.append(total)
        _HASHES[graph.outputs] = np.array(scale, np.uint64), np.array(add, np.uint64)
    return _HASHES[graph.outputs]


def _merged(state: _Beam) -> _Beam:
    """Adds up hypotheses of one value at one node; the best one's trace is kept."""
    key = state.value * np.uint64(31) + state.node.astype(np.uint64) * _MULTIPLIER
    total = np.maximum(state.blank, state.voiced)
    order = np.lexsort((-total, key))
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    if len(first) == len(order):
        return state
    chosen = order[first]
    return _Beam(state.node[chosen], state.value[chosen],
                 np.logaddexp.reduceat(state.blank[order], first),
                 np.logaddexp.reduceat(state.voiced[order], first), state.trace[chosen])


def _pruned(state: _Beam, beam: int, width: float) -> _Beam:
    total = np.logaddexp(state.blank, state.voiced)
    floor = total.max() - width
    if len(total) > beam:
        floor = max(floor, np.partition(total, -beam)[-beam])
    keep = total >= floor
    return _Beam(state.node[keep], state.value[keep], state.blank[keep], state.voiced[keep],
                 state.trace[keep])


def _paths(graph: Graph, state: _Beam, trail: _Trail, count: int) -> tuple[Path, ...]:
    total = np.logaddexp(state.blank, state.voiced)
    table = trail.table()
    found: dict[tuple[str, bool], tuple[float, int]] = {}
    for index in np.argsort(-total):
        before, node = _said(graph, table, state.trace[index]), state.node[index]
        place = 0 if node < 0 else graph.state[node]
        arcs = np.arange(graph.first[place], graph.first[place + 1])
        ends = [arc for arc in arcs[graph.target[arcs] < 0]]
        entries = [(before + graph.outputs[graph.output[arc]], True, graph.log_weight[arc])
                   for arc in ends if node >= 0] or [(before, False, 0.0)]
        for value, complete, weight in entries:
            score, trace = found.get((value, complete), (-np.inf, int(state.trace[index])))
            found[value, complete] = float(np.logaddexp(score, total[index] + weight)), trace
    best = sorted(found.items(), key=lambda item: -item[1][0])[:count]
    return tuple(Path(value, score, _steps(table, trace), complete)
                 for (value, complete), (score, trace) in best)


def _said(graph: Graph, table: np.ndarray, trace: int) -> str:
    outputs = []
    while trace > 0:
        outputs.append(graph.outputs[graph.output[table[trace, 3]]])
        trace = table[trace, 0]
    return "".join(reversed(outputs))


def _steps(table: np.ndarray, trace: int) -> tuple[tuple[int, int], ...]:
    steps = []
    while trace > 0:
        steps.append((int(table[trace, 1]), int(table[trace, 2])))
        trace = table[trace, 0]
    return tuple(reversed(steps))


