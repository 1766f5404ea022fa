"""What keeps the vault reachable goes on after the system refuses once."""

import asyncio
import logging

from dialer.vault import supervise
from dialer.vault.client import Vault
from dialer.vault.server import _log_notice
from dialer.vault.supervise import VaultProcess


async def test_a_vault_that_cannot_be_started_now_is_started_later(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(supervise, "_PAUSES_S", (0.0,))
    keeper = VaultProcess(tmp_path / "vault.toml", tmp_path / "v.sock")
    keeper._process = _Process(asyncio.Event())
    keeper._process.over.set()
    refusals = [OSError("no memory"), OSError("no memory")]

    async def launch():
        if refusals:
            raise refusals.pop()
        keeper._process = _Process(asyncio.Event())

    monkeypatch.setattr(keeper, "_launch", launch)
    await _until(keeper._keep_alive(), lambda: keeper.restarts)
    assert keeper.restarts == 1 and caplog.text.count("could not be started: no memory") == 2


async def test_the_line_to_the_vault_is_sought_again(tmp_path, monkeypatch, caplog):
    vault = Vault(tmp_path / "v.sock")
    refusals = [OSError("too many open files")]

    async def connect(*_, **__):
        if refusals:
            raise refusals.pop()
        vault.line.closed.clear()

    monkeypatch.setattr(vault.line, "connect", connect)
    await _until(vault._keep_connected(), lambda: not vault.line.closed.is_set())
    assert "trying again: too many open files" in caplog.text


def test_a_failed_registration_is_a_warning_without_the_trunk_s_words(caplog):
    caplog.set_level(logging.INFO)
    _log_notice("registered", "registered at the trunk")
    assert not caplog.records
    _log_notice("registration-failed", "the trunk says 403 13912345678")
    [record] = caplog.records
    assert record.levelno == logging.WARNING and "registration-failed" in record.getMessage()
    assert "13912345678" not in caplog.text


class _Process:
    returncode = 1

    def __init__(self, over: asyncio.Event) -> None:
        self.over = over

    async def wait(self) -> int:
        await self.over.wait()
        return self.returncode


async def _until(work, done) -> None:
    task = asyncio.create_task(work)
    async with asyncio.timeout(5):
        while not done():
            assert not task.done(), task
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
