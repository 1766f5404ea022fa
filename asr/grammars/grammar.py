"""Grammars: YAML templates of what can be said now, compiled to a graph over the model's units.

A file has `start` (a rule's name), `rules`, and optionally `with` (rules of `common.yaml` that may be
said instead, with their weights), `use` (files whose rules it takes), `beside` (files all of whose sentences
may be said instead, compiled once for all parameters), `parameters` and `impossible` (a regular expression
of values that the rules give and nobody means). A rule is a list of alternatives, a
mapping of values to what is said, or a `sequence` (``asr/grammars/sequence.py``):

    start: minutes
    with: {person: 0.02}
    rules:
      minutes:
        - {say: "[大概] {number} 分钟 [左右]"}          # value: the values of its slots, in order
        - {say: "(一刻钟|半个钟头@0.2)", value: "15", weight: 0.3}

In a template `(a|b)` are alternatives, `[a]` may be left out, `a+` is said once or more, `{x}` is a
rule, `{x=5}` its alternative of that value, `@0.3` weighs the alternative before it; Latin capitals
are letters said by name, spaces mean nothing. A `value` may name slots: `later:{minutes}`. `{...}` is
anything at all (garbage). How an operator writes one: docs/grammars.md.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from asr.grammars import templates
from asr.grammars.grammar_file import Document, GrammarName, assembled, choice_name, read
from asr.grammars.graph import END, Graph, compiled, joined
from asr.recognizer import GrammarError

__all__ = ["FOLDER", "Grammar", "Graph", "Sentence", "choice_name"]

FOLDER = Path(__file__).resolve().parents[2] / "flows" / "grammars"


@dataclass(frozen=True)
class Sentence:
    """A sentence that a grammar accepts: its text, its units, its value."""

    text: str
    units: tuple[str, ...]
    value: str


class Grammar:
    """What can be said now."""

    def __init__(self, name: str, document: Document | dict, source: str = ""):
        self.name = name
        self._document = document if isinstance(document, Document) else assembled(
            document, Path(source or name))

    @classmethod
    def load(cls, name: str, folder: Path = FOLDER) -> Grammar:
        """``plate``, ``digits(length=11)``, ``choice(park=停车;toilet=厕所)``, or with common rules
        added: ``minutes+person``. Raises GrammarError.
        """
        return cls(name, read(GrammarName.parse(name), folder))

    @property
    def free(self) -> bool:
        """Anything may be said: for engines of free speech only, there is no graph."""
        return self._document.free

    def may_mean(self, value: str) -> bool:
        """Whether somebody who says a sentence of this value can mean it."""
        return bool(value) and not any(pattern.fullmatch(value) for pattern in self._impossible)

    @cached_property
    def _impossible(self) -> list[re.Pattern[str]]:
        folder = Path(self._document.source).parent
        beside = (_kept(name, folder)._impossible for name in self._document.beside)
        return [*self._document.impossible, *itertools.chain.from_iterable(beside)]

    @cached_property
    def graph(self) -> Graph:
        """Compiled at first use; raises GrammarError for what the file says wrongly."""
        document = self._document
        if self.free:
            raise GrammarError(f"{document.source}: `{self.name}` is free speech, which this engine does "
                               "not hear: choose an engine that does, or listen for another grammar.")
        builder = templates.Builder(dict(document.rules), document.source, document.places,
                                    document.parameters)
        start, end = builder.state(), builder.state()
        builder.rule(document.start, start, end, math.log(1.0 - sum(document.extra.values())))
        for rule, weight in document.extra.items():
            builder.rule(rule, start, end, math.log(weight))
        graph = compiled(builder, start, end, document.source)
        for name, share in document.beside.items():
            graph = joined(graph, _kept(name, Path(document.source).parent).graph, share)
        return graph

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
            if node == END:
                return Sentence("".join(text), tuple(units), "".join(value))
            units.append(templates.UNIT_NAMES[graph.unit[node]])
            text.append(graph.text[node])
            state = graph.state[node]


def ready_made(folder: Path) -> dict[str, Grammar]:
    """A folder's grammars by name, compiled now so that no caller waits for it (0.5 s for plates).

    One that cannot be read or compiled is left out: whoever opens it is told.
    """
    grammars = {}
    for path in sorted(folder.glob("*.yaml")):
        with contextlib.suppress(GrammarError):
            grammar = _kept(path.stem, folder)
            _ = grammar.graph              # compiles it
            grammars[path.stem] = grammar
    return grammars


def _kept(name: str, folder: Path) -> Grammar:
    """A grammar that is compiled once for all that stand beside it, while its folder stays as it is."""
    changed_ns = max((path.stat().st_mtime_ns for path in folder.glob("*.yaml")), default=0)
    return _loaded(name, folder, changed_ns)


@lru_cache(maxsize=64)
def _loaded(name: str, folder: Path, _changed_ns: int) -> Grammar:
    return Grammar.load(name, folder)
