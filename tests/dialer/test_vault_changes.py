"""A running vault takes new registers and keys into use; calls, tokens and answers go on."""

import asyncio
import json
import shutil
import time

import pytest
from vault_house import NUMBER, PLATE, SURE, phone, stop, until

from dialer import owners
from dialer.errors import RegisterProblem
from dialer.register.keys import load_key, load_keys
from dialer.register.made_up import write_owners
from dialer.register.sealing import seal
from dialer.vault.audit import verify
from dialer.vault.client import VaultUnavailable
from dialer.vault.supervise import VaultProcess
from ivr.sip.line import Answered, Ended

NEW_PLATE = "赣K54321"


def _new_issue(house):
    write_owners(house.folder / "o.csv", 300, seed=2, pinned={NEW_PLATE: NUMBER, PLATE: NUMBER})
    seal(house.folder / "o.csv", load_key(house.key), house.folder / "in.reg")
    (house.folder / "o.csv").unlink()
    return house.folder / "in.reg"


async def _opened(house, count, limit_s=8.0):
    async with asyncio.timeout(limit_s):
        while house.audit.read_text().count('"kind":"opened"') < count:
            await asyncio.sleep(0.05)


async def _kind(vault, case, plate):
    return (await vault.match(case, [(plate, 0.95)])).kind


async def test_an_import_and_a_rollback_are_taken_while_a_call_goes_on(house):
    issue = _new_issue(house)
    async with VaultProcess(house.config, house.socket) as vault:
        owners_phone = await phone(house, answer={"after_s": 0}, steps=[{"wait_hangup": {}}])
        match = await vault.match("c1", SURE)
        leg = await vault.line.dial(match.token)
        await until(leg, Answered)
        assert await _kind(vault, "c2", NEW_PLATE) == "none"
        later = (await vault.match("c3", SURE)).token
        await asyncio.to_thread(owners.import_register, issue, house.config)
        await _opened(house, 2)
        assert await _kind(vault, "c4", NEW_PLATE) == "match"
        await asyncio.to_thread(owners.roll_back, house.config)
        await _opened(house, 3)
        assert await _kind(vault, "c5", NEW_PLATE) == "none"
        assert leg.events.empty()
        leg.hangup()
        await until(leg, Ended)
        await stop(owners_phone)
        owners_phone = await phone(house, answer="busy")
        leg = await vault.line.dial(later)  # a token of two registers ago still holds
        assert (await until(leg, Ended))[-1].code == 486
        await stop(owners_phone)


async def test_a_key_changes_without_a_pause(house):
    async with VaultProcess(house.config, house.socket) as vault:
        answers, slowest = 0, 0.0

        async def ask_on():
            nonlocal answers, slowest
            while True:
                begun = time.monotonic()
                assert await _kind(vault, f"ask-{answers}", PLATE) == "match"
                slowest = max(slowest, time.monotonic() - begun)
                answers += 1
                await asyncio.sleep(0.05)

        asking = asyncio.create_task(ask_on())
        await asyncio.to_thread(owners.rotate_vault, house.config)
        await _opened(house, 2)
        old = owners.list_keys(house.config)[1].id
        assert await asyncio.to_thread(owners.revoke_key, old, house.config) is True
        await _opened(house, 3)
        before = answers
        await asyncio.sleep(0.5)
        assert not asking.done() and answers > before and slowest < 2.0
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert verify(house.audit, load_keys(house.key)).entries > answers


async def test_a_register_that_breaks_under_a_running_vault_takes_nothing_from_it(house, caplog):
    async with VaultProcess(house.config, house.socket) as vault:
        token = (await vault.match("c1", SURE)).token
        live = house.folder / "owners.reg"
        shutil.copy(live, house.folder / "aside")
        live.unlink()
        live.write_bytes(b"torn")  # as a copy by hand may leave it: another file of the same name
        async with asyncio.timeout(8):
            while "the register in use stays" not in caplog.text:
                await asyncio.sleep(0.05)
        assert await _kind(vault, "c2", PLATE) == "match"
        owners_phone = await phone(house, answer="decline")
        assert (await until(await vault.line.dial(token), Ended))[-1].code == 603
        await stop(owners_phone)
        shutil.copy(house.folder / "aside", live)
        await _opened(house, 2)
        assert await _kind(vault, "c3", PLATE) == "match"


async def test_a_register_cut_in_place_is_a_refusal_and_not_a_crash(house):
    keeper = VaultProcess(house.config, house.socket)
    async with keeper as vault:
        with open(house.folder / "owners.reg", "r+b") as file:
            file.truncate(600)
        with pytest.raises(VaultUnavailable, match="person"):
            await vault.match("c1", SURE)
        assert keeper.restarts == 0
        with pytest.raises(RegisterProblem, match="cut short"):
            owners.import_register(house.folder / "owners.reg", house.config)


async def test_the_time_of_an_answer_tells_nothing_from_outside(house):
    taken = {"match": [], "none": []}
    async with VaultProcess(house.config, house.socket) as vault:
        for n in range(30):
            for plate, kind in ((PLATE, "match"), (f"琼B{n:05d}", "none")):
                begun = time.perf_counter()
                assert await _kind(vault, f"{kind}{n}", plate) == kind
                taken[kind].append(time.perf_counter() - begun)
    pairs = [(hit > miss) for hit in taken["match"] for miss in taken["none"]]
    assert 0.2 < sum(pairs) / len(pairs) < 0.8
    lines = [json.loads(line) for line in house.audit.read_text().splitlines()]
    assert sum(line["kind"] == "match" for line in lines) == 60
