"""One fixture lived through: the true flows, turns, hearing, lookups and actions, on virtual time."""

import asyncio
import hashlib
import json
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from dialer.attempts import AttemptPolicy
from dialer.queue import AttemptQueue
from dialer.texting.settings import Gateway
from hotline.desk import Desk
from hotline.errors import CannotRun
from hotline.flows import load_checked_flow
from hotline.move_car import MoveCar
from hotline.replay.case import EARLIER, NUMBERS, ReplayCase
from hotline.replay.desks import Desks
from hotline.replay.gateway import gateway_here
from hotline.replay.owners import ReplayVault, asked_before, memory_database, memory_queue
from hotline.seats import Seats
from hotline.texts import TEXTS_FILE, load_texts
from hotline.walk import walk
from ivr.flow.model import Flow
from ivr.replay.clock import Stuck, run
from ivr.replay.compare import mismatches
from ivr.replay.ears import LocalEars
from ivr.replay.fixture import Earlier, Fixture, Script
from ivr.replay.line import Person, ReplayLeg, ReplayLine
from ivr.replay.person import ScriptedPerson, SeatPerson
from ivr.replay.result import CALL_BACK, Event, Mismatch, Replayed, Track
from ivr.replay.sound import seed, turn_pcm
from ivr.sip.config import Seat
from ivr.sip_call import SipCall
from tts.prompts import PromptLibrary

LONGEST_S = 900
"""No conversation lasts as long, in virtual time."""
OWNER_RING_S, SEAT_RING_S = 30, 20
QUIET = "22:00-07:00"
SEAT = "sip:seat1@localhost"
CALL_BACK_FLOW = "move_car_call_back"


class House:
    """What all replays of a process share: flows, prompts and the recognizer. Takes seconds to make.

    Raises CannotRun, FlowError, AsrError, TtsError where something is missing or wrong.
    """

    def __init__(self, flows: Path, inbound: str = "move_car_inbound", outbound: str = "move_car_outbound"):
        self.voice, self.inbound_flow, self.owner_flow, self.call_back_flow = check_flows(flows, inbound, outbound)
        self.flows, self.texts = flows, load_texts(flows / TEXTS_FILE)
        self.ears = LocalEars(flows / "grammars")
        self.voice.warm()

    def replay(self, fixture: Fixture) -> Replayed:
        """Live one fixture through. Raises TtsError or AsrError where its sound cannot be had."""
        people = _People(fixture)
        began = time.process_time()
        with _warnings_unsaid(), tempfile.TemporaryDirectory() as folder:
            lived = _Life(self, fixture, people, Path(folder))
            try:
                run(lived.live())
            except (Stuck, TimeoutError) as stuck:
                lived.outcome, trouble = "stuck", str(stuck) or f"the call lasts over {LONGEST_S} s"
                return replace(lived.told(time.process_time() - began),
                               mismatches=(Mismatch("the call", "an end", trouble),))
        told = lived.told(time.process_time() - began)
        return replace(told, mismatches=mismatches(fixture, told))


def check_flows(
    flows: Path, inbound: str = "move_car_inbound", outbound: str = "move_car_outbound"
) -> tuple[PromptLibrary, Flow, Flow, Flow | None]:
    """The prompts of a folder, its flows of both sides, and that of calls back where there is one. Raises CannotRun or
    FlowError for what is wrong there."""
    if not (flows / "prompts").is_dir():
        raise CannotRun(f"{flows} holds no flows and prompts: name the folder with --flows")
    voice = PromptLibrary.load(flows / "prompts")
    call_back = flows / f"{CALL_BACK_FLOW}.yaml"
    return (voice, load_checked_flow(flows / f"{inbound}.yaml", voice), load_checked_flow(flows / f"{outbound}.yaml", voice),
            load_checked_flow(call_back, voice) if call_back.exists() else None)


@contextmanager
def _warnings_unsaid() -> Iterator[None]:
    """What the log would warn of is among the replay's events."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


class _People:
    """Those whom a fixture brings to the phone, with what they say."""

    def __init__(self, fixture: Fixture) -> None:
        number = seed(fixture.name)
        everybody = [ScriptedPerson(script, _sounds(script, fixture), number + place)
                     for place, script in enumerate(fixture.scripts)]
        self.caller, self.owners = everybody[0], everybody[1:1 + len(fixture.owner)]
        self.called_back = everybody[1 + len(fixture.owner):]

    def by_side(self) -> list[tuple[str, ScriptedPerson]]:
        """Those who came to the phone."""
        named = [("caller", self.caller), *(("owner", each) for each in self.owners),
                 *((CALL_BACK, each) for each in self.called_back)]
        return [(side, person) for side, person in named if person.leg]

    def speaking(self, side: str) -> ScriptedPerson | None:
        """Who is on the phone, of this side."""
        return next((person for of, person in reversed(self.by_side()) if of == side), None)


class _Life:
    """One conversation and what is written down of it."""

    def __init__(self, house: House, fixture: Fixture, people: _People, folder: Path):
        self._house, self._fixture, self._people, self._folder = house, fixture, people, folder
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
        vault, database = ReplayVault(fixture, self._people.owners, gateway), memory_database()
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
            person.said(details["prompt"], now_ms)
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


def _sounds(script: Script, fixture: Fixture) -> list[bytes]:
    return [turn_pcm(turn, script, fixture) if turn.says or turn.audio or turn.sound_ms else b""
            for turn in script.turns]


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
