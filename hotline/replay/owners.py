"""The vault of a replay, in this process: true lookups, budgets and tokens over made-up plates."""

import asyncio
import functools
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from dialer.database.pulse import Pulse
from dialer.errors import LookupRefused
from dialer.queue.attempt_queue import AttemptQueue, Base, Request
from dialer.queue.attempts import AttemptPolicy
from dialer.register.made_up import write_owners
from dialer.register.owner import Owner
from dialer.register.secret import Secret
from dialer.texting.gateway import Sent, ask_gateway
from dialer.texting.settings import Gateway
from dialer.vault.client import Match, Renewed, VaultUnavailable
from dialer.vault.config import VaultConfig
from dialer.vault.lookups import Lookups
from dialer.vault.owner_texts import OwnerTexts
from hotline.demo.made_up_vault import OWNERS
from ivr.replay.clock import for_real
from ivr.replay.fixture import Earlier, Fixture
from ivr.replay.line import Person, ReplayLine

LOOKUP_S = 0.04
"""Virtual time that a lookup takes: 0.02 s of work, and the vault answers in steps of 0.02 s."""
DAY = datetime(2026, 1, 5, tzinfo=UTC)
OUTSIDE = 0.005
"""As `hotline.demo.made_up_vault` has it: few owners, so a stranger's plate weighs less than in a city."""


class ReplayVault:
    """What `MoveCar` sees of a vault. `owners[n]` is who answers the owner's number n; `gateway` sends them texts.
    `city`: the register of a whole city, instead of a few owners and the fixture's."""

    def __init__(
        self, fixture: Fixture, owners: Sequence[Person], gateway: Gateway | None = None, city: "OpenRegister | None" = None
    ) -> None:
        self.line = ReplayLine(self._called)
        self._owners, self._down = owners, fixture.vault_down
        clock = asyncio.get_running_loop().time
        register = city or OpenRegister((*fixture.register, *_made_up_plates()), max(1, len(owners)))
        outside = VaultConfig.outside if city else OUTSIDE
        self._keys = tempfile.TemporaryDirectory()
        config = VaultConfig(outside=outside, ticket_key=Path(self._keys.name) / "tickets.key")
        self._lookups = Lookups(config, register, _NoAudit(), clock, clock)
        self._texts = OwnerTexts(config, gateway, _NoAudit(), clock, _noon, partial(for_real, ask_gateway))

    async def match(
        self, case_id: str, heard: Sequence[tuple[str, float]], *, caller: str | None = None,
        denied: Collection[str] = (),
    ) -> Match:
        """As `dialer.vault.client.Vault.match`."""
        await asyncio.sleep(LOOKUP_S)
        if self._down:
            raise VaultUnavailable("the vault is down: hand the call to a person")
        try:
            reply = self._lookups.match(case_id, [list(reading) for reading in heard], caller, sorted(denied))
        except LookupRefused as refused:
            raise VaultUnavailable(str(refused)) from None
        return Match(**{name: tuple(each) if isinstance(each, list) else each for name, each in reply.items()})

    async def renew(self, ticket: str) -> Renewed:
        """As `dialer.vault.client.Vault.renew`."""
        await asyncio.sleep(LOOKUP_S)
        reply = self._lookups.renew(ticket)
        return Renewed((reply["token"], *reply["more_tokens"]), reply["tail"], reply["owner"])

    async def text(self, ticket: str, text_id: str, text: str) -> Sent:
        """As `dialer.vault.client.Vault.text`."""
        await asyncio.sleep(LOOKUP_S)
        if self._down:
            raise VaultUnavailable("the vault is down: the text waits")
        found, owner = self._lookups.owner_of(ticket)
        return await self._texts.send(found.case, owner, self._lookups.owner_mark(owner), text_id, text)

    def _called(self, token: str) -> Person | None:
        ticket = self._lookups.tokens.take(token)
        return self._owners[ticket.which] if ticket and ticket.which < len(self._owners) else None


class OpenRegister:
    """Plates in memory, with what lookups ask of a sealed register. Its numbers ring nowhere."""

    def __init__(self, plates: Sequence[str], numbers: int) -> None:
        self._places = {plate: place for place, plate in enumerate(plates)}
        self._plates, self._numbers, self.count = list(plates), numbers, len(plates)

    def find_all(self, plates: Sequence[str]) -> list[int | None]:
        return [self._places.get(plate) for plate in plates]

    def owner(self, at: int) -> Owner:
        return Owner(self._plates[at], tuple(Secret(f"000{at:08d}") for _ in range(self._numbers)))

    def __len__(self) -> int:
        return self.count


class _NoAudit:
    """A replay asks nothing that must be accounted for."""

    def append(self, kind: str, **details: Any) -> None: ...

    def plate_mark(self, plate: str) -> str:
        return plate

    def caller_mark(self, caller: str) -> str:
        return caller

    def since(self, kind: str, seconds: float) -> Iterator[dict[str, Any]]:
        return iter(())


def memory_queue(policy: AttemptPolicy, engine: Engine | None = None, ago_s: float = 0, hour: int = 12) -> AttemptQueue:
    """A queue in memory, on the loop's own time; `hour` o'clock when it began. `ago_s`: a queue on the same
    `engine` in which it is still so much earlier."""
    clock = asyncio.get_running_loop().time
    return AttemptQueue(engine or memory_database(), policy, lambda: DAY + timedelta(hours=hour, seconds=clock() - ago_s),
                        pulse=lone_pulse())


def lone_pulse() -> Pulse:
    """Of an engine that is alone with its database and never dies: there is nothing to count in real time."""
    return Pulse("replay", steady=lambda: 0.0)


def changes_of(database: Engine) -> Callable[[], int]:
    """Tells how many rows were ever changed in a database in memory."""
    connection = database.raw_connection().driver_connection
    return lambda: connection.total_changes


def memory_database() -> Engine:
    """The tables of queues, in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    return engine


async def asked_before(vault: ReplayVault, past: AttemptQueue, case_id: str, plate: str, earlier: Earlier) -> Request:
    """What an earlier call left in the queue."""
    match = await vault.match(case_id, [(plate, 1.0)])
    request = past.ask(case_id, match.car, match.owner, ticket=match.ticket)
    if earlier.answer:
        begun = past.begin(request.id, len(match.more_tokens) + 1)
        request = past.end(begun, earlier.answer, minutes=earlier.minutes)
    return request


def _noon() -> int:
    """The minute of the day: made-up owners have no quiet hours of their own."""
    return 12 * 60


@functools.cache
def _made_up_plates() -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        return tuple(write_owners(Path(folder) / "owners.csv", OWNERS))
