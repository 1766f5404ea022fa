"""The requests of a day: who calls about whose car, how, and how the owner behaves. Made up, the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.training.voices import HELD_OUT
from hotline.bench.day.people import Manner
from hotline.demo.people import Cast
from ivr.replay.fixture import Expected, Fixture, LineSound, Script

CALLERS = {"ordinary": 96, "asks-person": 2, "elderly": 2}
OWNERS = {"coming": 42, "later": 22, "moved": 8, "asks-who": 3, "not-mine": 2, "refuses": 3, "call-later": 2,
          "person": 1, "no-calls": 1, "no-answer": 10, "busy": 4, "off": 2}
"""Of a hundred each: an assumption, for want of a city's own counts."""
STRANGERS = 0.02
"""Share of callers whose plate nobody registered: they must end at a person."""
STREET = 0.5
"""Share of callers who stand in a street's noise, so much under their voice (dB)."""
STREET_UNDER_DB = (12, 20)
SPEECH_DBFS = -20
RINGS_MS = (2000, 9000)
ATTEMPTS = 3


@dataclass(frozen=True)
class Request:
    """One caller's request. `registered`: whether the car's owner is in the register."""

    number: int
    cast: Cast
    registered: bool
    caller: Manner
    owners_voice: str
    line: LineSound
    rings_ms: int

    @property
    def needs_person(self) -> bool:
        """Somebody asks for one, or nobody else can help."""
        return (not self.registered or self.cast.caller != "ordinary"
                or self.cast.owner in ("person", "no-calls"))

    def fixture(self) -> Fixture:
        """The world in which it is lived."""
        return Fixture(f"request-{self.number}", Path(), "", Script(), (Script(),), Expected(), Expected(),
                       attempts=ATTEMPTS)


def requests(count: int, plates: Sequence[str], strangers: Iterator[str], seed: int) -> Iterator[Request]:
    """`count` requests about cars drawn from `plates`, a few about one of `strangers`, in the held-out voices by turns."""
    for number in range(count):
        rng = random.Random(f"request/{seed}/{number}")
        registered = rng.random() >= STRANGERS
        plate = rng.choice(plates) if registered else next(strangers)
        caller, owner = _drawn(rng, CALLERS), _drawn(rng, OWNERS)
        noisy = rng.random() < STREET
        line = LineSound("street", SPEECH_DBFS - rng.uniform(*STREET_UNDER_DB)) if noisy else LineSound()
        yield Request(number, Cast(plate, caller, owner), registered,
                      Manner.drawn(rng, HELD_OUT[number % len(HELD_OUT)]), HELD_OUT[(number + 3) % len(HELD_OUT)],
                      line, rng.randrange(*RINGS_MS))


def _drawn(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]
