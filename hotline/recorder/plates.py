"""Made-up plates to read: over a whole kit every digit and letter comes up about equally often."""

import random
from collections import Counter
from collections.abc import Collection

from plate_parser.rules import dialable, provinces

LETTERS, DIGITS, ENERGY = "ABCDEFGHJKLMNPQRSTUVWXYZ", "0123456789", "DFABCEGHJK"
HOME_SHARE, GREEN_SHARE = 0.6, 0.25
LETTER_COUNTS, LETTER_SHARES = (0, 1, 2), (0.15, 0.45, 0.4)
"""More letters than cars have: they are what is misheard, and recordings of them are few."""
CITIES = "ABCDEFGH"
"""Issuing letters of plates from elsewhere: those that most provinces have."""


def made_up_plates(count: int, home: str, taken: Collection[str], rng: random.Random) -> list[str]:
    """`count` legal plates, none of them in `taken`, that fill up what `taken` has few of.

    `home` is the city that three fifths are of (赣K), all parts of the country share the rest.
    """
    used = Counter("".join(plate[0] + plate[2:] for plate in taken))
    known, made = set(taken), []
    while len(made) < count:
        plate = _plate(home, used, rng)
        if plate not in known and dialable(plate):
            known.add(plate)
            made.append(plate)
            used.update(plate[0] + plate[2:])
    return made


def _plate(home: str, used: Counter[str], rng: random.Random) -> str:
    head = home
    if rng.random() >= HOME_SHARE:
        head = _rare("".join(p for p in provinces() if p != home[0]), used, rng) + rng.choice(CITIES)
    if rng.random() < GREEN_SHARE:
        return head + _rare(ENERGY, used, rng) + "".join(_rare(DIGITS, used, rng) for _ in range(5))
    letters = set(rng.sample(range(5), rng.choices(LETTER_COUNTS, LETTER_SHARES)[0]))
    return head + "".join(_rare(LETTERS if at in letters else DIGITS, used, rng) for at in range(5))


def _rare(choices: str, used: Counter[str], rng: random.Random) -> str:
    """One of the choices; what came up seldom is the likelier."""
    fewest = min(used[c] for c in choices)
    return rng.choices(choices, [0.25 ** (used[c] - fewest) + 0.02 for c in choices])[0]
