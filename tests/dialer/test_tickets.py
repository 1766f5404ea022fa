"""Tickets: what the queue keeps of an owner for later attempts, and what it cannot do with them."""

import base64
import json

import pytest
from vault_house import NUMBER, PLATE, SURE

from dialer.errors import KeyProblem
from dialer.register.keys import load_key
from dialer.register.owner import Owner
from dialer.register.secret import Secret
from dialer.vault.audit import verify
from dialer.vault.client import LookupRefused
from dialer.vault.supervise import VaultProcess
from dialer.vault.tickets import TicketOffice


@pytest.fixture
def office(tmp_path):
    times = [1000.0]
    made = TicketOffice(tmp_path / "tickets.key", 60.0, lambda: times[0])
    made.times = times
    return made


def test_a_ticket_opens_until_it_is_too_old_or_the_clock_was_set_back_far(office):
    ticket = office.seal("case-1", PLATE)
    office.times[0] = 1060.0
    assert (office.open(ticket).case, office.open(ticket).plate) == ("case-1", PLATE)
    for now in (1060.1, 939.0):
        office.times[0] = now
        with pytest.raises(LookupRefused, match="too old"):
            office.open(ticket)


@pytest.mark.parametrize("spoil", [
    lambda ticket: ticket[:-4] + "AAAA", lambda ticket: "", lambda ticket: None, lambda ticket: "x" * 600,
    lambda ticket: "!" + ticket, lambda ticket: base64.urlsafe_b64encode(b"0" * 60).decode(),
])  # fmt: skip
def test_what_is_no_ticket_of_this_vault_opens_nothing(office, spoil):
    with pytest.raises(LookupRefused, match="not this vault's"):
        office.open(spoil(office.seal("case-1", PLATE)))


def test_a_ticket_and_marks_show_neither_plate_nor_number(office):
    owner = Owner(PLATE, (Secret(NUMBER),))
    ticket = office.seal("case-1", PLATE)
    shown = ticket + office.car_mark(PLATE) + office.owner_mark(owner)
    assert PLATE not in shown and NUMBER not in shown and ticket != office.seal("case-1", PLATE)
    assert PLATE.encode() not in base64.urlsafe_b64decode(ticket)


def test_marks_and_tickets_outlive_the_vault_that_made_them(office, tmp_path):
    ticket, again = office.seal("case-1", PLATE), TicketOffice(tmp_path / "tickets.key", 60.0, lambda: 1001.0)
    assert again.open(ticket).plate == PLATE and again.car_mark(PLATE) == office.car_mark(PLATE)


def test_a_key_that_others_may_read_is_refused(office, tmp_path):
    (tmp_path / "tickets.key").chmod(0o644)
    with pytest.raises(KeyProblem, match="chmod 600"):
        TicketOffice(tmp_path / "tickets.key", 60.0, lambda: 0.0)


async def test_a_vault_that_was_started_again_gives_tokens_for_a_ticket_within_its_budget(house):
    house.config.write_text(house.config.read_text() + "renewals_per_case = 3\n")
    async with VaultProcess(house.config, house.socket) as vault:
        match = await vault.match("c1", SURE)
        assert (await vault.renew(match.ticket)).tokens
    async with VaultProcess(house.config, house.socket) as vault:
        first, second = await vault.renew(match.ticket), await vault.renew(match.ticket)
        assert set(first.tokens).isdisjoint(second.tokens) and second.tail == "345" and second.owner == match.owner
        with pytest.raises(LookupRefused) as caught:
            await vault.renew(match.ticket)
        assert caught.value.kind == "renewals"
    verify(house.audit, load_key(house.key))
    kinds = [json.loads(line)["kind"] for line in house.audit.read_text().splitlines()]
    assert kinds.count("renewed") == 3 and NUMBER not in house.audit.read_text()
