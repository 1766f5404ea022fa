"""From what was heard to the legal plates that may have been said, with probabilities.

Used where the register is sealed: nothing in it can be searched, so each likely plate is
looked up by itself.
"""

from __future__ import annotations

import functools
import heapq
from collections import defaultdict
from itertools import product
from typing import Iterator, Mapping, Sequence

from plate_parser import rules

_DEEP = 8  # this many of the heard get two confusions at once; one is enough for the rest
_PAIRED = 40  # single confusions of a plate that are combined in pairs
_UNKNOWN = "?*？＊"
_MAX_UNKNOWN = 2


def likely_variants(
    heard: Sequence[tuple[str, float]], limit: int = 300
) -> list[tuple[str, float]]:
    """Legal plates that `heard` may stand for, likeliest first, at most `limit`.

    `heard` is an n-best of (plate, probability); probabilities over 1 in sum are scaled to 1,
    and what is missing to 1 stays missing. A place that was not heard at all is `?` (at most
    two a plate). Illegal readings give only their legal neighbours.
    """
    scores: dict[str, float] = defaultdict(float)
    spread = float(rules.data("confusions")["spread"])
    total = max(1.0, sum(probability for _, probability in heard))
    readings = [
        (plate, probability / total * share)
        for spoken, probability in heard
        if probability > 0
        for plate, share in _filled(rules.normalize(spoken))
    ]
    readings.sort(key=lambda item: -item[1])
    for rank, (plate, probability) in enumerate(readings[: 4 * limit]):
        own = rules.classify(plate)
        near = _neighbours(plate, pairs=rank < _DEEP) if own is None or own.dial else {}
        weight = sum(near.values())
        kept = (1.0 - spread if weight else 1.0) if own else 0.0
        if own:
            scores[plate] += probability * kept
        for other, relative in near.items():
            scores[other] += probability * (1.0 - kept) * relative / weight
    best = heapq.nsmallest(limit, scores.items(), key=lambda item: (-item[1], item[0]))
    return [(plate, score) for plate, score in best]


def _neighbours(plate: str, *, pairs: bool) -> dict[str, float]:
    """Legal, dialable plates one or two confusions away, with relative weights."""
    singles = sorted(_single_changes(plate), key=lambda change: -change[2])
    near: dict[str, float] = {}
    for at, symbol, weight in singles:
        _keep(near, plate[:at] + symbol + plate[at + 1 :], weight)
    for other, weight in _length_changes(plate):
        _keep(near, other, weight)
    if pairs:
        for n, (at, symbol, weight) in enumerate(singles[:_PAIRED]):
            for other_at, other_symbol, other_weight in singles[n + 1 : _PAIRED]:
                if other_at != at:
                    changed = list(plate)
                    changed[at], changed[other_at] = symbol, other_symbol
                    _keep(near, "".join(changed), weight * other_weight)
    near.pop(plate, None)
    return near


def _keep(near: dict[str, float], plate: str, weight: float) -> None:
    if weight > near.get(plate, 0.0) and rules.dialable(plate):
        near[plate] = weight * rules.authority_weight(plate)


def _single_changes(plate: str) -> Iterator[tuple[int, str, float]]:
    for at, symbol in enumerate(plate):
        for other, weight in _confusions().get(symbol, {}).items():
            yield at, other, weight


def _length_changes(plate: str) -> Iterator[tuple[str, float]]:
    """33 heard as 3, and 3 as 33: the same sound, longer or shorter."""
    weight = float(rules.data("confusions")["length"])
    for at in range(2, len(plate)):
        yield plate[: at + 1] + plate[at:], weight
        if plate[at] == plate[at - 1]:
            yield plate[:at] + plate[at + 1 :], weight


def _filled(plate: str) -> Iterator[tuple[str, float]]:
    """The plate itself, or, where places are unknown, every legal filling in equal parts."""
    places = [at for at, symbol in enumerate(plate) if symbol in _UNKNOWN]
    if not places:
        yield plate, 1.0
        return
    if len(places) > _MAX_UNKNOWN:
        return
    symbols = rules.data("classes")["serial"]
    choices = [list(rules.provinces()) if at == 0 else symbols for at in places]
    legal = []
    for filling in product(*choices):
        filled = list(plate)
        for at, symbol in zip(places, filling):
            filled[at] = symbol
        if rules.dialable("".join(filled)):
            legal.append("".join(filled))
    yield from ((one, 1.0 / len(legal)) for one in legal)


@functools.cache
def _confusions() -> Mapping[str, Mapping[str, float]]:
    """Heard symbol → symbols it may have been, with relative weights: learned ones where there are any."""
    data = rules.data("confusions")
    floor, learned = float(data["learned_floor"]), data.get("heard", {})
    return {heard: dict.fromkeys(row, floor) | learned[heard] if heard in learned else row
            for heard, row in expert_confusions().items()}


def expert_confusions() -> Mapping[str, Mapping[str, float]]:
    """The same by an expert's groups alone, which learning begins with (data/confusions.toml)."""
    data = rules.data("confusions")
    table: dict[str, dict[str, float]] = defaultdict(dict)
    for kind, floor in (("0123456789", "digit_floor"), ("ABCDEFGHJKLMNPQRSTUVWXYZ", "letter_floor")):
        for a, b in product(kind, kind):
            if a != b:
                table[a][b] = float(data[floor])
    for group in data["group"]:
        for a, b in product(group["members"], group["members"]):
            if a != b:
                table[a][b] = max(table[a].get(b, 0.0), float(group["weight"]))
    return table
