"""Which branches can follow a state: what its grammar's values, its action's results or its kind give."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from asr.grammars.grammar import Grammar
from asr.grammars.grammar_file import GrammarName, read
from asr.grammars.graph import END, Graph

VALUE = "value"
"""The branch of answers that are no intents: plates, digits, minutes."""
_MOST_INTENTS = 200
_LONGEST = 32


@dataclass(frozen=True)
class Heard:
    """Branches that a grammar's answers ask for: of its own rules, and of the common ones it takes in; `free`: anything."""

    own: frozenset[str]
    common: frozenset[str]
    free: bool = False

    @property
    def all(self) -> frozenset[str]:
        return self.own | self.common


@functools.lru_cache(maxsize=128)
def heard(grammar: str, folder: Path, _stamp: int = 0) -> Heard:
    """What can be heard for a grammar by name. Raises GrammarError."""
    name = GrammarName.parse(grammar)
    document = read(name, folder)
    common = {intent for rule in document.extra for intent in _values(document.rules.get(rule))}
    if document.free:
        return Heard(frozenset({VALUE}), frozenset(), free=True)
    found = _intents(Grammar(grammar, document).graph)
    if name.inline:
        found = (found - {VALUE}) | set(name.parameters)
    return Heard(frozenset(found - common), frozenset(found & common))


def _values(rule: object) -> set[str]:
    """The intents that a rule's alternatives write."""
    if isinstance(rule, dict):
        return {str(value).partition(":")[0] for value in rule}
    return {str(entry["value"]).partition(":")[0] for entry in rule or () if isinstance(entry, dict) and "value" in entry}


def _intents(graph: Graph) -> set[str]:
    """The values' intents: `later` of `later:10`; VALUE for one that does not begin as an intent does.

    Walks the graph with what was put out so far; that is settled with its first character or at a
    colon, so that a grammar with millions of plates is walked once or twice.
    """
    found: set[str] = set()
    begun: dict[int, set[str]] = {0: {""}}
    waiting = [(0, "")]
    while waiting:
        state, said = waiting.pop()
        for arc in range(graph.first[state], graph.first[state + 1]):
            grown = _grown(said, graph.outputs[graph.output[arc]])
            node = graph.target[arc]
            if node == END:
                found.add(grown.rstrip(":") or VALUE)
            elif len(found) < _MOST_INTENTS:
                after = int(graph.state[node])
                if grown not in begun.setdefault(after, set()):
                    begun[after].add(grown)
                    waiting.append((after, grown))
    return found


def _grown(said: str, more: str) -> str:
    """`said` with `more`, cut after an intent's colon; VALUE where it is no intent."""
    if not more or said == VALUE or said.endswith(":"):
        return said
    text = said + more
    intent, colon, _ = text.partition(":")
    if not ("a" <= text[0] <= "z") or len(intent) > _LONGEST:
        return VALUE
    return intent + colon
