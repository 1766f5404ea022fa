"""A telephone of the demo: a softphone in a process of its own that does what it is told.

The process (`ivr/sip/phone.py`) is a plain SIP user agent: it plays files, records what it
hears, and reports when the other side speaks and falls silent. It knows nothing of the engine.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[2] / "ivr" / "sip" / "phone.py"


class Phone:
    """One softphone process. Use as an async context; left, the process has ended."""

    def __init__(self, name: str, script: dict[str, Any], recording: Path):
        self.name, self._script, self._recording = name, script, recording
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Phone":
        self._recording.parent.mkdir(parents=True, exist_ok=True)
        script = self._recording.with_suffix(".json")
        script.write_text(json.dumps(self._script), encoding="utf-8")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), "--script", str(script), "--record", str(self._recording), "--json-events",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 3)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What the phone reports, until its process ends."""
        while line := await self._process.stdout.readline():
            yield json.loads(line)

    async def say(self, wav: Path) -> None:
        """Speak a recording into the phone."""
        await self._command(play=str(wav))

    async def hang_up(self) -> None:
        await self._command(hangup={})

    async def _command(self, **command: Any) -> None:
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            pass  # the phone has hung up meanwhile, as phones do
