"""Quiet hours hold a text to an owner, but not an emergency's, and no text to a caller; real vault, real gateway."""

import asyncio
from datetime import datetime

import pytest
from vault_house import NUMBER, PLATE, SURE, gateway_program, send_texts_to

from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.attempts import AttemptPolicy
from dialer.texting.outbox import QUIET, Outbox, owner_once
from dialer.texting.settings import load_gateway
from dialer.vault.supervise import VaultProcess
from hotline.cases.casebook import Casebook, OpenCase
from hotline.storage.store import Store
from hotline.texting.desk import TextDesk
from hotline.texting.texts import TextTemplate

CALLER, MIDNIGHT = "13900000001", datetime(2026, 1, 5).astimezone()
TO_OWNER = TextTemplate("owner_please_move", "owner", 120, "您的车{plate}挡住了别人的路，请来挪一下。")
TO_CALLER = TextTemplate("caller_unreached", "caller", 120, "{plate}的车主没有联系上。")
HOURS_S = 7 * 3600.0


class Night:
    """A desk at midnight, a case whose owner no call reached, and the texts about it."""

    def __init__(self, store, vault, gateway, match):
        self.notes, self.vault = [], vault
        self.case = OpenCase.opened(store, "telephone", CALLER, [self.notes.append])
        self.queue = AttemptQueue(store.engine, AttemptPolicy(quiet="22:00-07:00", attempts=1), lambda: MIDNIGHT)
        self.request = self.queue.ask(self.case.id, match.car, match.owner, ticket=match.ticket)
        outbox = Outbox(store.engine, lambda: 1e9)
        self.desk = TextDesk(gateway, outbox, Casebook(store, [self.notes.append]), lambda: vault, dict, quiet_s=lambda: HOURS_S)
        self.ticket = match.ticket

    async def put(self) -> None:
        case = self.case.id
        await self.desk.put(TO_OWNER, case, owner_once(self.request.id), {"plate": PLATE}, ticket=self.ticket)
        await self.desk.put(TO_CALLER, case, f"outcome {case}", {"plate": PLATE})

    async def noted(self, kind: str, **details) -> None:
        async with asyncio.timeout(20):
            while not any(entry.kind == kind and details.items() <= entry.details.items() for entry in self.notes):
                await asyncio.sleep(0.02)


@pytest.fixture
async def night(house, tmp_path):
    async with gateway_program() as program:
        send_texts_to(house, program.port)
        with Store(str(tmp_path / "cases.db")).open() as store:
            async with VaultProcess(house.config, house.socket) as vault:
                match = await vault.match("c1", SURE)
                night = Night(store, vault, load_gateway(house.folder / "gateway.toml"), match)
                night.gateway = program
                yield night


async def test_at_night_a_caller_gets_a_text_and_an_owner_waits_for_the_morning_or_for_an_emergency(night):
    async with night.desk:
        await night.put()
        await night.noted("text_sent", to="caller")
        await night.noted("text_delayed", to="owner", why=QUIET)
        assert [each["to"] for each in await night.gateway.delivered()] == [CALLER]
        night.queue.mark_emergency(night.case.id)
        await night.noted("text_sent", to="owner")
    assert [each["to"] for each in await night.gateway.delivered()] == [CALLER, NUMBER]


async def test_the_text_of_what_was_an_emergency_all_along_does_not_wait(night):
    night.queue.mark_emergency(night.case.id)
    async with night.desk:
        await night.put()
        await night.noted("text_sent", to="owner")
    assert not any(entry.kind == "text_delayed" for entry in night.notes)
