"""A call of one flow, typed: the desk's own actions over an open register of made-up owners."""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from asr.grammars.grammar import FOLDER
from dialer.queue.attempts import AttemptPolicy
from dialer.texting.settings import Gateway
from hotline.desk.desk import Desk
from hotline.desk.http_service import fetch
from hotline.desk.seats import Seats
from hotline.errors import CannotRun
from hotline.flows import load_checked_flow
from hotline.move_car.actions import MoveCar
from hotline.owners.actions import OwnerActions
from hotline.replay.case import NUMBERS, ReplayCase
from hotline.replay.desks import Desks
from hotline.replay.gateway import gateway_here
from hotline.replay.house import CALL_BACK_FLOW
from hotline.replay.life import OWNER_RING_S, SEAT, SEAT_RING_S
from hotline.replay.owners import ReplayVault, memory_database, memory_queue
from hotline.texting.texts import TEXTS_FILE, load_texts
from ivr.call import HungUp
from ivr.flow.actions import actions_of
from ivr.flow.conversation import Action, Conversation
from ivr.flow.load import load_flow
from ivr.flow.model import Flow, State
from ivr.flow.runner import Runner
from ivr.flow.source import nearest
from ivr.flow.values import EXAMPLES, fits
from ivr.replay.clock import Stuck, for_real, run
from ivr.replay.line import Person, ReplayLeg, ReplayLine
from ivr.replay.person import SeatPerson
from ivr.sip.config import Seat
from ivr.sip_call import SipCall
from ivr.typed import PrintedVoice, Typed, TypedEars, TypedPerson, typing_sound
from tts.words import Words

log = logging.getLogger(__name__)

Ask = Callable[[str, str], str]
"""`ask(side, state)`: the next line of the caller or the owner, who are asked in this state; `ask(HOLD, state)`: what
the caller says there while they wait, if anything."""
HOLD = "hold"
Show = Callable[..., None]
"""`show(side, kind, **details)`: one entry of the case's log, `values` among its kinds."""

OWNER_FLOW = "move_car_outbound"
BY_ITSELF = ("caller-hung-up", "hung-up", "failed")
"""Outcomes that no flow names: the caller goes where it says nothing of that, or nothing helps."""


@dataclass(frozen=True)
class Situation:
    """What a typed call meets. `register`: plates besides the made-up ones; `owner` and `seat`: `answers`,
    or how their phones end (`busy`, `off`, `no-answer`); `attempts`: calls that an owner's request may take; `phone`:
    the caller's (`mobile`, `landline` or `withheld`), who can be called back unless it is withheld; `texts`: whether
    they can be sent; `at`: when the call begins; `values`: given at the start; `hang_up_in`: the state in which the
    caller hangs up as soon as it is entered; `speaks_on_hold`: they are asked on hold, too."""

    register: tuple[str, ...] = ("赣KA1234",)
    owner: str = "answers"
    seat: str = "answers"
    attempts: int = 1
    phone: str = "withheld"
    texts: bool = False
    at: datetime | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    vault_down: bool = False
    service_hosts: tuple[str, ...] = ()
    hang_up_in: str = ""
    speaks_on_hold: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a typed call ended: outcome, last state, values, seconds of the call, turns."""

    outcome: str
    state: str
    reason: str
    values: Mapping[str, str]
    seconds: float


def run_flow(path: Path, owner_flow: str, situation: Situation, ask: Ask, show: Show, expect: str = "") -> Outcome:
    """Hold the call. Raises FlowError, CannotRun, GrammarError, TtsError before it begins.

    `owner_flow`: the owner's, beside this one, "" for the usual one; `expect`: the outcome it should have.
    """
    return TypedFlow.load(path, owner_flow).call(situation, ask, show, expect)


@dataclass(frozen=True)
class TypedFlow:
    """A flow and its owner's side, read once for any number of calls."""

    path: Path
    flow: Flow
    owner_flow: Flow
    voice: PrintedVoice

    @classmethod
    def load(cls, path: Path, owner_flow: str = "") -> "TypedFlow":
        """Raises FlowError, CannotRun, GrammarError."""
        load_flow(path)             # a file that is none is told before what should stand beside it
        voice = PrintedVoice.load(path.parent / "prompts")
        flow = load_checked_flow(path, voice)
        return cls(path, flow, _owners_flow(path, owner_flow, flow, voice), voice)

    def call(self, situation: Situation, ask: Ask, show: Show, expect: str = "") -> Outcome:
        """Hold one call. Raises CannotRun, TtsError before it begins."""
        flow = self.flow
        _require_values(flow, situation.values)
        if expect and expect not in (*flow.ends, *BY_ITSELF):
            raise CannotRun(f"{self.path} never ends as '{expect}'{nearest(expect, flow.ends)}")
        if (gone := situation.hang_up_in) and gone not in flow.states:
            raise CannotRun(f"--hang-up {gone}: the flow has no such state{nearest(gone, flow.states)}")
        try:
            return run(_TypedCall(self, situation, ask, show).held(self.path.parent))
        except Stuck as stuck:
            raise CannotRun(f"{self.path}: {stuck}") from None

    @cached_property
    def call_back_flow(self) -> Flow | None:
        """That of callers who are called back, where one stands beside. Raises FlowError, CannotRun."""
        beside = self.path.parent / f"{CALL_BACK_FLOW}.yaml"
        return load_checked_flow(beside, self.voice) if beside.exists() else None


def _owners_flow(path: Path, name: str, flow: Flow, voice: PrintedVoice) -> Flow:
    """The flow of the owner's side; the caller's stands in where no owner is called. Raises CannotRun."""
    beside = path.parent / f"{name or OWNER_FLOW}.yaml"
    if beside.exists():
        return load_checked_flow(beside, voice)
    if not name and not {"call_owner", "ask_owner"} & {state.action for state in flow.states.values()}:
        return flow
    near = nearest(name or OWNER_FLOW, (each.stem for each in path.parent.glob("*.yaml")))
    raise CannotRun(f"--owner-flow: there is no {beside.name} beside {path}{near}")


def _require_values(flow: Flow, given: Mapping[str, str]) -> None:
    """Raises CannotRun for a value that the flow has not, that is not of its kind, or that is wanting."""
    for name, value in given.items():
        if name not in flow.values:
            raise CannotRun(f"--value {name}: the flow has no such value{nearest(name, flow.values)}")
        if not fits(flow.values[name], value):
            raise CannotRun(f"--value {name}={value}: that is no {flow.values[name]}; write one such as {EXAMPLES[flow.values[name]]}")
    for name in flow.given:
        if not given.get(name):
            raise CannotRun(f"a call of this flow begins with the value '{name}': add --value {name}={EXAMPLES[flow.values[name]]}")


class _TypedCall:
    def __init__(self, typed: TypedFlow, situation: Situation, ask: Ask, show: Show):
        self._typed, self._situation, self._ask, self._show = typed, situation, ask, show
        self._flows = {"caller": typed.flow, "owner": typed.owner_flow}
        self._state = {"caller": "", "owner": ""}
        self._people: dict[str, TypedPerson] = {}
        self._shown: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._failed: Exception | None = None
        self._line = ReplayLine(self._dialled)
        self._case = ReplayCase(self._note, NUMBERS[situation.phone])

    async def held(self, folder: Path) -> Outcome:
        """From the caller's ring to the closed case, and until what was promised is kept."""
        situation, self._sound = self._situation, typing_sound(FOLDER.parent / "prompts")
        self._ears = TypedEars(folder / "grammars")
        self._people = {"caller": self._person("caller"),
                        "owner": self._person("owner", "" if situation.owner == "answers" else situation.owner)}
        call = SipCall(self._line.incoming(self._people["caller"], NUMBERS[situation.phone]))
        with tempfile.TemporaryDirectory() as files, gateway_here(Path(files)) if situation.texts else nullcontext() as gateway:
            async with self._desks(folder, Path(files), gateway) as desks:
                try:
                    alone = OwnerActions(desks.desk, self._case.id, self._given_words)  # where the owner's flow is run by itself
                    car = MoveCar(desks.desk, self._case, desks.owners)
                    outcome, state = await self._walk(call, car, actions_of(alone) | dict(car.actions()))
                finally:
                    call.hangup()
                seconds, values = round(call.now_ms / 1000, 1), self._values
                await desks.until_kept(unless=lambda: self._failed)
        if self._failed:
            raise self._failed
        return Outcome(outcome, state, self._case.reason, values, seconds)

    def _desks(self, folder: Path, files: Path, gateway: Gateway | None) -> Desks:
        situation, typed = self._situation, self._typed
        rings = situation.phone != "withheld"
        desk = Desk(
            vault=ReplayVault(situation, [self._people["owner"]], gateway),
            seats=Seats(self._line, [Seat("seat1", SEAT)], SEAT_RING_S), voice=typed.voice, ears=self._ears,
            owner_flow=typed.owner_flow, call_back_flow=typed.call_back_flow if rings else None,
            dial_caller=self._dial_caller if rings else None, text_templates=load_texts(folder / TEXTS_FILE),
            recordings=files, owner_ring_s=OWNER_RING_S, service_hosts=situation.service_hosts,
            fetch=lambda *asked: for_real(fetch, *asked),
        )
        database = memory_database()
        return Desks(desk, self._case, memory_queue(AttemptPolicy(attempts=situation.attempts), database), database, gateway)

    def _person(self, side: str, ends: str = "") -> TypedPerson:
        return TypedPerson(lambda: self._next(side), self._ears, self._sound, ends, lambda: self._next(side, HOLD))

    async def _dial_caller(self, number: str) -> ReplayLeg:
        return await self._line.dial(number, ring_timeout_s=OWNER_RING_S)

    def _dialled(self, target: str) -> Person:
        """A seat, or the caller, who is called back and typed for again."""
        if target.startswith("seat:"):
            return SeatPerson(self._situation.seat)
        self._flows["caller"], self._people["caller"] = self._typed.call_back_flow, self._person("caller")
        return self._people["caller"]

    async def _given_words(self) -> Words | None:
        return next((value for value in self._values.values() if isinstance(value, Words)), None)

    async def _walk(self, call: SipCall, car: MoveCar, actions: Mapping[str, Action]) -> tuple[str, str]:
        loop, begin = asyncio.get_running_loop(), self._situation.at or datetime.now()
        kinds = self._flows["caller"].values
        self._values = {name: Words(b"", value) if kinds[name] == "words" else value
                        for name, value in self._situation.values.items()}
        conversation = Conversation(call, lambda kind, **details: self._note("caller", kind, **details), self._values,
                                    now=lambda: begin + timedelta(seconds=loop.time()))
        try:
            await call.answer()
            ending = await Runner(self._typed.flow, conversation, self._typed.voice, self._ears, actions).run()
            if not self._failed:
                await car.owner_done(ending)
        except HungUp:
            return "caller-hung-up", self._state["caller"]
        return ending.outcome, ending.state

    def _next(self, side: str, asked: str = "") -> Typed:
        """Whatever goes wrong at the keyboard ends the call, and is raised once it is over."""
        try:
            return Typed.read(self._ask(asked or side, self._state[side]))
        except Exception as error:
            self._failed = self._failed or error
            if leg := self._people["caller"].leg:
                leg.end(200, "remote")
            return Typed(hang_up=True)

    def _note(self, side: str, kind: str, **details: Any) -> None:
        person = self._people.get(side)
        if kind == "state":
            self._state[side] = details["name"]
        if person and kind in ("state", "said", "aside"):
            self._tell_whose_turn(person, side, kind)
        self._show(side, kind, **details)
        if (side, kind) == ("caller", "state") and details["name"] == self._situation.hang_up_in:
            person.leg.end(200, "remote")
        changed = {name: value for name, value in self._values.items() if self._shown.get(name) != value}
        if changed:
            self._shown |= changed
            self._show(side, "values", **changed)

    def _tell_whose_turn(self, person: TypedPerson, side: str, kind: str) -> None:
        states = self._lived(side)
        heard = {state.while_waiting.listen for state in states if state.while_waiting and state.while_waiting.listen}
        if any(state.listen for state in states):
            person.is_asked()
        elif heard and kind == "said" and self._situation.speaks_on_hold:
            person.may_speak(heard.pop())
        else:
            person.is_not_asked()

    def _lived(self, side: str) -> list[State]:
        """The state that is lived now, of the flow or of those that it runs, by its name."""
        waiting, found = [self._flows[side]], []
        while waiting:
            flow = waiting.pop()
            found += [flow.states[self._state[side]]] if self._state[side] in flow.states else []
            waiting += flow.subflows.values()
        return found
