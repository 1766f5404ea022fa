"""A made-up owners' list for demos and tests. No number in it can be a real one."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

from dialer.register.owners_csv import COLUMNS

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_ELSEWHERE = ("赣A", "赣B", "赣C", "赣D", "赣F", "湘A", "浙A", "粤B", "沪A", "鄂A")
_HOME_SHARE = 0.8
_NEW_ENERGY_SHARE = 0.25


def write_owners(
    path: Path,
    count: int = 3000,
    *,
    home: str = "赣K",
    pinned: Mapping[str, str] | None = None,
    seed: int = 1,
) -> list[str]:
    """Write `count` owners as CSV, `pinned` (plate → dial target) among them; give the plates.

    The same arguments give the same file. Numbers begin with 000, which no subscriber has.
    """
    rng = random.Random(seed)
    pinned = dict(pinned or {})
    plates = list(pinned) + [p for p in _plates(rng, home, count, set(pinned))]
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for number, plate in enumerate(plates):
            phone = pinned.get(plate, f"000{number:08d}")
            second = f"0009{number:07d}" if plate not in pinned and rng.random() < 0.2 else ""
            quiet = "22:00-07:00" if plate not in pinned and rng.random() < 0.1 else ""
            rows.writerow([plate, phone, second, "", rng.choice(("先生", "女士")), "zh", quiet])
    return plates


def made_up_plates(count: int, *, home: str = "赣K", seed: int = 1) -> Iterator[str]:
    """`count` different plates, four fifths of them of `home`; the same for the same arguments."""
    return _plates(random.Random(seed), home, count, set())


def _plates(rng: random.Random, home: str, count: int, taken: set[str]) -> Iterator[str]:
    while len(taken) < count:
        head = home if rng.random() < _HOME_SHARE else rng.choice(_ELSEWHERE)
        plate = head + _serial(rng)
        if plate not in taken:
            taken.add(plate)
            yield plate


def _serial(rng: random.Random) -> str:
    digits = "".join(rng.choice("0123456789") for _ in range(5))
    if rng.random() < _NEW_ENERGY_SHARE:
        return rng.choice("DDDFA") + digits
    for at in rng.sample(range(5), rng.choice((0, 1, 1, 2))):
        digits = digits[:at] + rng.choice(_LETTERS) + digits[at + 1 :]
    return digits
