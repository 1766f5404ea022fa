"""A grammar as a list of phrases: for engines that are told what may be said as words, not as a graph."""

from __future__ import annotations

import random

import numpy as np

from asr.grammars.grammar import Grammar, Graph
from asr.grammars.templates import GARBAGE

MOST_PHRASES = 1500
_LONGEST = 40                      # characters of a phrase


def phrases(grammar: Grammar, most: int = MOST_PHRASES, seed: int = 0) -> list[str]:
    """All sentences of a small grammar, most likely first; of a large one, ``most`` drawn by weight.

    Texts are hanzi and capitals without spaces, each once. Sentences with anything at all (``{...}``)
    in them are left out; free speech has none.
    """
    if grammar.free:
        return []
    listed = _all(grammar.graph, most)
    if listed is None:
        rng = random.Random(seed)
        drawn = (grammar.sample(rng) for _ in range(2 * most))
        listed = list(dict.fromkeys(said.text for said in drawn if "*" not in said.units))[:most]
    return listed


def characters(grammar: Grammar) -> list[str]:
    """Every hanzi and capital that the grammar's sentences are made of, in the grammar's order."""
    if grammar.free:
        return []
    return list(dict.fromkeys(text for text in grammar.graph.text if text))


def _all(graph: Graph, most: int) -> list[str] | None:
    """Every sentence, or None where there are more than ``most``."""
    found: dict[str, float] = {}
    stack = [(0, "", 0.0)]
    budget = 40 * most             # steps, so that a large grammar is left soon
    while stack:
        state, text, log_weight = stack.pop()
        budget -= 1
        if len(found) > most or budget < 0:
            return None
        for arc in range(graph.first[state], graph.first[state + 1]):
            node, weight = graph.target[arc], log_weight + float(graph.log_weight[arc])
            if node < 0:
                found[text] = float(np.logaddexp(found.get(text, -np.inf), weight))
            elif graph.unit[node] != GARBAGE and len(text) < _LONGEST:
                stack.append((int(graph.state[node]), text + graph.text[node], weight))
    return sorted((text for text in found if text), key=lambda text: -found[text])
