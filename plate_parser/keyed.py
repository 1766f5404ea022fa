"""A plate on a telephone's keys: the province by its code, letters by key and position, digits as they are.

3 6 · 5 2 · 1 2 3 4 5 is 赣K12345: 36 is 江西, 52 the second letter on key 5. In the serial, 2 1 may be
two digits or the letter A; every legal reading is listed, and the register and the caller decide.
Its beginning may have been said: then only the rest is keyed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from plate_parser.rules import classify, data, dialable

Wants = Literal["province", "region", "letter", "serial"]

_LONGEST_SERIAL = 6


@dataclass(frozen=True)
class Keyed:
    """What is known of a plate so far. `head`: province and letter; `pending`: the first key of a pair."""

    head: str = ""
    pending: str = ""
    serial: str = ""
    """The serial's keys, as they were pressed."""

    @property
    def wants(self) -> Wants:
        """What the next key belongs to: `region` is a province of which the first key is known."""
        if not self.head:
            return "region" if self.pending else "province"
        return "letter" if len(self.head) == 1 else "serial"

    def plates(self) -> list[tuple[str, float]]:
        """Every plate that the keys may be, best first, with shares that sum to 1; [] for none."""
        found = {self.head + serial: _weight(self.head + serial) for serial in set(_readings(self.serial))
                 if dialable(self.head + serial)} if len(self.head) == 2 else {}
        total = sum(found.values())
        ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return [(plate, weight / total) for plate, weight in ranked]


class WrongKeys(ValueError):
    """A pair of keys that stands for nothing; `so_far` is what was good before it."""

    def __init__(self, pair: str, so_far: Keyed):
        what = "no province has this code" if not so_far.head else "no letter is there"
        super().__init__(f"keys {' '.join(pair)}: {what}.")
        self.so_far = so_far


def pressed(keyed: Keyed, keys: str) -> Keyed:
    """`keyed` with more keys (digits). Raises WrongKeys."""
    for key in keys:
        keyed = _one(keyed, key)
    return keyed


def keys_of(plate: str) -> str:
    """What is pressed for a plate: 赣KA1234 → 3652211234. Raises KeyError for what no key stands for."""
    codes = {character: code for code, character in data("keys")["province"].items()}
    pairs = {letter: pair for pair, letter in _letters().items()}
    return codes[plate[0]] + "".join(character if character.isdigit() else pairs[character] for character in plate[1:])


def _one(keyed: Keyed, key: str) -> Keyed:
    if keyed.wants == "serial":
        return replace(keyed, serial=keyed.serial + key)
    table = _letters() if keyed.head else data("keys")["province"]
    if not keyed.pending:
        if not any(pair.startswith(key) for pair in table):
            raise WrongKeys(key, keyed)
        return replace(keyed, pending=key)
    pair, before = keyed.pending + key, replace(keyed, pending="")
    if pair not in table:
        raise WrongKeys(pair, before)
    return replace(before, head=keyed.head + table[pair])


def _readings(keys: str) -> Iterator[str]:
    """Each way to read the keys as a serial's characters."""
    if len(keys) > 2 * _LONGEST_SERIAL:
        return
    if not keys:
        yield ""
        return
    for rest in _readings(keys[1:]):
        yield keys[0] + rest
    if letter := _letters().get(keys[:2]):
        for rest in _readings(keys[2:]):
            yield letter + rest


def _weight(plate: str) -> float:
    letters = sum(character.isalpha() for character in plate[2:])
    return data("keys")["weight"][classify(plate).name][letters]


@functools.cache
def _letters() -> Mapping[str, str]:
    """Pair of keys → letter, those that are in plates: 21 → A."""
    return {key + str(place): letter for key, row in data("keys")["letters"].items()
            for place, letter in enumerate(row, 1) if letter not in "IO"}
