"""CTC prefix beam search over a grammar's graph: posteriors in, distinct values with scores out.

A hypothesis is a value so far and a node of the graph. Readings that mean the same (幺 and 一) meet
again at the next node and their probabilities add up. The search itself is ``beam.c``; the tests hold
it to a plain numpy one.
"""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass, field, replace

import numpy as np

from asr.grammars.grammar import Graph
from asr.search import beam_library

SURELY_NOTHING = 0.6               # of the blank: below it a sound counts as a unit, whichever it is
SHORT_UNITS = 2
NEARBY = 2                         # frames: a path's unit may have been clearest so far away
WIDEST = 500.0                     # nats; the search counts in doubles
_MULTIPLIER = 0x9E3779B97F4A7C15
_WORD = 2 ** 64


@dataclass(frozen=True)
class Path:
    """A value, its log score, what was said for it: (node, frame) of each unit; is it a whole one.

    ``doubt``, where no more than two units were heard: how little those of the path are, nats each.
    """

    value: str
    log_score: float
    steps: tuple[tuple[int, int], ...]
    complete: bool
    doubt: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Decoded:
    """``paths`` best first; ``free``: log score of the best units without any grammar, ``units`` of them."""

    paths: tuple[Path, ...]
    free: float
    units: int


def decode(graph: Graph, log_probs: np.ndarray, *, beam: int = 400, width: float = 16.0,
           count: int = 400, garbage: float = 1.2) -> Decoded:
    """``log_probs`` (frames, units) natural logs; ``garbage`` what a frame of anything costs.

    ``beam``: hypotheses kept after a frame; ``width``: how far they may be behind the best, nats.
    Returns up to ``count`` values, whole ones and (marked so) unfinished ones.
    """
    if not (beam > 0 and count > 0 and 0 < width <= WIDEST):
        raise ValueError(f"beam and count must be above 0, width within 0 … {WIDEST:g} nats.")
    if not len(log_probs):
        return Decoded((), 0.0, 0)
    scores = np.ascontiguousarray(_with_garbage(log_probs, garbage))
    paths, (free, units) = _search(_prepared(graph), scores, beam, width, count), _free(log_probs)
    return Decoded(_doubted(paths, graph, log_probs) if units <= SHORT_UNITS else paths, free, units)


def _with_garbage(log_probs: np.ndarray, garbage: float) -> np.ndarray:
    any_sound = log_probs.max(axis=1, keepdims=True) - garbage
    return np.concatenate([log_probs, any_sound], axis=1).astype(np.float32)


def _free(log_probs: np.ndarray) -> tuple[float, int]:
    best = log_probs.argmax(axis=1)
    changed = np.flatnonzero(np.diff(best, prepend=0))
    units = int((best[changed] != 0).sum())
    if not units:                  # none beats the blank, but something was said
        units = int(log_probs[:, 0].min() < math.log(SURELY_NOTHING))
    return float(log_probs.max(axis=1).sum()), units


def _doubted(paths: tuple[Path, ...], graph: Graph, log_probs: np.ndarray) -> tuple[Path, ...]:
    """With what speaks against each: its units' log probabilities, at their best within some frames."""
    around = np.pad(log_probs, ((NEARBY, NEARBY), (0, 0)), mode="edge")
    near = np.max([around[shift: shift + len(log_probs)] for shift in range(2 * NEARBY + 1)], axis=0)
    near = np.pad(near, ((0, 0), (0, 1)))                # of garbage nothing is asked
    heard = [[near[frame, graph.unit[node]] for node, frame in path.steps] for path in paths]
    return tuple(replace(path, doubt=-float(np.mean(each))) if each else path
                 for path, each in zip(paths, heard, strict=True))


class _CGraph(ctypes.Structure):
    """`Graph` of ``beam.c``, with the arrays that it points into."""

    _fields_ = [("nodes", ctypes.c_int32), ("states", ctypes.c_int32),
                *((name, ctypes.c_void_p) for name in ("unit", "state", "first", "target", "weight",
                                                       "output", "scale", "add"))]

    def __init__(self, graph: Graph):
        self.outputs = graph.outputs
        self.highest_unit = int(graph.unit.max(initial=0))
        whole = {name: np.ascontiguousarray(getattr(graph, name), np.int32)
                 for name in ("unit", "state", "first", "target", "output")}
        scale, add = _hashes(graph.outputs)
        self.kept = {**whole, "weight": np.exp(graph.log_weight.astype(np.float64)),
                     "scale": scale, "add": add}
        super().__init__(len(graph.unit), len(graph.first) - 1,
                         **{name: array.ctypes.data for name, array in self.kept.items()})


def _prepared(graph: Graph) -> _CGraph:
    """Made once for a graph and kept with it."""
    kept = vars(graph)
    if "_prepared" not in kept:
        kept["_prepared"] = _CGraph(graph)
    return kept["_prepared"]


def _hashes(outputs: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """For each output: what a hash of the text before it is multiplied by, and what is added."""
    scale, add = [], []
    for text in outputs:
        multiplied, total = 1, 0
        for character in text:
            multiplied = multiplied * _MULTIPLIER % _WORD
            total = (total * _MULTIPLIER + ord(character) * 7919 + 1) % _WORD
        scale.append(multiplied)
        add.append(total)
    return np.array(scale, np.uint64), np.array(add, np.uint64)


def _search(graph: _CGraph, scores: np.ndarray, beam: int, width: float,
            count: int) -> tuple[Path, ...]:
    frames, units = scores.shape
    if graph.highest_unit >= units:
        raise ValueError(f"the grammar has unit {graph.highest_unit}, there are {units} of them.")
    log_score = np.empty(count)
    end, length = np.empty((2, count), np.int32)
    nodes, at_frames, outputs = np.empty((3, count * frames), np.int32)
    made = beam_library.load().beam_search(
        ctypes.byref(graph), _address(scores), frames, units, beam, ctypes.c_double(width), count,
        *map(_address, (log_score, end, length, nodes, at_frames, outputs)))
    if made < 0:
        raise MemoryError("no memory for the beam search")
    ends = np.cumsum(length[:made]).tolist()
    used = ends[-1] if ends else 0
    said = [graph.outputs[output] for output in outputs[:used].tolist()]
    steps = list(zip(nodes[:used].tolist(), at_frames[:used].tolist(), strict=True))
    last = [graph.outputs[output] if output >= 0 else "" for output in end[:made].tolist()]
    return tuple(
        Path("".join(said[start:stop]) + tail, score, tuple(steps[start:stop]), whole)
        for start, stop, tail, score, whole in zip(
            [0, *ends], ends, last, log_score.tolist(), (end[:made] >= 0).tolist(), strict=False))


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
