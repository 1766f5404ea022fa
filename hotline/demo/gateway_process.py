"""The demo's text gateway: a provider's server in a process of its own, and the settings that lead to it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hotline.demo.gateway import SETTINGS, TOKEN
from hotline.demo.world import World


class GatewayProcess:
    """A gateway that runs meanwhile. Use as an async context. `told` gets each text that it delivers."""

    def __init__(self, told: Callable[[dict[str, str]], None]):
        self._told = told
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.port = 0

    async def __aenter__(self) -> "GatewayProcess":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hotline.demo.gateway", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[2], start_new_session=True)
        self.port = json.loads(await self._process.stdout.readline())["port"]
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.stdin.close()
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        while line := await self._process.stdout.readline():
            self._told(json.loads(line))


def connected(world: World, gateway_port: int, caller_port: int, **settings) -> World:
    """The same world with texts by this gateway, and callers who are rung at this port."""
    key = world.folder / "gateway.key"
    key.write_text(TOKEN, encoding="utf-8")
    key.chmod(0o600)
    path = world.folder / "gateway.toml"
    path.write_text(SETTINGS.format(port=gateway_port, timeout_s=5.0, same_id="true"), encoding="utf-8")
    vault = world.config.vault_config
    vault.write_text(vault.read_text(encoding="utf-8") + f'text_gateway = "{path}"\n', encoding="utf-8")
    config = replace(world.config, text_gateway=path, call_back_dial=f"sip:{{number}}@127.0.0.1:{caller_port}", **settings)
    return replace(world, config=config)
