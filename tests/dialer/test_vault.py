"""The vault as a process, on its real sockets, with a real SIP worker and telephones."""

import asyncio
import json
import os
import signal
import sys
import time

import pytest
from vault_house import NUMBER, PLATE, SURE, phone, stop, until

from dialer.errors import VaultFailed
from dialer.register.keys import load_key
from dialer.register.made_up import write_owners
from dialer.register.sealing import seal
from dialer.vault.audit import verify
from dialer.vault.client import LookupRefused, Vault, VaultUnavailable
from dialer.vault.supervise import VaultProcess
from ivr.sip import protocol
from ivr.sip.line import Answered, Ended


async def test_a_match_a_pair_and_a_stranger_within_budget(house):
    async with VaultProcess(house.config, house.socket) as vault:
        match = await vault.match("c1", SURE)
        assert (match.kind, match.plate, match.tail) == ("match", PLATE, "345")
        assert match.token and NUMBER not in repr(match) and match.address in ("先生", "女士")
        pair = await vault.match("c2", [("赣KB1234", 0.5), ("赣KD1234", 0.4)])
        assert pair.kind == "ask" and pair.token is None and len(pair.alternatives) == 2
        stranger = await vault.match("c3", [("赣KP1234", 0.97)])
        assert (stranger.kind, stranger.plate, stranger.token) == ("none", None, None)
        for _ in range(5):
            await vault.match("c3", SURE)
        with pytest.raises(LookupRefused) as caught:
            await vault.match("c3", SURE)
        assert caught.value.kind == "case"
        with pytest.raises(LookupRefused):
            await vault.match("赣K12345 is no case", SURE)
    assert verify(house.audit, load_key(house.key)).entries == 12


async def test_a_second_vault_is_refused_and_the_first_goes_on(house):
    async with VaultProcess(house.config, house.socket) as vault:
        for socket, why in ((house.socket.with_name("other"), "another vault writes this log"), (house.socket, "another vault")):
            second = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "dialer.vault", "--config", house.config, "--socket", socket, stderr=asyncio.subprocess.PIPE)
            _, told = await asyncio.wait_for(second.communicate(), 30)
            assert second.returncode == 2 and why in told.decode() and told.count(b"\n") == 1
        assert (await vault.match("c1", SURE)).kind == "match"
    assert verify(house.audit, load_key(house.key)).entries == 3       # opened, match, closed


STRANGE = (b"no JSON", b"[1]", b"[" * 5000, b'{"op": ["match"]}', b'{"op": "walk"}',
           b'{"op": "match", "case": "c1", "heard": [["' + PLATE.encode() + b'", 1' + b"0" * 400 + b"]]}",
           b'{"op": "renew", "ticket": {"a": 1}}', b'{"op": "text", "ticket": 5}')


async def test_what_no_engine_asks_is_refused_written_down_and_warned_of(house):
    async with VaultProcess(house.config, house.socket) as vault:
        kinds = [json.loads(await _asked(house.socket, line))["refused"] for line in STRANGE]
        assert kinds == ["request"] * 6 + ["ticket"] * 2
        assert (await until(await vault.line.dial("a-guessed-token"), Ended))[-1].code == 403
        assert (await vault.match("c1", SURE)).kind == "match"
    told = [json.loads(line) for line in house.audit.read_text().splitlines()]
    assert [entry["why"] for entry in told if entry["kind"] == "refused"] == [*kinds, "token"]
    assert [entry["why"] for entry in told if entry["kind"] == "alarm"] == ["refusals"]


async def _asked(socket, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(line + b"\n")
    answer = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return answer


async def test_an_owner_is_called_by_token_once_and_the_number_is_nowhere(house, caplog):
    passed = bytearray()
    async with VaultProcess(house.config, house.socket) as vault:
        receive = vault.line._receive
        vault.line._receive = lambda m: (passed.extend(repr(m).encode() if not isinstance(m, protocol.Frame) else b""), receive(m))
        owners_phone = await phone(house, answer={"after_s": 0.2}, steps=[{"dtmf": "5"}, {"wait_hangup": {}}])
        frames = []
        match = await vault.match("c1", SURE)
        leg = await vault.line.dial(match.token, headers={"X-Case": "c1"})
        leg.on_frame = lambda received, sent: frames.append(len(received))
        seen = await until(leg, Answered)
        assert isinstance(seen[-1], Answered) and leg.remote == ""
        leg.play(b"\1\0" * 1600, "hello")
        seen += [await asyncio.wait_for(leg.events.get(), 5) for _ in range(2)]
        leg.hangup()
        seen += await until(leg, Ended)
        assert len(frames) >= 5 and isinstance(seen[-1], Ended)
        again = await vault.line.dial(match.token)
        assert (await until(again, Ended))[-1].code == 403
        await stop(owners_phone)
    log = house.audit.read_text()
    kinds = [json.loads(line)["kind"] for line in log.splitlines()]
    assert sorted(kinds) == ["closed", "dial", "ended", "match", "opened", "refused"]
    for text in (log, caplog.text, passed.decode(), repr(seen), repr(match), repr(vars(leg))):
        assert NUMBER not in text and NUMBER[3:] not in text
    assert PLATE not in log


@pytest.mark.parametrize(("answer", "code"), [("busy", 486), ("off", 480), ("decline", 603)])
async def test_a_refusal_comes_through_as_its_code(house, answer, code):
    async with VaultProcess(house.config, house.socket) as vault:
        owners_phone = await phone(house, answer=answer)
        match = await vault.match("c1", SURE)
        leg = await vault.line.dial(match.token)
        assert (await until(leg, Ended))[-1].code == code
        await stop(owners_phone)


async def test_a_vault_killed_in_mid_call_comes_back(house):
    keeper = VaultProcess(house.config, house.socket)
    async with keeper as vault:
        owners_phone = await phone(house, answer={"after_s": 0}, steps=[{"wait_hangup": {}}])
        leg = await vault.line.dial((await vault.match("c1", SURE)).token)
        await until(leg, Answered)
        os.kill(keeper.pid, signal.SIGKILL)
        ended = (await until(leg, Ended))[-1]
        assert ended.by == "worker-lost"
        begun = time.monotonic()
        with pytest.raises(VaultUnavailable):
            await vault.match("c2", SURE)
        assert time.monotonic() - begun < 1.0
        async with asyncio.timeout(8):
            while True:
                try:
                    match = await vault.match("c4", SURE)
                    break
                except LookupRefused:
                    raise
                except VaultUnavailable:
                    await asyncio.sleep(0.1)
        assert match.kind == "match" and keeper.restarts == 1
        await asyncio.wait_for(vault.line._up.wait(), 5)
        await stop(owners_phone)
    assert verify(house.audit, load_key(house.key))


async def test_without_a_vault_the_answer_is_quick(tmp_path):
    begun = time.monotonic()
    with pytest.raises(VaultUnavailable):
        await Vault(tmp_path / "nobody").match("c", SURE)
    assert time.monotonic() - begun < 1.0


async def test_a_vault_that_cannot_run_says_why(house):
    house.key.chmod(0o644)
    with pytest.raises(VaultFailed, match="chmod 600"):
        async with VaultProcess(house.config, house.socket):
            raise AssertionError("it ran")


async def test_a_mark_that_looks_like_the_dial_target_does_no_harm(house):
    write_owners(house.folder / "o.csv", 5, pinned={PLATE: "00010001"})
    seal(house.folder / "o.csv", load_key(house.key), house.folder / "owners.reg")
    async with VaultProcess(house.config, house.socket) as vault:
        owners_phone = await phone(house, answer={"after_s": 0}, steps=[{"wait_hangup": {}}])
        leg = await vault.line.dial((await vault.match("c1", SURE)).token)
        await until(leg, Answered)
        leg.play(b"\0\0" * 800, "said-00010001")
        assert (await asyncio.wait_for(leg.events.get(), 5)).mark == "said-00010001"
        leg.hangup()
        await until(leg, Ended)
        await stop(owners_phone)


async def test_the_end_of_a_call_is_in_the_audit_when_the_engine_goes_away(house):
    async with VaultProcess(house.config, house.socket) as vault:
        owners_phone = await phone(house, answer={"after_s": 0}, steps=[{"wait_hangup": {}}])
        leg = await vault.line.dial((await vault.match("c1", SURE)).token)
        await until(leg, Answered)
    await stop(owners_phone)
    kinds = [json.loads(line)["kind"] for line in house.audit.read_text().splitlines()]
    assert kinds == ["opened", "match", "dial", "ended", "closed"]
