"""A change that a caller asks for, applied to the plates that may have been meant.

A change is text, as the grammar `correction` gives it:

    swap:E=1       不是 E 是 1: one E becomes a 1      swap_back:1=E   是 1 不是 E, the same
    at:3=5         第三位是五: counted from the province, or from the serial's first place
    last:2=5       倒数第二位是五: counted from the end
    end:345        后面三个数是三四五: the last characters
    start:赣K      前面是赣 K: the first characters
    letter:B       那个字母是 B: the only letter of the serial, or each in turn
    add:5          少了一个五: a 5 more, anywhere in the serial
    drop:5         多了一个五: one 5 less, anywhere in the serial
    赣K12345       said once more
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from plate_parser.rules import authority_weight, classify, normalize

Plates = Sequence[tuple[str, float]]

_HEAD = 2                          # province and authority letter stand before the serial
_MISFIT = 1e-3
"""Weight of a change that leaves a plate as it was, or makes none of it: the caller meant another."""
_LIKELIER = 0.7
"""Share of the likelier of two places that may be meant."""


class AmendError(ValueError):
    """What was given as a change is none; the message says what one looks like."""


def amended(change: str, plates: Plates) -> list[tuple[str, float]]:
    """``plates`` (plate, probability) with the change made, best first; legal plates only.

    The probabilities sum to at most those of ``plates``. What was read back and denied should be
    first: a change is made to it if it can be, to the others of an n-best by their probabilities.
    Raises AmendError for a change that is none.
    """
    kind, _, rest = change.partition(":")
    if not rest:
        plate = normalize(change)
        if classify(plate) is None:
            raise AmendError(f"{change!r} is neither a plate nor a change: write swap:E=1, at:3=5, end:345 …")
        return [(plate, sum(probability for _, probability in plates) if plates else 1.0)]
    if kind not in _CHANGES:
        raise AmendError(f"{kind!r} is no change: there are {', '.join(_CHANGES)}.")
    new: dict[str, float] = defaultdict(float)
    for plate, probability in plates:
        made = [(result, weight * authority_weight(result))
                for result, weight in _CHANGES[kind](normalize(plate), _argument(kind, rest))
                if result != plate and classify(result) is not None]
        for result, weight in made:
            new[result] += probability * weight
        if not made:
            for result, weight in _partly(kind, normalize(plate), rest):
                new[result] += probability * weight * _MISFIT
    total = sum(probability for _, probability in plates)
    found = sum(new.values())
    scale = min(1.0, total / found) if found else 0.0
    return sorted(((plate, share * scale) for plate, share in new.items()),
                  key=lambda item: (-item[1], item[0]))


def beyond(change: str, plate: str) -> bool:
    """Whether a change speaks of a place that the plate does not have: 第十二位是六."""
    kind, _, rest = change.partition(":")
    place = rest.partition("=")[0]
    named = kind in ("at", "last") and place.isascii() and place.isdigit() and int(place) > len(plate)
    return named and not amended(change, [(plate, 1.0)])


def _argument(kind: str, rest: str) -> tuple[str, str]:
    left, equals, right = rest.partition("=")
    if (kind in ("swap", "swap_back", "at", "last")) != bool(equals) or not left or equals and not right:
        raise AmendError(f"`{kind}:{rest}` lacks a part: write swap:E=1, at:3=5, end:345 …")
    if kind in ("at", "last") and not (left.isascii() and left.isdigit()):
        raise AmendError(f"`{kind}:{rest}`: {left!r} is no place: write {kind}:3=5.")
    return left, right


def _swap(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    wrong, right = argument
    places = [at for at in range(len(plate)) if plate.startswith(wrong, at)]
    for at in places:
        yield plate[:at] + right + plate[at + len(wrong):], 1.0 / len(places)


def _swap_back(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    return _swap(plate, argument[::-1])


def _at(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    """第三位 is the first of the serial to one who counts from the province; to another, its third.

    The place after the last one is a character that the plate lacks: 第八位是 D.
    """
    place, right = int(argument[0]), argument[1]
    if place == len(plate) + 1:
        yield plate + right, 1.0
    for start, share in ((0, _LIKELIER), (_HEAD, 1 - _LIKELIER)):
        yield from _put(plate, start + place - 1, right, share)


def _last(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    return _put(plate, len(plate) - int(argument[0]), argument[1], 1.0)


def _put(plate: str, at: int, right: str, share: float) -> Iterator[tuple[str, float]]:
    if 0 <= at < len(plate):
        yield plate[:at] + right + plate[at + 1:], share


def _end(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    tail = argument[0]
    if len(tail) <= len(plate) - _HEAD:
        yield plate[: len(plate) - len(tail)] + tail, 1.0


def _start(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    yield argument[0] + plate[len(argument[0]):], 1.0


def _letter(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    places = [at for at in range(_HEAD, len(plate)) if plate[at].isascii() and plate[at].isalpha()]
    for at in places:
        yield from _put(plate, at, argument[0], 1.0 / len(places))
    if not places:                 # the bot heard none: any place of the serial may be it
        for at in range(_HEAD, len(plate)):
            yield from _put(plate, at, argument[0], 1.0 / (len(plate) - _HEAD))


def _add(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    places = range(_HEAD, len(plate) + 1)
    for at in places:
        yield plate[:at] + argument[0] + plate[at:], 1.0 / len(places)


def _drop(plate: str, argument: tuple[str, str]) -> Iterator[tuple[str, float]]:
    places = [at for at in range(_HEAD, len(plate)) if plate.startswith(argument[0], at)]
    for at in places:
        yield plate[:at] + plate[at + len(argument[0]):], 1.0 / len(places)


def _partly(kind: str, plate: str, rest: str) -> Iterator[tuple[str, float]]:
    """The change cannot be made here: with `swap`, what is wanted may be there already."""
    if kind in ("swap", "swap_back") and classify(plate) is not None:
        right = _argument(kind, rest)[kind == "swap"]
        if right in plate:
            yield plate, 1.0


_CHANGES = {"swap": _swap, "swap_back": _swap_back, "at": _at, "last": _last, "end": _end,
            "start": _start, "letter": _letter, "add": _add, "drop": _drop}
