"""The gateway of the tests: a real HTTP server in a process of its own."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from dialer.texting.settings import load_gateway
from hotline.demo.gateway import SETTINGS, TOKEN


class Program:
    """A running gateway: how it is told to behave, and what it delivered."""

    def __init__(self, port: int):
        self.port = port

    async def behave(self, *how: object) -> None:
        async with aiohttp.ClientSession() as session, session.post(self._url("behave"), json=list(how)):
            pass

    async def told(self) -> dict:
        async with aiohttp.ClientSession() as session, session.get(self._url("texts")) as reply:
            return await reply.json()

    async def delivered(self) -> list[dict]:
        return (await self.told())["delivered"]

    def settings(self, folder: Path, *, same_id: bool = True, timeout_s: float = 2.0):
        return load_gateway(write_settings(folder, self.port, same_id=same_id, timeout_s=timeout_s))

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


def write_settings(folder: Path, port: int, *, same_id: bool = True, timeout_s: float = 2.0) -> Path:
    key = folder / "gateway.key"
    key.write_text(TOKEN)
    key.chmod(0o600)
    path = folder / "gateway.toml"
    path.write_text(SETTINGS.format(port=port, timeout_s=timeout_s, same_id=str(same_id).lower()), encoding="utf-8")
    return path


@asynccontextmanager
async def gateway_program(port: int = 0):
    """A gateway that runs meanwhile."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hotline.demo.gateway", "--port", str(port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    try:
        ready = json.loads(await process.stdout.readline())
        draining = asyncio.create_task(process.stdout.read())
        yield Program(ready["port"])
    finally:
        process.stdin.close()
        await process.wait()
        await draining
