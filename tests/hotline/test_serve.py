"""`ivr serve` as operators run it: a program with settings, signals, logs and an exit code."""

import asyncio
import re
import signal
import socket
import sqlite3

import pytest
from house import BREATH_S, phone, question_s
from service import ivr, serving, settle
from voices import PLATE

from hotline.demo.people import YES

OWNER_NUMBER = "00010000001"
SPOKEN = ("零零零幺零零零零零零幺", "零零零一零零零零零零一", "〇〇〇一〇〇〇〇〇〇一")


async def test_a_whole_call_is_kept_and_the_owners_number_is_nowhere(words, tmp_path):
    world = settle(tmp_path / "site")
    async with serving(world) as service:
        owners_script = {"mode": "wait", "port": world.owner_port, "answer": {"after_s": 0.3}, "steps": [{"obey": {}}]}
        async with phone(owners_script, tmp_path / "phones" / "owner.wav") as owner, \
                service.call("13600000001") as (caller, case):
            await service.logged("said", prompt="welcome")
            await asyncio.sleep(BREATH_S)
            await caller.say(words[PLATE])
            readback = await service.logged("said", prompt="readback")
            await asyncio.sleep(question_s(readback))
            await caller.say(words[YES])
            await service.logged("said", prompt="owner_greeting")
            await asyncio.sleep(BREATH_S)
            await owner.say(words["好的，我马上来。"])
            await service.logged("said", prompt="owner_thanks_coming")
            service.process.send_signal(signal.SIGTERM)  # in mid-call: it may finish
            assert await service.exited() == 0
    story = service.story(case)
    assert (story["plate"], story["outcome"]) == (PLATE, "coming")
    assert [event["kind"] for event in story["events"]][-1] == "closed"
    assert all({"at", "level", "event"} <= line.keys() for line in service.lines)
    kept = [path for path in world.folder.rglob("*") if path.is_file() and path.name != "owners.reg"]
    assert any(path.name == "cases.db" for path in kept) and any(path.name.endswith("-owner.wav") for path in kept)
    private = [world.folder / "data" / "cases.db", *(world.folder / "data" / "recordings").rglob("*")]
    assert len(private) > 2 and not [path for path in private if path.stat().st_mode & 0o077]
    for secret in (OWNER_NUMBER, *SPOKEN):
        assert not [path for path in kept if secret.encode() in path.read_bytes() or secret in path.name]
        assert secret not in service.stdout + service.stderr


async def test_sigterm_ends_a_call_that_is_too_long_and_keeps_its_case(words, tmp_path):
    world = settle(tmp_path / "site", finish_calls_s=1)
    async with serving(world) as service, service.call("13600000002") as (caller, case):
        service.process.send_signal(signal.SIGTERM)
        assert await service.exited() == 0
        await caller.wait("ended")
    assert service.story(case)["outcome"] == "interrupted"
    assert "Traceback" not in service.stderr


async def test_a_service_that_was_killed_closes_its_open_case_when_it_starts_again(words, tmp_path):
    world = settle(tmp_path / "site")
    async with serving(world) as service, service.call("13600000003") as (_, case):
        await service.logged("said", prompt="welcome")
        service.process.kill()
        await service.exited()
        assert service.story(case)["outcome"] == ""
    await asyncio.sleep(1)  # its workers see that it is gone, and leave
    async with serving(world) as service:
        assert (await service.logged("interrupted_case"))["case"] == case
        await service.logged("ready")
        assert service.story(case)["outcome"] == "interrupted"
    with sqlite3.connect(world.folder / "data" / "cases.db") as database:
        [(closed_at,)] = database.execute('select closed_at from "case" where id = ?', (case,)).fetchall()
    assert re.match(r"\d{4}-\d\d-\d\dT", closed_at)


def unknown_flow(folder):
    settle(folder, inbound_flow="move_car_inbond")
    return "move_car_inbond"


def missing_prompts(folder):
    (folder / "flows").mkdir(parents=True)
    settle(folder, flows=folder / "flows")
    return "prompts"


def broken_sip_conf(folder):
    settle(folder)
    (folder / "sip.conf").write_text("[transport]\nprot = 5060\n", encoding="utf-8")
    return "sip.conf:2"


def missing_key(folder):
    settle(folder)
    (folder / "vault" / "owners.key").unlink()
    return "owners.key"


def unknown_setting(folder):
    settle(folder)
    (folder / "ivr.toml").write_text('[engine]\ndate = "var"\n', encoding="utf-8")
    return "did you mean 'data'"


@pytest.mark.parametrize("spoil", [unknown_flow, missing_prompts, broken_sip_conf, missing_key, unknown_setting])
def test_what_cannot_run_is_one_sentence_and_exit_code_2(spoil, tmp_path):
    hint = spoil(tmp_path / "site")
    must_be_refused(tmp_path / "site", hint)


def test_a_taken_port_is_one_sentence_and_exit_code_2(tmp_path):
    world = settle(tmp_path / "site")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", world.sip_port))
        must_be_refused(world.folder, str(world.sip_port))


def must_be_refused(folder, hint: str) -> None:
    done = ivr("serve", "--config", folder / "ivr.toml")
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith(("{", "sip worker: "))]
    assert len(said) == 1 and said[0].startswith("ivr: ") and hint in said[0], done.stderr
    assert "Traceback" not in done.stderr
