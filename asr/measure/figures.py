"""Figures of hearing: what was expected against what was heard, with nothing known of either's meaning."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

BINS = 10
NOTHING = "∅"
"""In the confusion table: a character that was lost, or one that nobody said."""


@dataclass(frozen=True)
class Judged:
    """One recording: what was said and what was heard, as strings to compare; best first.

    ``expected`` None: nothing that the grammar knows was said, so it ought to be rejected.
    """

    file: str
    speaker: str
    expected: str | None
    heard: tuple[tuple[str, float | None], ...]
    rejected: bool
    audio_s: float = 0.0
    took_s: float = 0.0
    peak_mb: float = 0.0

    @property
    def best(self) -> str:
        """What the caller would be taken to have said; "" for nothing."""
        return self.heard[0][0] if self.heard and not self.rejected else ""

    @property
    def spelled(self) -> bool:
        """Is the value written in signs that were said (a plate, digits), not a word for a meaning (yes)?"""
        return bool(self.expected) and self.expected == self.expected.upper()

    @property
    def comparable(self) -> bool:
        """Can it be compared sign by sign with what was heard?"""
        return self.spelled and bool(self.best) and self.best == self.best.upper()

    def within(self, count: int) -> bool:
        """Is the right one among the first so many? Never, where all was rejected."""
        return not self.rejected and any(value == self.expected for value, _ in self.heard[:count])


def figures(judged: Sequence[Judged]) -> dict[str, object]:
    """All figures of a run. Shares are 0…1, None where there is nothing to share.

    A rejected recording counts as not heard. ``char_accuracy`` and ``right_length`` are of values that
    are spelled out, ``by_position`` and ``confusion`` of those that were not rejected, too.
    """
    spoken = [each for each in judged if each.expected is not None]
    foreign = [each for each in judged if each.expected is None]
    accepted = [each for each in spoken if each.best]
    compared = [each for each in accepted if each.comparable]
    trusted = calibration((each.heard[0][1], each.within(1)) for each in accepted)
    audio_s = sum(each.audio_s for each in judged)
    return {
        "files": len(judged),
        "speakers": len({each.speaker for each in judged}),
        **_shares(spoken),
        "top1_interval": interval(sum(each.within(1) for each in spoken), len(spoken)),
        "top300": _share(each.within(300) for each in spoken),
        "right_length": _share(len(each.best) == len(each.expected) for each in spoken if each.spelled),
        "rejected": _share(each.rejected for each in spoken),
        "wrong": _share(bool(each.best) and not each.within(1) for each in spoken),
        "foreign": {"files": len(foreign), "rejected": _share(not each.best for each in foreign)},
        "ece": trusted.error,
        "ece_by_chance": trusted.by_chance,
        "rtf": round(sum(each.took_s for each in judged) / audio_s, 4) if audio_s else None,
        "audio_s": round(audio_s, 1),
        "peak_mb": max((each.peak_mb for each in judged), default=None),
        "by_speaker": {speaker: _shares([each for each in spoken if each.speaker == speaker])
                       for speaker in sorted({each.speaker for each in spoken})},
        "by_position": by_position(compared),
        "confusion": confusion(compared),
        "calibration": trusted.bins,
    }


def by_position(accepted: Sequence[Judged]) -> list[dict[str, object]]:
    """For each place of what was expected, from 1 on: how many there were, and which share was right."""
    count, right = Counter(), Counter()
    for each in accepted:
        wrong = {op.src_pos for op in Levenshtein.editops(each.expected, each.best) if op.tag != "insert"}
        for place in range(len(each.expected)):
            count[place + 1] += 1
            right[place + 1] += place not in wrong
    return [{"place": place, "n": count[place], "right": round(right[place] / count[place], 4)}
            for place in sorted(count)]


def confusion(accepted: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """Character said → character heard → how often, right ones included; NOTHING is for lost and added."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for each in accepted:
        said = dict(enumerate(each.expected))
        for op in Levenshtein.editops(each.expected, each.best):
            if op.tag == "insert":
                table[NOTHING][each.best[op.dest_pos]] += 1
                continue
            heard = NOTHING if op.tag == "delete" else each.best[op.dest_pos]
            table[said.pop(op.src_pos)][heard] += 1
        for character in said.values():
            table[character][character] += 1
    return {character: dict(table[character].most_common()) for character in sorted(table)}


class Calibration(NamedTuple):
    """``bins``: of ten, those that have any; ``error``: the expected calibration error; ``by_chance``: the error that
    perfectly honest probabilities would show on average, on so many recordings. None where there are no probabilities."""

    bins: list[dict[str, object]]
    error: float | None
    by_chance: float | None


def calibration(firsts: Iterable[tuple[float | None, bool]]) -> Calibration:
    """How honest first hypotheses' probabilities are. ``firsts``: the probability, and whether it was right."""
    binned: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, was_right in firsts:
        if probability is not None:
            binned[min(int(probability * BINS), BINS - 1)].append((probability, was_right))
    total = sum(map(len, binned.values()))
    if not total:
        return Calibration([], None, None)
    bins, error, by_chance = [], 0.0, 0.0
    for number, pairs in sorted(binned.items()):
        said = sum(probability for probability, _ in pairs) / len(pairs)
        right = sum(is_right for _, is_right in pairs) / len(pairs)
        error += abs(said - right) * len(pairs) / total
        variance = sum(probability * (1 - probability) for probability, _ in pairs)
        by_chance += math.sqrt(2 / math.pi * variance) / total      # the mean of |x| where x is normal
        bins.append({"from": number / BINS, "to": (number + 1) / BINS, "n": len(pairs),
                     "said": round(said, 4), "right": round(right, 4)})
    return Calibration(bins, round(error, 4), round(by_chance, 4))


def interval(right: int, count: int, z: float = 1.96) -> tuple[float, float] | None:
    """Wilson's score interval: where the true share lies, 95 times of 100."""
    if not count:
        return None
    share, spread = right / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    return round(middle - half, 4), round(middle + half, 4)


def _shares(spoken: Sequence[Judged]) -> dict[str, object]:
    spelled = [each for each in spoken if each.spelled]
    characters = sum(len(each.expected) for each in spelled)
    errors = sum(Levenshtein.distance(each.expected, each.best if each.comparable else "") for each in spelled)
    return {"n": len(spoken), "top1": _share(each.within(1) for each in spoken),
            "top5": _share(each.within(5) for each in spoken),
            "char_accuracy": round(max(0.0, 1 - errors / characters), 4) if characters else None}


def _share(truths) -> float | None:
    listed = list(truths)
    return round(sum(listed) / len(listed), 4) if listed else None
