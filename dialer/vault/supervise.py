"""Runs the vault as a child process and starts it again when it dies."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dialer.errors import VaultFailed, VaultUnavailable
from dialer.vault.client import Vault

log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)
_STABLE_S = 10.0
_STOP_S = 6.0
_START_S = 15.0


@asynccontextmanager
async def vault_elsewhere(socket: Path) -> AsyncIterator[Vault]:
    """A vault that somebody else runs on `socket`, as its own user.

    Raises:
        VaultFailed: none serves the socket, or it may not be used.
    """
    vault = Vault(socket)
    try:
        await vault.connect(timeout_s=_START_S)
    except (VaultUnavailable, OSError):
        raise VaultFailed(f"no vault can be reached on {socket}: start it (ivr vault), and set its socket_group "
                          "to a group that this user is in") from None
    try:
        yield vault
    finally:
        await vault.close()


@asynccontextmanager
async def no_vault(socket: Path) -> AsyncIterator[Vault]:
    """For a service that looks up no plates: whoever asks is answered as where the vault is down."""
    vault = Vault(socket)
    try:
        yield vault
    finally:
        await vault.close()


class VaultProcess:
    """`async with VaultProcess(config, socket) as vault`: the vault runs, and `vault` reaches it.

    `restarts` counts how often it had to be started again. The child ends with this process.
    """

    def __init__(self, config: Path, socket: Path) -> None:
        self.vault = Vault(socket)
        self.restarts = 0
        self._config, self._socket = config, socket
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=3)

    @property
    def pid(self) -> int:
        """The vault's process id; 0 while there is none."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive else 0

    async def __aenter__(self) -> Vault:
        """Start the vault.

        Raises:
            VaultFailed: it cannot run; the message is the vault's own.
        """
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        for stale in self._socket.parent.glob(self._socket.name + "*"):
            stale.unlink()
        await self._launch()
        connected = asyncio.create_task(self.vault.connect(timeout_s=_START_S))
        ended = asyncio.create_task(self._process.wait())
        await asyncio.wait({connected, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done() or connected.exception():
            connected.cancel()
            await asyncio.gather(connected, return_exceptions=True)
            await self._end()
            raise VaultFailed(" ".join(self._said) or "the vault does not start: see its log") from None
        ended.cancel()
        self._watch = asyncio.create_task(self._keep_alive(), name="vault-supervisor")
        return self.vault

    async def __aexit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self.vault.close()
        await self._end()

    async def _launch(self) -> None:
        paths = filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "dialer.vault", "--config", str(self._config),
            "--socket", str(self._socket), "--until-stdin-closes",
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # Ctrl-C in a terminal is for the engine to handle
        )  # fmt: skip
        self._reading = asyncio.create_task(self._pass_on(self._process.stderr))

    async def _pass_on(self, stderr: asyncio.StreamReader) -> None:
        while line := await stderr.readline():
            text = line.decode(errors="replace").rstrip().removeprefix("vault: ")
            self._said.append(text)
            log.warning("vault: %s", text)

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            code = await self._process.wait()
            failures = 0 if loop.time() - started > _STABLE_S else failures + 1
            log.error("the vault ended (%s): starting it again", code)
            while not await self._relaunch(failures):
                failures += 1
            self.restarts += 1

    async def _relaunch(self, failures: int) -> bool:
        await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
        try:
            await self._launch()
        except OSError as error:  # no process or no memory to be had now
            log.error("the vault could not be started: %s", error)
            return False
        return True

    async def _end(self) -> None:
        if self.pid:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_S)
            except TimeoutError:
                self._process.kill()
        await self._process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)


__all__ = ["VaultProcess", "VaultUnavailable"]
