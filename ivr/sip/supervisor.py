"""Keeps a SIP worker process alive behind one `Line`."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ivr.sip.config import SipConfig
from ivr.sip.line import Line, LineError

log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_STOP_S = 4.0  # a worker needs up to 2 s for its goodbyes
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)  # before restarts in a row; the last one repeats
_STABLE_S = 10.0  # a worker that lived so long starts the pauses anew


class Supervisor:
    """Starts worker ``index`` of a configuration, and again whenever it dies.

    ``line`` stays the same across restarts; the legs of a lost worker end with
    ``by="worker-lost"``. ``restarts`` counts them. The worker serves ``socket``, or one in a
    temporary folder. Usable as ``async with Supervisor(config) as line``.
    """

    def __init__(
        self, config: SipConfig, socket: Path | None = None, *, index: int = 0, name: str = ""
    ) -> None:
        self.line = Line(name or f"sip{index}")
        self.restarts = 0
        self._config = config.for_worker(index)
        self._socket = socket
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False

    async def __aenter__(self) -> Line:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The worker's process id; 0 while there is none."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive else 0

    async def start(self) -> Line:
        """Start the worker and wait until it takes calls.

        Raises:
            PortTaken: the SIP port is in use; the message says which and what to do. A command
                line should print it and exit with 2.
            WorkerFailed, LineDown: it cannot run, or said nothing in time.
        """
        if self._socket is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ivr-sip-")
            self._socket = Path(self._folder.name) / "worker.sock"
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        try:
            await self._launch()
        except LineError:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._keep_alive(), name=f"{self.line.name}-supervisor")
        return self.line

    async def stop(self) -> None:
        """End all calls (BYE) and the worker."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
        self.line.shut_down_worker()
        if self.pid:
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self.line.close()
        if self._folder is not None:
            self._folder.cleanup()

    async def drain(self, timeout_s: float = 600.0) -> None:
        """Take no new calls, wait for those in progress (at most ``timeout_s``), then stop."""
        self.line.drain()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self.line.legs and loop.time() < deadline:
            await asyncio.sleep(0.1)
        await self.stop()

    async def _launch(self) -> None:
        # A file left by a killed worker must not be taken for the new one's.
        self._socket.unlink(missing_ok=True)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(
            filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))}  # fmt: skip
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ivr.sip.worker", "--config", "-", "--socket", str(self._socket),
            stdin=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C in a terminal is for the engine to handle
        )  # fmt: skip
        # On standard input, because arguments and files could be read by others.
        self._process.stdin.write(self._config.to_json().encode())
        self._process.stdin.close()
        await self.line.connect(self._socket)
        if self._config.transport.port == 0:  # a restart must come back where peers look for it
            self._config = self._config.with_port(self.line.port)

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            await self._process.wait()
            await self.line.closed.wait()
            if self._stopping:
                return
            failures = 0 if loop.time() - started > _STABLE_S else failures
            while not await self._relaunch(failures):
                failures += 1
            failures += 1

    async def _relaunch(self, failures: int) -> bool:
        await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
        log.warning("%s: the SIP worker ended (%s); starting it again",
                    self.line.name, self._process.returncode)  # fmt: skip
        try:
            await self._launch()
        except (LineError, OSError) as error:
            log.error("%s: %s", self.line.name, error)
            await self._reap()
            return False
        self.restarts += 1
        return True

    async def _reap(self) -> None:
        if self.pid:
            self._process.kill()
        await self._process.wait()
