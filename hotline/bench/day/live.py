"""Requests lived one by one, in several processes: each through the true flows, ears, lookups and queue."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from dialer.register.made_up import made_up_plates
from hotline.bench.day.people import AnsweringPerson, CallersMind, OwnersMind
from hotline.bench.day.requests import Request, requests
from hotline.demo.people import OWNER_PHONES
from hotline.errors import CannotRun
from hotline.replay.house import House, check_flows
from hotline.replay.owners import OpenRegister
from hotline.replay.people import People
from hotline.replay.replay import live
from ivr.replay.result import Replayed

NOT_FOUND = "not-in-register"
NUMBERS = 1
STRANGERS = 1000
"""Made-up plates beyond the register's, for callers whose car is not in it."""


@dataclass(frozen=True)
class Lived:
    """What came of a request. `call_s`: from the caller's answer to their hanging up. `agreed`: the plate that the caller
    called right, "" for none; `called_about`: the one that the owner was told, "" where nobody answered."""

    request: Request
    outcome: str
    reason: str
    call_s: float
    agreed: str
    called_about: str
    sayings: int
    asked_which: int
    first_read: str
    """The plate that was read back first."""

    @property
    def by_itself(self) -> bool:
        """Ended without a person, or a promise of one."""
        return self.outcome not in ("person", "call-back", "failed", "stuck", "caller-hung-up")

    @property
    def right_plate(self) -> bool:
        return self.agreed == self.request.cast.plate

    @property
    def wrong_owner(self) -> bool:
        """Somebody else's phone was called because of it."""
        return bool(self.agreed) and not self.right_plate and self.reason != NOT_FOUND


def lived(count: int, owners: int, flows: Path, seed: int, jobs: int) -> Iterator[Lived]:
    """Live `count` requests in a city of `owners` registered cars. Raises what `House` does, and CannotRun."""
    check_flows(flows)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _open, (count, owners, flows, seed)) as pool:
        try:
            yield from pool.map(_live, range(count))
        except BrokenProcessPool:
            raise CannotRun("a process of the bench died (out of memory?); try --jobs 1 or fewer --owners") from None


_house: House
_register: OpenRegister
_requests: list[Request]


def _open(count: int, owners: int, flows: Path, seed: int) -> None:
    global _house, _register, _requests
    plates = list(made_up_plates(owners + STRANGERS, seed=seed))
    _house, _register = House(flows), OpenRegister(plates[:owners], NUMBERS)
    _requests = list(requests(count, plates[:owners], islice(plates, owners, None), seed))


def _live(number: int) -> Lived:
    request = _requests[number]
    rng = random.Random(f"lived/{number}/{request.cast.plate}")
    mind, owner = CallersMind(request.cast, request.caller, rng), OwnersMind(request.cast, request.owners_voice)
    people = People(
        AnsweringPerson(mind.answer, request.line, rng),
        (AnsweringPerson(owner.answer, request.line.__class__(), rng, rings_ms=request.rings_ms,
                         ends=OWNER_PHONES.get(request.cast.owner, "")),))
    told = live(_house, request.fixture(), people, _register)
    return Lived(request, told.outcome, told.reason, _call_s(told), mind.agreed, owner.told,
                 mind.sayings, mind.asked_which, _first_read(told))


def _call_s(told: Replayed) -> float:
    return next((track.length_ms / 1000 for track in told.tracks if track.side == "caller"), 0.0)


def _first_read(told: Replayed) -> str:
    return next((event.details["plate"] for event in told.of("caller", "matched") if event.details["plate"]), "")
