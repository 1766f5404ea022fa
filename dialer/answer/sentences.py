"""Who says a whole sentence, where no phrase of it is known: a linear model over its syllables.

Learned by dialer/answer/learn.py from sentences whose kind is known. A sentence is the set of its runs of one and two
toneless syllables, of how it begins and ends, and of the meanings of its words (meanings.yaml); kinds are those of dialer/answer/verdict.py.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from dialer.answer.syllables import syllables_of

MODEL = Path(__file__).with_name("sentence_model.npz")
CONSTANT = 0.3
"""What stands for every sentence, whatever is in it."""
MEANINGS = Path(__file__).with_name("meanings.yaml")
_LONGEST = 6                       # syllables of a word

Run = tuple[str, ...]


@dataclass(frozen=True)
class SentenceModel:
    """`kinds`: names of the columns of `weights`, whose rows are `runs` and, last, the constant."""

    kinds: tuple[str, ...]
    runs: dict[str, int]
    weights: np.ndarray

    def shares(self, syllables: Sequence[str]) -> dict[str, float]:
        """Probability of each kind, summing to 1."""
        columns, values = row(syllables, self.runs)
        scores = values @ self.weights[columns]
        shares = np.exp(scores - scores.max())
        return dict(zip(self.kinds, (shares / shares.sum()).tolist(), strict=True))

    def save(self, path: Path = MODEL) -> None:
        """Write it, without pickles."""
        named = json.dumps({"kinds": self.kinds, "runs": list(self.runs)}, ensure_ascii=False).encode()
        np.savez_compressed(path, names=np.frombuffer(named, np.uint8), weights=self.weights.astype(np.float16))


def runs_of(syllables: Sequence[str]) -> set[str]:
    """Runs of one and two syllables; the first one to three behind a mark, the last two or three before another; and what is
    meant, in ones and twos."""
    said = tuple(syllables)
    runs = [said[at: at + length] for length in (1, 2) for at in range(len(said) - length + 1)]
    begins, ends = [("^", *said[:many]) for many in (1, 2, 3)], [(*said[-many:], "$") for many in (2, 3)]
    meant = [f"<{meaning}>" for meaning in _meanings_in(said)]
    return {" ".join(run) for run in (*runs, *begins, *ends, *zip(meant), *zip(meant, meant[1:]))}


def _meanings_in(said: tuple[str, ...]) -> list[str]:
    known, found, at = _meanings(), [], 0
    while at < len(said):
        words = (said[at: at + length] for length in range(min(_LONGEST, len(said) - at), 0, -1))
        word = next((word for word in words if word in known), None)
        if word:
            found.append(known[word])
        at += len(word or (at,))
    return found


@functools.cache
def _meanings() -> dict[tuple[str, ...], str]:
    """Sound of a word → what it means; of words that sound alike the first."""
    known = {}
    for meaning, words in yaml.safe_load(MEANINGS.read_text("utf-8")).items():
        for word in words:
            known.setdefault(syllables_of(word)[:_LONGEST], meaning)
    return known


def row(syllables: Sequence[str], runs: dict[str, int]) -> tuple[list[int], np.ndarray]:
    """A sentence as the model takes it: the columns that are not 0, the constant's last, and their float32 values."""
    said = runs_of(syllables)
    known = sorted(runs[run] for run in said if run in runs)
    return [*known, len(runs)], np.array([*[1 / np.sqrt(len(said))] * len(known), CONSTANT], np.float32)


@functools.cache
def sentence_model(path: Path = MODEL) -> SentenceModel:
    """The shipped model."""
    with np.load(path) as stored:
        names = json.loads(stored["names"].tobytes())
        return SentenceModel(tuple(names["kinds"]), {run: at for at, run in enumerate(names["runs"])},
                             stored["weights"].astype(np.float32))
