"""Learns who says which sentence, from sentences whose kind is known.

    python -m dialer.answer.learn

Reads YAML files (kind → sentences; "中文 | english" where an announcement is said in two languages) and writes
``sentence_model.npz``: two minutes on one core. The same files give the same model.
"""

from __future__ import annotations

import argparse
import functools
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import yaml

from asr.grammars.units import SYLLABLES
from dialer.answer.sentences import MODEL, SentenceModel, row, runs_of
from dialer.answer.syllables import syllables_of

HERE = Path(__file__).resolve()
TEXTS = HERE.parents[2] / "hotline" / "bench" / "answers" / "texts"
PARTS = ("tune", "seen", "measure-1", "measure-2", "measure-3", "measure-4", "measure-5", "measure-6")
"""What was measured with before, and is so no more."""
FILES = (*sorted(HERE.parent.glob("sentences*.yaml")), *(TEXTS / f"{name}.yaml" for name in PARTS))
COPIES = 8
"""Each sentence as it is, and so often less one as it may be heard."""
MISHEARD = (0.0, 0.05, 0.1, 0.2)
"""Share of syllables taken for others, one of these for each copy: over telephone lines Whisper mishears few in most
sentences and many in some, and nearly all begin or end as what was said."""
CUT, CHINESE = 0.3, 0.5
"""Share of copies that break off in their second half; of those in two languages, that leave the English out, as Whisper does."""
LEAST_SEEN = 5
"""Runs that fewer of the copies have say nothing."""
STEPS, RATE, DECAY = 120, 0.3, 5e-6

Sentence = tuple[str, tuple[str, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, nargs="+", default=FILES)
    parser.add_argument("--out", type=Path, default=MODEL)
    options = parser.parse_args()
    known = list(sentences(options.texts))
    learn(known).save(options.out)
    print(f"learned from {len(known)} sentences; written to {options.out}")


def sentences(files: Iterable[Path]) -> Iterable[Sentence]:
    """(kind, syllables) of every sentence of the files."""
    for file in files:
        for kind, texts in yaml.safe_load(file.read_text("utf-8")).items():
            for text in texts:
                yield kind, syllables_of(text.replace("|", " "))


def learn(known: Sequence[Sentence], seed: int = 0) -> SentenceModel:
    """Softmax regression on the sentences and on copies of them as they may be heard."""
    rng = random.Random(seed)
    examples = [(kind, said if not copy else _as_heard(said, rng)) for kind, said in known for copy in range(COPIES)]
    kinds = tuple(sorted({kind for kind, _ in examples}))
    seen = Counter(run for _, said in examples for run in runs_of(said))
    runs = {run: at for at, run in enumerate(sorted(run for run, count in seen.items() if count >= LEAST_SEEN))}
    of = np.array([kinds.index(kind) for kind, _ in examples])
    return SentenceModel(kinds, runs, _fitted(_Rows([said for _, said in examples], runs), of, len(kinds)))


def _as_heard(said: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    chinese = said[: max((at for at, each in enumerate(said, 1) if each.islower()), default=len(said))]
    if rng.random() < CHINESE:
        said = chinese
    if len(said) > 8 and rng.random() < CUT:
        said = said[: rng.randint(len(said) // 2, len(said))]
    share = rng.choice(MISHEARD)
    return tuple(rng.choice(others) if rng.random() < share and (others := _taken_for(each)) else each for each in said)


@functools.cache
def _taken_for(syllable: str) -> list[str]:
    """Syllables that begin or end as this one does."""
    beginning, end = _halves(syllable)
    return [other for other in SYLLABLES if other != syllable
            and (_halves(other)[0] == beginning or _halves(other)[1] == end)] if syllable in SYLLABLES else []


def _halves(syllable: str) -> tuple[str, str]:
    return re.fullmatch("([zcs]h|[^aeiouv]?)(.+)", syllable).groups()


class _Rows:
    """Sentences as the model takes them, a sparse matrix: by rows for what they score, by columns for what they teach."""

    def __init__(self, sentences: Sequence[tuple[str, ...]], runs: dict[str, int]):
        columns, values = zip(*(row(said, runs) for said in sentences), strict=True)
        self.columns = len(runs) + 1
        self._of_row, self._values = np.concatenate(columns), np.concatenate(values)[:, None]
        lengths = np.array([len(each) for each in columns])
        self._rows_begin = np.cumsum(lengths) - lengths
        order = np.argsort(self._of_row, kind="stable")
        self._of_column, self._turned = np.repeat(np.arange(len(columns)), lengths)[order], self._values[order]
        self._columns_begin = np.searchsorted(self._of_row[order], np.arange(self.columns))

    def times(self, weights: np.ndarray) -> np.ndarray:
        """(rows, kinds) from (columns, kinds)."""
        return np.add.reduceat(weights[self._of_row] * self._values, self._rows_begin)

    def turned_times(self, errors: np.ndarray) -> np.ndarray:
        """(columns, kinds) from (rows, kinds)."""
        return np.add.reduceat(errors[self._of_column] * self._turned, self._columns_begin)


def _fitted(rows: _Rows, of: np.ndarray, kinds: int) -> np.ndarray:
    """Weights (columns of rows, kinds), by Adam on all rows at once."""
    weights = np.zeros((rows.columns, kinds), np.float32)
    mean, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        scores = rows.times(weights)
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        shares[np.arange(len(of)), of] -= 1
        slope = rows.turned_times(shares) / len(of) + DECAY * weights
        mean, spread = 0.9 * mean + 0.1 * slope, 0.99 * spread + 0.01 * slope * slope
        weights -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-8)
    return weights


if __name__ == "__main__":
    main()
