"""New texts from old: the beginning of one example goes on as the end of another."""

from __future__ import annotations

import numpy as np

from asr.training.vary import varied

SHARE = .3
MEL_PER_FRAME = 4


class Splices:
    """Examples as they are or joined from two; where to cut is learnt from what the model hears."""

    def __init__(self, examples):
        self._examples, self._cuts, self._known = examples, {}, []

    def example(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int | None]:
        """Log-mel (frames, 80), units, and ``index`` where it is that example whole."""
        if index in self._cuts and rng.random() < SHARE:
            return (*self._joined(index, self._known[rng.integers(len(self._known))], rng), None)
        mel, units = self._examples[index]
        return varied(mel, rng), units, index

    def _joined(self, first: int, second: int, rng):
        (mel_a, units_a), (mel_b, units_b) = self._examples[first], self._examples[second]
        cuts_a, cuts_b = self._cuts[first], self._cuts[second]
        share = rng.uniform(.2, .8)
        at_a, at_b = round(share * (len(cuts_a) - 1)), round(share * (len(cuts_b) - 1))
        mel_a, mel_b = mel_a[: cuts_a[at_a]], mel_b[cuts_b[at_b]:]
        mel_b = mel_b.astype(np.float32) + float(mel_a.max()) - float(mel_b.max())
        return (varied(np.concatenate([mel_a, mel_b]), rng),
                np.concatenate([units_a[: at_a + 1], units_b[at_b + 1:]]))

    def learn(self, rows, logs: np.ndarray, lengths: np.ndarray) -> None:
        """Takes the cuts of those whole examples that the model names right, each once."""
        for (mel, units, index), best, length in zip(rows, logs.argmax(-1), lengths, strict=True):
            if index is None or index in self._cuts or len(units) < 3:
                continue
            best = best[:length]
            begins = np.flatnonzero((best != 0) & (best != np.concatenate([[0], best[:-1]])))
            if not np.array_equal(best[begins], units):
                continue
            ends = [begin + int(np.argmax(np.append(best[begin:] != best[begin], True))) for begin in begins]
            whole = self._examples[index][0]
            middles = (begins + np.array(ends) - 1) / 2 * MEL_PER_FRAME * len(whole) / len(mel)
            self._known.append(index)
            self._cuts[index] = quiet_places(whole.astype(np.float32), middles.astype(int))


def quiet_places(mel: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Where to cut between units: the quietest frame between each two ``peaks`` (frames of the mel)."""
    loudness = np.convolve(mel[:, :55].mean(1), np.ones(3) / 3, "same")
    return np.array([low + 1 + int(np.argmin(loudness[low + 1: high])) if high > low + 2 else (low + high) // 2
                     for low, high in zip(peaks[:-1], peaks[1:], strict=True)], int)
