"""Texts to owners: by the vault alone, within budget, in the audit, and once whatever dies meanwhile."""

import json
import secrets

import pytest
from vault_house import NUMBER, PLATE, SURE, gateway_program, send_texts_to

from dialer.register.keys import load_key
from dialer.vault.audit import verify
from dialer.vault.client import LookupRefused
from dialer.vault.supervise import VaultProcess

TEXT = f"您的车{PLATE}挡住了别人的路，请来挪一下。"


def kinds(house) -> list[str]:
    return [json.loads(line)["kind"] for line in house.audit.read_text("utf-8").splitlines()]


async def test_an_owner_gets_a_text_once_and_neither_answers_nor_the_audit_hold_the_number(house):
    text_id = secrets.token_hex(16)
    async with gateway_program() as gateway:
        send_texts_to(house, gateway.port)
        async with VaultProcess(house.config, house.socket) as vault:
            ticket = (await vault.match("c1", SURE)).ticket
            sent = await vault.text(ticket, text_id, TEXT)
        async with VaultProcess(house.config, house.socket) as vault:  # started anew, it knows what it sent
            again = await vault.text(ticket, text_id, TEXT)
        told = await gateway.told()
    assert (sent.how, again.how) == ("accepted", "accepted")
    assert told == {"asked": 1, "delivered": [{"to": NUMBER, "content": TEXT, "clientId": text_id}]}
    assert {"text", "text_ended"} <= set(kinds(house))
    verify(house.audit, load_key(house.key))
    assert NUMBER not in house.audit.read_text("utf-8") + repr(sent) and PLATE not in house.audit.read_text("utf-8")


@pytest.mark.parametrize("same_id, first, second", [(True, "again", "accepted"), (False, "unsure", "unsure")])
async def test_a_text_whose_fate_is_unsure_goes_out_again_only_where_the_gateway_knows_ids(house, same_id, first, second):
    text_id = secrets.token_hex(16)
    async with gateway_program() as gateway:
        send_texts_to(house, gateway.port, same_id=same_id)
        async with VaultProcess(house.config, house.socket) as vault:
            ticket = (await vault.match("c1", SURE)).ticket
            await gateway.behave("lost")
            assert (await vault.text(ticket, text_id, TEXT)).how == first
            assert (await vault.text(ticket, text_id, TEXT)).how == second
        assert len(await gateway.delivered()) == 1


async def test_texts_have_a_budget_by_case_and_by_owner_that_outlives_the_vault(house):
    async with gateway_program() as gateway:
        send_texts_to(house, gateway.port, more="texts_per_owner = 2\n")
        async with VaultProcess(house.config, house.socket) as vault:
            tickets = [(await vault.match(f"c{n}", SURE)).ticket for n in range(3)]
            await vault.text(tickets[0], secrets.token_hex(16), TEXT)
            with pytest.raises(LookupRefused, match="spent"):
                await vault.text(tickets[0], secrets.token_hex(16), TEXT)
        async with VaultProcess(house.config, house.socket) as vault:
            await vault.text(tickets[1], secrets.token_hex(16), TEXT)
            with pytest.raises(LookupRefused, match="spent"):
                await vault.text(tickets[2], secrets.token_hex(16), TEXT)
        assert len(await gateway.delivered()) == 2


async def test_what_is_no_text_and_a_vault_without_a_gateway_are_refused_in_one_sentence(house):
    async with VaultProcess(house.config, house.socket) as vault:
        ticket = (await vault.match("c1", SURE)).ticket
        with pytest.raises(LookupRefused, match="set text_gateway"):
            await vault.text(ticket, secrets.token_hex(16), TEXT)
    send_texts_to(house, 9)
    async with VaultProcess(house.config, house.socket) as vault:
        for text_id, text in (("short", TEXT), (secrets.token_hex(16), ""), (secrets.token_hex(16), "长" * 301)):
            with pytest.raises(LookupRefused, match="32 hex digits"):
                await vault.text(ticket, text_id, text)
        with pytest.raises(LookupRefused, match="not this vault's"):
            await vault.text("no ticket", secrets.token_hex(16), TEXT)
