"""One fixture lived through: the true flows, turns, hearing, lookups and actions, on virtual time."""

import asyncio
import hashlib
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from dialer.attempts import AttemptPolicy
from hotline.desk import Desk
from hotline.errors import CannotRun
from hotline.flows import load_checked_flow
from hotline.move_car import MoveCar
from hotline.owner_desk import OwnerDesk
from hotline.replay.owners import ReplayVault, asked_before, at_once, memory_database, memory_queue
from hotline.seats import Seats
from hotline.walk import walk
from ivr.flow.model import Flow
from ivr.replay.clock import Stuck, run
from ivr.replay.compare import mismatches
from ivr.replay.ears import LocalEars
from ivr.replay.fixture import Fixture, Script
from ivr.replay.line import ReplayLeg, ReplayLine
from ivr.replay.person import ScriptedPerson, SeatPerson
from ivr.replay.result import Event, Mismatch, Replayed, Track
from ivr.replay.sound import seed, turn_pcm
from ivr.sip.config import Seat
from ivr.sip_call import SipCall
from tts.prompts import PromptLibrary

LONGEST_S = 900
"""No conversation lasts as long, in virtual time."""
OWNER_RING_S, SEAT_RING_S = 30, 20
QUIET = "22:00-07:00"
CASE, EARLIER = "replay", "earlier"


class House:
    """What all replays of a process share: flows, prompts and the recognizer. Takes seconds to make.

    Raises CannotRun, FlowError, AsrError, TtsError where something is missing or wrong.
    """

    def __init__(self, flows: Path, inbound: str = "move_car_inbound", outbound: str = "move_car_outbound"):
        self.voice, self.inbound_flow, self.owner_flow = check_flows(flows, inbound, outbound)
        self.flows = flows
        self.ears = LocalEars(flows / "grammars")
        self.voice.warm()

    def replay(self, fixture: Fixture) -> Replayed:
        """Live one fixture through. Raises TtsError or AsrError where its sound cannot be had."""
        caller_sounds = _sounds(fixture.caller, fixture)
        owner_sounds = [_sounds(script, fixture) for script in fixture.owner]
        began = time.process_time()
        with tempfile.TemporaryDirectory() as recordings:
            lived = _Life(self, fixture, caller_sounds, owner_sounds, Path(recordings))
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
) -> tuple[PromptLibrary, Flow, Flow]:
    """The prompts and both flows of a folder. Raises CannotRun or FlowError for what is wrong there."""
    if not (flows / "prompts").is_dir():
        raise CannotRun(f"{flows} holds no flows and prompts: name the folder with --flows")
    voice = PromptLibrary.load(flows / "prompts")
    return (voice, load_checked_flow(flows / f"{inbound}.yaml", voice),
            load_checked_flow(flows / f"{outbound}.yaml", voice))


class ReplayCase:
    """What `MoveCar` sees of a case; its log is the replay's."""

    def __init__(self, note, number: int = 1) -> None:
        self.id, self.reason, self._note, self._plate = CASE if number == 1 else f"{CASE}-{number}", "", note, ""
        self._number, self.earlier_plate = number, ""

    def beside(self, _caller: str, reason: str, plate: str = "") -> "ReplayCase":
        """A further case, with the same log."""
        self._number += 1
        case = ReplayCase(self._note, self._number)
        case.reason, case._plate = reason, plate
        return case

    def note(self, *entry: str, **details: Any) -> None:
        """An entry of the log: side and kind; the queue of owners' calls names the case before them."""
        self._note(*entry[-2:], **details)

    def set_plate(self, plate: str) -> None:
        self._plate = plate

    def set_reason(self, reason: str) -> None:
        self.reason = reason

    async def earlier(self, _caller: str, _life_s: float) -> list[tuple[str, str]]:
        """(case, plate) of an earlier call of this caller's, where the replay has one."""
        return [(EARLIER, self.earlier_plate)] if self.earlier_plate else []

    def settle(self, _case_id: str, outcome: str) -> None:
        self._note("desk", "settled", outcome=outcome)

    async def kept(self) -> None:
        """There is no disk to wait for."""

    async def plate(self, _case_id: str) -> str:
        return self._plate


class _Life:
    """One conversation and what is written down of it."""

    def __init__(self, house: House, fixture: Fixture, caller_sounds, owner_sounds, recordings: Path):
        self._house, self._fixture, self._recordings = house, fixture, recordings
        number = seed(fixture.name)
        self._caller = ScriptedPerson(fixture.caller, caller_sounds, number)
        self._owners = [ScriptedPerson(script, sounds, number + 1 + place) for place, (script, sounds)
                        in enumerate(zip(fixture.owner, owner_sounds, strict=True))]
        self._events: list[Event] = []
        self._heard_in: list[tuple[str, int, int]] = []
        self._case = ReplayCase(self._note)
        self.outcome, self._ended_s = "", 0.0

    async def live(self) -> None:
        """From the caller's ring to the closed case."""
        async with asyncio.timeout(LONGEST_S + self._fixture.goes_on_s):
            vault = ReplayVault(self._fixture, self._owners)
            line = ReplayLine(lambda _: SeatPerson(self._fixture.seat))
            house = self._house
            desk = Desk(
                vault=vault, seats=Seats(line, [Seat("seat1", "sip:seat1@localhost")], SEAT_RING_S),
                voice=house.voice, ears=house.ears, owner_flow=house.owner_flow,
                recordings=self._recordings, owner_ring_s=OWNER_RING_S,
            )
            policy = AttemptPolicy(attempts=self._fixture.attempts or max(1, len(self._owners)), quiet=QUIET,
                                   remind_s=self._fixture.remind_s)
            database = memory_database()
            if earlier := self._fixture.earlier:
                self._case.earlier_plate = self._fixture.register[0]
                await asked_before(vault, memory_queue(policy, database, earlier.ago_s, self._fixture.hour), EARLIER, self._fixture.register[0], earlier)
            async with OwnerDesk(lambda: desk, memory_queue(policy, database, hour=self._fixture.hour), self._case, at_once) as owners:
                car = MoveCar(desk, self._case, owners)
                call = SipCall(line.incoming(self._caller))
                try:
                    self.outcome = await walk(call, house.inbound_flow, desk, self._case, car)
                finally:
                    call.hangup()
                    self._ended_s = asyncio.get_running_loop().time()
                await asyncio.sleep(self._fixture.goes_on_s)

    def _note(self, side: str, kind: str, **details: Any) -> None:
        now_ms = round(asyncio.get_running_loop().time() * 1000)
        person = self._speaking_with(side)
        if kind == "said" and person:
            person.said(details["prompt"], now_ms)
        if kind == "heard" and person:
            self._heard_in.append((side, len(self._events), person.current))
        self._events.append(Event(now_ms, side, kind, details))

    def _speaking_with(self, side: str) -> ScriptedPerson | None:
        if side == "caller":
            return self._caller
        return next((owner for owner in reversed(self._owners) if owner.leg), None)

    def told(self, took_s: float) -> Replayed:
        """What happened, so far."""
        fixture, owners = self._fixture, [owner for owner in self._owners if owner.leg]
        people = [("caller", self._caller), *(("owner", owner) for owner in owners)]
        return Replayed(
            name=fixture.name, folder=str(fixture.folder), about=fixture.about,
            events=tuple(self._events),
            tracks=tuple(_track(side, person.leg) for side, person in people if person.leg),
            turns={side: tuple(person.taken) for side, person in people},
            heard_in=tuple(self._heard_in),
            outcome=self.outcome, reason=self._case.reason,
            call_s=self._ended_s, took_s=took_s, digest=self._digest(people),
        )

    def _digest(self, people) -> str:
        """Of every entry with its time, and of every frame of every leg."""
        told = [[event.ms, event.side, event.kind, dict(event.details)] for event in self._events]
        digest = hashlib.sha256(json.dumps([self.outcome, told], ensure_ascii=False, sort_keys=True).encode())
        for _, person in people:
            if person.leg:
                digest.update(person.leg.received + person.leg.sent)
        return digest.hexdigest()[:16]


def _sounds(script: Script, fixture: Fixture) -> list[bytes]:
    return [turn_pcm(turn, script, fixture) if turn.says or turn.audio or turn.sound_ms else b""
            for turn in script.turns]


def _track(side: str, leg: ReplayLeg) -> Track:
    return Track(side, leg.began_ms, bytes(leg.received), bytes(leg.sent), tuple(leg.played))
