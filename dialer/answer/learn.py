"""Learns who says which sentence, from sentences whose kind is known.

    python -m dialer.answer.learn

Reads YAML files (kind → sentences; "中文 | english" where an announcement is said in two languages) and writes
``sentence_model.npz``: a minute on one core. The same files give the same model.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import yaml

from dialer.answer.sentences import MODEL, SentenceModel, row, runs_of
from dialer.answer.written import like, syllables_of

HERE = Path(__file__).resolve()
TEXTS = HERE.parents[2] / "hotline" / "bench" / "answers" / "texts"
PARTS = ("tune", "seen", "measure-1", "measure-2", "measure-3", "measure-4")
"""What was measured with before, and is so no more."""
FILES = (HERE.with_name("sentences.yaml"), *(TEXTS / f"{name}.yaml" for name in PARTS))
COPIES = 4
"""Each sentence as it is, and so often less one as it may be misheard, or only its beginning."""
MISHEARD, CUT = 0.08, 0.3
"""Share of syllables taken for one that sounds alike; of copies that break off in their second half."""
LEAST_SEEN = 3
"""Runs that fewer of the copies have say nothing."""
STEPS, RATE, DECAY = 200, 0.3, 3e-5

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
    rows = np.array([row(said, runs) for _, said in examples])
    return SentenceModel(kinds, runs, _fitted(rows, np.array([kinds.index(kind) for kind, _ in examples]), len(kinds)))


def _as_heard(said: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    if len(said) > 8 and rng.random() < CUT:
        said = said[: rng.randint(len(said) // 2, len(said))]
    return tuple(rng.choice(others) if rng.random() < MISHEARD and (others := like(each)) else each for each in said)


def _fitted(rows: np.ndarray, of: np.ndarray, kinds: int) -> np.ndarray:
    """Weights (columns of rows, kinds), by Adam on all rows at once."""
    weights = np.zeros((rows.shape[1], kinds), np.float32)
    mean, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        scores = rows @ weights
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        shares[np.arange(len(of)), of] -= 1
        slope = rows.T @ shares / len(of) + DECAY * weights
        mean, spread = 0.9 * mean + 0.1 * slope, 0.99 * spread + 0.01 * slope * slope
        weights -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-8)
    return weights


if __name__ == "__main__":
    main()
