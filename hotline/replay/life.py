"""One conversation lived through: the true flows, turns, hearing, lookups and actions, on virtual time."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.attempts import AttemptPolicy
from dialer.texting.settings import Gateway
from hotline.desk.desk import Desk
from hotline.desk.seats import Seats
from hotline.move_car.actions import MoveCar
from hotline.replay.case import EARLIER, NUMBERS, ReplayCase
from hotline.replay.desks import Desks
from hotline.replay.gateway import gateway_here
from hotline.replay.house import House
from hotline.replay.owners import (
    OpenRegister,
    ReplayVault,
    asked_before,
    memory_database,
    memory_queue,
)
from hotline.replay.people import People
from hotline.walk import walk
from ivr.replay.fixture import Earlier, Fixture, Script
from ivr.replay.line import Person, ReplayLeg, ReplayLine
from ivr.replay.person import ScriptedPerson, SeatPerson
from ivr.replay.result import CALL_BACK, Event, Replayed, Track
from ivr.sip.config import Seat
from ivr.sip_call import SipCall

LONGEST_S = 900
"""No conversation lasts as long, in virtual time."""
OWNER_RING_S, SEAT_RING_S = 30, 20
QUIET = "22:00-07:00"
SEAT = "sip:seat1@localhost"


class Life:
    """One conversation and what is written down of it."""

    def __init__(self, house: House, fixture: Fixture, people: People, folder: Path, register: OpenRegister | None = None):
        self._house, self._fixture, self._people, self._folder = house, fixture, people, folder
        self._register = register
        self._events: list[Event] = []
        self._heard_in: list[tuple[str, int, int]] = []
        self._case = ReplayCase(self._note, NUMBERS[fixture.phone])
        self._line, self._rung, self._calls_back = ReplayLine(self._dialled), iter(people.called_back), False
        self._promised = 0
        self.outcome, self._ended_s = "", 0.0

    async def live(self) -> None:
        """From the caller's ring to the closed case, and until what was promised is kept."""
        fixture = self._fixture
        texts = gateway_here(self._folder, refuses=fixture.texts == "refused") if fixture.texts != "none" else nullcontext()
        with texts as gateway:
            async with await self._desks(gateway) as desks:
                if self._promised:
                    desks.desk.promises.make(self._case.id, self._promised, fixture.earlier.promised)
                if fixture.calls:
                    async with asyncio.timeout(LONGEST_S):
                        await self._talk(desks)
                await asyncio.sleep(fixture.goes_on_s)
                await desks.until_kept()

    async def _desks(self, gateway: Gateway | None) -> Desks:
        fixture, house, line = self._fixture, self._house, self._line
        policy = AttemptPolicy(attempts=fixture.attempts or max(1, len(fixture.owner)), quiet=QUIET, remind_s=fixture.remind_s)
        vault, database = ReplayVault(fixture, self._people.owners, gateway, self._register), memory_database()
        async def dial_caller(number: str) -> ReplayLeg:
            return await line.dial(number, ring_timeout_s=OWNER_RING_S)

        desk = Desk(
            vault=vault, seats=Seats(line, [Seat("seat1", SEAT)], SEAT_RING_S),
            voice=house.voice, ears=house.ears, owner_flow=house.owner_flow, call_back_flow=house.call_back_flow,
            text_templates=house.texts, recordings=self._folder, owner_ring_s=OWNER_RING_S, hold_s=fixture.hold_s,
            dial_caller=dial_caller if fixture.call_back is not None else None,
        )
        if earlier := fixture.earlier:
            await self._call_before(earlier, vault, memory_queue(policy, database, earlier.ago_s, fixture.hour))
        return Desks(desk, self._case, memory_queue(policy, database, hour=fixture.hour), database, gateway)

    async def _call_before(self, earlier: Earlier, vault: ReplayVault, past: AttemptQueue) -> None:
        """What an earlier call left behind."""
        plate = self._fixture.register[0]
        request = await asked_before(vault, past, self._case.id if earlier.promised else EARLIER, plate, earlier)
        if earlier.promised:
            self._case.set_plate(plate)
            self._promised = request.id
        else:
            self._case.earlier_plate = plate

    async def _talk(self, desks: Desks) -> None:
        """The caller's call."""
        call = SipCall(self._line.incoming(self._people.caller, NUMBERS[self._fixture.phone]))
        try:
            car = MoveCar(desks.desk, self._case, desks.owners)
            self.outcome = await walk(call, self._house.inbound_flow, desks.desk, self._case, car)
        finally:
            call.hangup()
            self._ended_s = asyncio.get_running_loop().time()

    def _dialled(self, target: str) -> Person:
        """A seat, or the caller once their own call is over; who is rung more often than is written does not answer."""
        if target.startswith("seat:"):
            return SeatPerson(self._fixture.seat)
        self._calls_back = True
        return next(self._rung, ScriptedPerson(Script(ends="no-answer"), [], 0))

    def _note(self, side: str, kind: str, **details: Any) -> None:
        now_ms = round(asyncio.get_running_loop().time() * 1000)
        side = CALL_BACK if side == "caller" and self._calls_back else side
        person = self._people.speaking(side)
        if kind == "said" and person:
            person.said(details["prompt"], details["text"], now_ms)
        if kind == "heard" and person:
            self._heard_in.append((side, len(self._events), person.current))
        self._events.append(Event(now_ms, side, kind, details))

    def told(self, took_s: float) -> Replayed:
        """What happened, so far."""
        fixture, people = self._fixture, self._people.by_side()
        ends = [event.details["outcome"] for event in self._events if event.kind == "call_back_ended"]
        tracks = tuple(_track(side, leg) for side, person in people for leg in person.legs)
        return Replayed(
            name=fixture.name, folder=str(fixture.folder), about=fixture.about,
            events=tuple(self._events), tracks=tracks,
            turns={side: tuple(person.taken) for side, person in people},
            heard_in=tuple(self._heard_in),
            outcome=self.outcome or "".join(ends[-1:]), reason=self._case.reason,
            call_s=_on_the_phone_s(self._ended_s, tracks), took_s=took_s, digest=self._digest(people),
        )

    def _digest(self, people) -> str:
        """Of every entry with its time, and of every frame of every leg."""
        told = [[event.ms, event.side, event.kind, dict(event.details)] for event in self._events]
        digest = hashlib.sha256(json.dumps([self.outcome, told], ensure_ascii=False, sort_keys=True).encode())
        for _, person in people:
            for leg in person.legs:
                digest.update(leg.received + leg.sent)
        return digest.hexdigest()[:16]


def _on_the_phone_s(ended_s: float, tracks: Sequence[Track]) -> float:
    """Seconds in which somebody talks or waits on the phone: the caller until `ended_s`, and whoever is called later."""
    lived_s, until_s = ended_s, ended_s
    for track in sorted(tracks, key=lambda each: each.began_ms):
        from_s, to_s = track.began_ms / 1000, (track.began_ms + track.length_ms) / 1000
        lived_s += max(0.0, to_s - max(from_s, until_s))
        until_s = max(until_s, to_s)
    return lived_s


def _track(side: str, leg: ReplayLeg) -> Track:
    return Track(side, leg.began_ms, bytes(leg.received), bytes(leg.sent), tuple(leg.played))
