"""A service whose flow looks up no plates needs no vault; where one is needed, the doctor says what is wrong with it."""

import json
import logging
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from service import ivr, serving, settle

from dialer.errors import DialerError
from hotline import vault_use
from hotline.config import load_config
from hotline.live_flows import LiveFlows
from hotline.vault_use import examine_vault, vault_needs
from ivr.flow.load import load_flow
from ivr.typed import TypedEars

FLOWS = Path(__file__).resolve().parents[2] / "flows"


@pytest.fixture
def config(tmp_path):
    settle(tmp_path / "site")
    return load_config(tmp_path / "site" / "ivr.toml")


def test_only_a_flow_about_cars_needs_the_vault():
    assert vault_needs(load_flow(FLOWS / "move_car_inbound.yaml")) and not vault_needs(load_flow(FLOWS / "city_desk.yaml"))


async def test_a_service_without_plates_is_served_without_a_vault(tmp_path):
    world = settle(tmp_path / "site", inbound_flow="city_desk")
    shutil.rmtree(world.folder / "vault")
    async with serving(world) as service:
        await service.logged("no_vault")
        async with service.call("13600000009") as (caller, case):
            await service.logged("said")
            await caller.hang_up()
            await service.logged("closed", case=case)
    assert service.story(case)["outcome"] == "caller-hung-up" and "Traceback" not in service.stderr


async def test_a_flow_that_needs_the_vault_is_not_taken_while_there_is_none(tmp_path, caplog):
    shutil.copytree(FLOWS, tmp_path / "flows", ignore=shutil.ignore_patterns("*.flac"))
    live = LiveFlows(tmp_path / "flows", "city_desk", "move_car_outbound", TypedEars, tmp_path / "kept")
    live.refuses, before = (lambda edition: vault_needs(edition.inbound)), live.current
    path = tmp_path / "flows" / "city_desk.yaml"
    written = path.read_text("utf-8")
    plate = "  seat_trouble: {say: system_trouble, do: confirm_plate, next: {found: seat, not_found: seat, failed: seat}}\n"
    trouble = next(line for line in written.splitlines(keepends=True) if line.startswith("  seat_trouble:"))
    path.write_text(written.replace(trouble, plate), "utf-8")
    with caplog.at_level(logging.ERROR):
        await live.look()
    [told] = [record.fields["problem"] for record in caplog.records if record.message == "flow_not_taken"]
    assert live.current is before and "'confirm_plate' needs the vault, and there is none" in told


async def test_the_doctor_finds_the_vault_and_counts_its_owners(config):
    assert await examine_vault(config) == f"{config.vault_config}, 3000 owners"
    config.vault_config.unlink()
    assert await examine_vault(replace(config, inbound_flow="city_desk")) == "none; the flow city_desk needs none"


@pytest.mark.parametrize("spoil, hint", [
    (lambda folder: (folder / "vault.toml").unlink(), "write it as docs/register.md says"),
    (lambda folder: (folder / "vault.toml").write_text("regster = 'x'"), "regster is not known"),
    (lambda folder: (folder / "owners.key").unlink(), "put the register's key there"),
    (lambda folder: (folder / "owners.reg").unlink(), "ivr owners import"),
    (lambda folder: (folder / "owners.key").write_text("0" * 64), "key"),
])
async def test_the_doctor_says_what_keeps_the_vault_from_starting(spoil, hint, config):
    spoil(config.vault_config.parent)
    with pytest.raises(DialerError, match=hint):
        await examine_vault(config)


def test_the_doctors_finding_says_what_to_write(tmp_path):
    world = settle(tmp_path / "site")
    (world.folder / "vault" / "vault.toml").unlink()
    done = ivr("doctor", "--json", "--config", world.folder / "ivr.toml")
    [wrong] = [finding for finding in json.loads(done.stdout)["findings"] if not finding["ok"]]
    assert done.returncode == 1 and wrong["what"] == "vault" and "docs/register.md" in wrong["mend"]


async def test_a_vault_of_another_user_is_no_failure(config, monkeypatch):
    def denied(self, *_args, **_options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(vault_use.Path, "open", denied)
    assert "may not be read by this user" in await examine_vault(config)


async def test_a_vault_by_itself_is_asked_whether_it_is_there(config, tmp_path):
    apart = replace(config, vault_socket=tmp_path / "v.sock")
    with pytest.raises(RuntimeError, match="start it"):
        await examine_vault(apart)
    with socket.socket(socket.AF_UNIX) as vault:
        vault.bind(str(apart.vault_socket))
        vault.listen()
        assert await examine_vault(apart) == f"one answers on {apart.vault_socket}"
