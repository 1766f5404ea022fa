"""What the grammar `announcement` found in what was heard: which machine, and how surely."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from asr.recognizer import Result

GRAMMAR = "announcement"
MAYBE = "maybe:"
LEAST_SAID = 4
"""Characters: a word that is shorter than this can be made out in almost any noise."""


@dataclass(frozen=True)
class Words:
    """Shares of probability by kind: `sure` where no person says so, `maybe` where one might.

    `unknown`: of an announcement of whatever kind. `text`: what was recognized for the best.
    """

    sure: Counter
    maybe: Counter
    unknown: float
    text: str

    @property
    def best(self) -> tuple[str, float]:
        """The likeliest kind that only a machine says, with the share of all such."""
        return _best(self.sure)

    @property
    def best_of_all(self) -> tuple[str, float]:
        """The likeliest kind, whoever might say it."""
        return _best(self.sure + self.maybe)


def words_of(result: Result) -> Words:
    """Reads a result of GRAMMAR; whether it is rejected does not matter, `other` is in the grammar."""
    sure, maybe, unknown = Counter(), Counter(), 0.0
    text, best = "", 0.0
    for hypothesis in result.hypotheses:
        share = hypothesis.probability or 0.0
        if not hypothesis.complete or hypothesis.value == "other" or len(hypothesis.text) < LEAST_SAID:
            continue
        if share > best:
            best, text = share, hypothesis.text
        if hypothesis.value.startswith(MAYBE):
            maybe[hypothesis.value.removeprefix(MAYBE)] += share
        elif hypothesis.value == "announcement":
            unknown += share
        else:
            sure[hypothesis.value] += share
    return Words(sure, maybe, unknown, text)


def _best(shares: Counter) -> tuple[str, float]:
    """The likeliest, and the share of all: which one it is is another question than whether any."""
    if not shares:
        return "", 0.0
    return shares.most_common(1)[0][0], sum(shares.values())
