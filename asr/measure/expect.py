"""What a written text means to a grammar, where the grammar says just that text: what a test expects."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from asr.grammars.grammar import Grammar
from asr.grammars.graph import END

_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")


def plain(text: str) -> str:
    """Text to compare: half-width capitals, without punctuation and spaces."""
    kept = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] in "LN")
    return "".join(kept).upper()


def value_of(grammar: Grammar, text: str) -> str | None:
    """The grammar's likeliest value of exactly this text (punctuation aside, 15 as 十五 or 一五), or None.

    Homophones and parts of a sentence do not count, nor does what ``{...}`` would let pass.
    """
    spelled = plain(text)
    readings = dict.fromkeys((spelled, _numbers_said(spelled).translate(_DIGITS), spelled.translate(_DIGITS)))
    found = [each for reading in readings if reading and (each := _walked(grammar, reading))]
    return max(found)[1] if found else None


def _walked(grammar: Grammar, text: str) -> tuple[float, str] | None:
    """(log weight, value) of the best way through the grammar that says the text, or None."""
    graph = grammar.graph
    best: dict[tuple[int, int], dict[str, float]] = {(0, 0): {"": 0.0}}
    waiting, ends = [[0]] + [[] for _ in text], {}
    for at in range(len(text) + 1):
        for state in dict.fromkeys(waiting[at]):
            for arc in range(graph.first[state], graph.first[state + 1]):
                node, weight = int(graph.target[arc]), float(graph.log_weight[arc])
                said = "" if node == END else graph.text[node]
                if node == END and at < len(text) or node != END and not (said and text.startswith(said, at)):
                    continue
                goal = ends if node == END else best.setdefault((at + len(said), int(graph.state[node])), {})
                for value, so_far in best[at, state].items():
                    longer = value + graph.outputs[graph.output[arc]]
                    goal[longer] = np.logaddexp(goal.get(longer, -np.inf), so_far + weight)
                if node != END:
                    waiting[at + len(said)].append(int(graph.state[node]))
    whole = [(float(weight), value) for value, weight in ends.items() if value]
    return max(whole) if whole else None


def _numbers_said(text: str) -> str:
    """Numbers from 10 to 99 as they are said: 15 as 十五, 20 as 二十."""
    def said(found: re.Match) -> str:
        tens, ones = found.group()
        return (tens if tens != "1" else "") + "十" + (ones if ones != "0" else "")
    return re.sub(r"(?<!\d)[1-9]\d(?!\d)", said, text)
