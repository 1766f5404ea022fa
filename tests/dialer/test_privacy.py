"""After a whole call the owner's number is nowhere but in the vault and on its own leg.

One run of the service, with phones around it as processes; what is left of it is searched for the
number as digits, as words and as stored in memory. Each search also has to find what is there.
"""

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from traces import Wire, family, forms, held_in, held_in_files, held_in_memory

sys.path += [str(Path(__file__).resolve().parents[1] / name) for name in ("hotline", "sip")]
from house import BREATH_S, descendants, phone, question_s  # noqa: E402
from service import serving, settle  # noqa: E402
from voices import PLATE, speak_all  # noqa: E402

from dialer.register.keys import derive, load_key  # noqa: E402
from hotline.demo.made_up_vault import make_vault  # noqa: E402
from hotline.demo.people import YES  # noqa: E402

CORE = "58639648"
NUMBER = "000" + CORE
CALLER = "13600000077"
WANTED = forms(CORE)


@dataclass
class Evidence:
    """What was seen of one run. `memory`: moment → process's name → (forms found, bytes read)."""

    folder: Path
    owner_port: int
    packets: list[tuple[int, int, bytes]] | None = None
    memory: dict[str, dict[str, tuple[list[bytes], int]]] = field(default_factory=dict)
    keys: dict[str, list[bytes]] = field(default_factory=dict)
    outcome: str = ""
    output: str = ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(tmp_path_factory):
    """A caller, an owner and the service between them, searched in mid-call and after it."""
    words = speak_all(tmp_path_factory.mktemp("words"))
    folder = tmp_path_factory.mktemp("run")
    world = settle(folder / "site")
    make_vault(world.folder / "vault", world.owner_port, pinned={PLATE: NUMBER})
    key = load_key(world.folder / "vault" / "owners.key")
    seen = Evidence(world.folder, world.owner_port)
    with contextlib.ExitStack() as stack:
        try:
            wire = stack.enter_context(Wire())
            seen.packets = wire.packets
        except PermissionError:
            pass  # the tests that need it say so
        async with serving(world) as service:
            script = {"mode": "wait", "port": world.owner_port, "answer": {"after_s": 0.3}, "steps": [{"obey": {}}]}
            async with phone(script, folder / "phones" / "owner.wav") as owner, service.call(CALLER) as (caller, case):
                for prompt, who, sentence in (
                    ("welcome", caller, PLATE), ("readback", caller, YES), ("owner_greeting", owner, "好的，我马上来。"),
                ):
                    said = await service.logged("said", prompt=prompt)
                    if prompt == "owner_greeting":
                        await asyncio.to_thread(_search, seen, "while the owner talks", service.process.pid, key)
                    await asyncio.sleep(question_s(said) if sentence == YES else BREATH_S)
                    await who.say(words[sentence])
                await service.logged("closed")
            await asyncio.to_thread(_search, seen, "after the call", service.process.pid, key)
            seen.outcome = service.story(case)["outcome"]
            service.process.send_signal(signal.SIGTERM)
            await service.exited()
            seen.output = service.stdout + service.stderr
    return seen


def _search(seen: Evidence, moment: str, engine: int, key: bytes) -> None:
    [vault] = descendants(engine, "dialer.vault")
    vaults = family(vault)
    named = {f"{'vault' if pid in vaults else 'engine'} {pid}": pid for pid in family(engine)}
    secrets = [key, key.hex().encode(), derive(key, "audit")]
    found = {}
    for name, pid in named.items():
        with contextlib.suppress(PermissionError, FileNotFoundError):
            hits, size = held_in_memory(pid, WANTED + secrets)
            found[name] = [form for form in hits if form not in secrets], size
            seen.keys.setdefault(name, []).extend(form for form in hits if form in secrets)
    seen.memory[moment] = found


def test_the_call_was_a_whole_one(run):
    assert run.outcome == "coming"


def test_no_file_table_log_or_recording_holds_the_number(run):
    assert not held_in(run.output.encode(), WANTED)
    assert held_in_files(run.folder, WANTED) == []
    kept = {path.name for path in run.folder.rglob("*") if path.is_file()}
    assert "cases.db" in kept and "audit.jsonl" in kept and any(name.endswith("-owner.wav") for name in kept)
    assert any("cases.db" in name for name in held_in_files(run.folder, [PLATE.encode()]))  # the search does find


def test_the_vaults_own_log_names_neither_owner_nor_caller(run):
    log = (run.folder / "vault" / "audit.jsonl").read_bytes()
    assert {json.loads(line)["kind"] for line in log.splitlines()} >= {"opened", "match", "dial", "ended"}
    assert not held_in(log, [PLATE.encode(), CALLER.encode(), CALLER[-8:].encode()])


def test_on_the_wire_the_number_is_on_the_vaults_leg_alone(run):
    if run.packets is None:
        pytest.skip("this user may not listen on loopback")
    holding = [(source, target) for source, target, payload in run.packets if held_in(payload, WANTED)]
    assert holding and all(run.owner_port in ports for ports in holding)
    calls = [payload for _, _, payload in run.packets if payload.startswith(b"INVITE") and CALLER.encode() in payload]
    assert calls  # the caller's leg was heard, too
    owners_leg = b"".join(payload for source, target, payload in run.packets if run.owner_port in (source, target))
    assert CALLER.encode() not in owners_leg


@pytest.mark.parametrize("moment", ["while the owner talks", "after the call"])
def test_no_process_but_the_vaults_has_the_number_in_memory(run, moment):
    memory = run.memory[moment]
    engines = {name: hits for name, (hits, _) in memory.items() if name.startswith("engine")}
    if not engines:
        pytest.skip("this machine does not let memory be read")
    assert len(engines) >= 3  # engine, callers' SIP worker, recognizer
    assert not {name: hits for name, hits in engines.items() if hits}
    assert all(size > 1 << 20 for _, size in memory.values())
    vaults = [hits for name, (hits, _) in memory.items() if name.startswith("vault")]
    if moment == "while the owner talks":
        assert any(vaults)  # the search does find it where it must be


def test_no_process_but_the_vault_has_the_key_in_memory(run):
    assert run.keys
    assert not [name for name, hits in run.keys.items() if name.startswith("engine") and hits]
    assert any(hits for name, hits in run.keys.items() if name.startswith("vault"))


def test_the_search_knows_the_number_in_each_form(tmp_path):
    for text in ("00058639648", "五八六三九六四八", "5 8 6 3 9 6 4 8", "５８６３９６４８", "五、八、六、三、九、六、四、八", "5863-9648"):
        for code in ("utf-8", "utf-16-le", "utf-32-le"):
            (tmp_path / "f").write_bytes(b"xx" + text.encode(code))
            assert held_in_files(tmp_path, WANTED), (text, code)
    (tmp_path / "f").write_text(json.dumps("五八六三九六四八"))
    assert held_in_files(tmp_path, WANTED)
    (tmp_path / "f").write_text("00058639649 五八六三九六四")
    assert not held_in_files(tmp_path, WANTED)
