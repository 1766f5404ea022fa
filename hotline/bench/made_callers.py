"""Any number of callers made of recorded ones: each character of a made-up plate is heard as somebody's recording of it was.

A caller of a set says one plate some times. For each of its characters, each time, the n-best tells what it was heard
as, and how surely: those shares are kept together with voice and take. A made caller has one voice; each of its
plate's characters is one caller's of that voice, take by take, so that who is once heard wrongly is so again. What
is made is the likeliest combinations of the characters' shares. Plates that no recording has all characters of are not made.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from asr.training.speakable import PROVINCES, issued_serial
from hotline.bench.policy import Caller, Heard
from hotline.move_car.read_back import UNHEARD_SHARE
from plate_parser.rules import dialable

DEPTH = 150
"""Of each n-best."""
LISTED = 200
"""Plates of an n-best that is made."""
HOME = "赣K"
HOME_SHARE = 0.8
LEAST_SHARE = 2e-4
"""What a character was heard as more rarely than this is left out."""
Shares = tuple[tuple[str, float], ...]
"""What one character was heard as, "" for nothing: best first."""
Takes = tuple[Shares, ...]
"""The same character by the same caller, for each time that it was heard."""
Donors = Mapping[tuple[str, int, str], Sequence[Takes]]
"""By character, role (0 province, 1 letter, 2 serial) and voice."""


def made_callers(recorded: Sequence[Caller], count: int, rng: random.Random) -> Iterator[Caller]:
    """`count` callers with plates as issued, four fifths of `HOME`, made of what `recorded` were heard as."""
    donors, voices = donors_of(recorded), sorted({caller.voice for caller in recorded})
    unheard = {voice: _unheard(recorded, voice) for voice in voices}
    takes = max(len(caller.said) for caller in recorded)
    return islice(_callers(donors, voices, unheard, takes, rng), count)


def donors_of(recorded: Sequence[Caller]) -> Donors:
    """What each character of each caller was heard as."""
    found: dict[tuple[str, int, str], list[Takes]] = defaultdict(list)
    for caller in recorded:
        heard = [_places(caller.plate, said) for said in caller.said if said]
        for place, character in enumerate(caller.plate if heard else ""):
            found[character, min(place, 2), caller.voice].append(tuple(places[place] for places in heard))
    return found


def aligned(said: str, heard: str) -> list[str]:
    """For each character of `said` what it was heard as: the cheapest edits; what was added goes with the one before."""
    if len(said) == len(heard):
        return list(heard)
    rows = [[n + m if not n * m else 0 for m in range(len(heard) + 1)] for n in range(len(said) + 1)]
    for n, own in enumerate(said, 1):
        for m, other in enumerate(heard, 1):
            rows[n][m] = min(rows[n - 1][m - 1] + (own != other), rows[n - 1][m] + 1, rows[n][m - 1] + 1)
    parts, n, m = [""] * len(said), len(said), len(heard)
    while n and m:
        if rows[n][m] == rows[n][m - 1] + 1:             # before a change, so that 33 for 3 is of one character
            m -= 1
            parts[n - 1] = heard[m] + parts[n - 1]
        elif rows[n][m] == rows[n - 1][m - 1] + (said[n - 1] != heard[m - 1]):
            n, m = n - 1, m - 1
            parts[n] = heard[m] + parts[n]
        else:
            n -= 1
    parts[0] = heard[:m] + parts[0]
    return parts


def _callers(donors: Donors, voices: Sequence[str], unheard: Mapping[str, float], takes: int,
             rng: random.Random) -> Iterator[Caller]:
    while True:
        voice, plate = rng.choice(voices), _plate(rng)
        lent = [_lent(donors, character, min(place, 2), voice, rng) for place, character in enumerate(plate)]
        if all(lent):
            said = tuple(() if rng.random() < unheard[voice] else _n_best([takes_of[take % len(takes_of)] for takes_of in lent])
                         for take in range(takes))
            yield Caller(plate, voice, said)


def _lent(donors: Donors, character: str, role: int, voice: str, rng: random.Random) -> Takes:
    """One caller's hearings of a character: of the same voice if it says it, else of any; () where nobody does."""
    own = donors.get((character, role, voice))
    if not own:
        own = [takes for (said, where, _), rows in donors.items() if (said, where) == (character, role) for takes in rows]
    return rng.choice(own) if own else ()


def _plate(rng: random.Random) -> str:
    serial = issued_serial(rng)
    return HOME + serial[1:] if rng.random() < HOME_SHARE else rng.choice(list(PROVINCES)) + serial


def _places(plate: str, said: Heard) -> list[Shares]:
    """For each place of `plate` what it was heard as in one n-best, with shares that sum to 1."""
    shares: list[dict[str, float]] = [defaultdict(float) for _ in plate]
    listed = said[:DEPTH]
    total = sum(share for _, share in listed)
    for heard, share in listed:
        for place, part in enumerate(aligned(plate, heard)):
            shares[place][part] += share / total
    return [tuple((part, share) for part, share in sorted(row.items(), key=lambda item: -item[1]) if share >= LEAST_SHARE)
            for row in shares]


def _n_best(places: Sequence[Shares]) -> Heard:
    """The likeliest legal plates out of each place's shares."""
    beam: list[tuple[str, float]] = [("", 1.0)]
    for shares in places:
        least, grown = beam[0][1] * shares[0][1] * LEAST_SHARE, defaultdict(float)
        for text, so_far in beam:
            for part, share in shares:               # both best first
                if so_far * share < least:
                    break
                grown[text + part] += so_far * share
        beam = heapq.nlargest(2 * LISTED, grown.items(), key=lambda item: item[1])
    legal = [(plate, share) for plate, share in beam if dialable(plate)][:LISTED]
    total = sum(share for _, share in legal)
    return tuple((plate, share * (1 - UNHEARD_SHARE) / total) for plate, share in legal)


def _unheard(recorded: Sequence[Caller], voice: str) -> float:
    """Share of a voice's turns in which no plate was heard."""
    turns = [said for caller in recorded if caller.voice == voice for said in caller.said]
    return sum(not said for said in turns) / len(turns)
