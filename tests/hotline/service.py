"""`ivr` as a program: its one-shot commands, and the service with settings of its own."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from house import BREATH_S, FLOWS, TestPhone, eventually, phone
from voices import PLATE, Words

from hotline.demo.people import YES
from hotline.demo.world import World, build_world

ROOT = Path(__file__).resolve().parents[2]
IVR = [sys.executable, "-m", "hotline"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
IVR_TOML = """\
[engine]
data = "data"
flows = "{flows}"
inbound_flow = "{inbound_flow}"
finish_calls_s = {finish_calls_s}
[sip]
config = "sip.conf"
[vault]
config = "vault/vault.toml"
[seats]
ring_s = 10
[owners]
ring_s = {ring_s}
attempts = {attempts}
no_answer_wait_s = 5
busy_wait_s = 5
"""


def ivr(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run([*IVR, *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, timeout=90)


def settle(folder: Path, *, flows: Path = FLOWS, inbound_flow: str = "move_car_inbound", finish_calls_s: int = 10,
           attempts: int = 1, ring_s: int = 10) -> World:
    """Settings of a service of its own in `folder`: ivr.toml, sip.conf, vault.toml, a sealed register."""
    world = build_world(folder, FLOWS, PLATE, owner_ring_s=10)
    (folder / "ivr.toml").write_text(
        IVR_TOML.format(flows=flows, inbound_flow=inbound_flow, finish_calls_s=finish_calls_s, attempts=attempts,
                        ring_s=ring_s), encoding="utf-8")
    return world


class Service:
    """A running `ivr serve`; its output goes to files beside its settings."""

    def __init__(self, world: World):
        self.world, self.folder = world, world.folder
        self._out = (self.folder.parent / f"{self.folder.name}.out").open("ab")
        self._err = (self.folder.parent / f"{self.folder.name}.err").open("ab")
        self.process = subprocess.Popen(
            [*IVR, "serve", "--config", str(self.folder / "ivr.toml")], env=ENVIRONMENT,
            stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err)

    @property
    def stdout(self) -> str:
        return Path(self._out.name).read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        return Path(self._err.name).read_text(encoding="utf-8")

    @property
    def lines(self) -> list[dict]:
        """What it logged so far; the last line may still be on its way."""
        return [json.loads(line) for line in self.stderr.splitlines(keepends=True) if line.endswith("\n")]

    async def logged(self, event: str, **fields) -> dict:
        wanted = {"event": event} | fields
        return await eventually(lambda: next((line for line in self.lines if wanted.items() <= line.items()), None), 120)

    async def exited(self) -> int:
        await eventually(lambda: self.process.poll() is not None)
        return self.process.returncode

    @asynccontextmanager
    async def call(self, caller: str):
        """A caller's phone with its call up, and the case's number."""
        script = {"mode": "call", "uri": self.world.hotline_uri, "user": caller, "expect_code": 200, "steps": [{"obey": {}}]}
        known = {line.get("case") for line in self.lines}
        async with phone(script, self.folder.parent / "phones" / f"{caller}.wav") as callers_phone:
            await callers_phone.wait("answered")
            line = await eventually(lambda: next(
                (line for line in self.lines if line["event"] == "answered" and line["case"] not in known), None))
            yield callers_phone, line["case"]

    def story(self, case_id: str) -> dict:
        """The case as `ivr case show --json` tells it."""
        return json.loads(ivr("case", "show", case_id, "--config", self.folder / "ivr.toml", "--json").stdout)


@asynccontextmanager
async def serving(world: World):
    """A service that takes calls; killed at the end if it still runs."""
    service = Service(world)
    try:
        await eventually(lambda: service.process.poll() is not None or '"ready"' in service.stderr, 120)
        assert service.process.poll() is None, service.stderr
        yield service
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()


async def ask_for_the_car(words: Words, service: Service, caller: TestPhone) -> None:
    """The caller says the plate and yes: its owner is to be called."""
    await service.logged("said", prompt="welcome")
    await asyncio.sleep(BREATH_S)
    await caller.say(words[PLATE])
    said = await service.logged("said", prompt="readback")
    await asyncio.sleep(said.get("ms", 4000) / 1000 + BREATH_S)
    await caller.say(words[YES])


def owners_phone(world: World, folder: Path, *answers: object):
    """The phone of the plate's owner, that ends its calls one after the other as `answers` say."""
    script = {"mode": "wait", "port": world.owner_port, "answer": list(answers), "wait_timeout_s": 200,
              "steps": [{"obey": {}}]}
    return phone(script, folder / "phones" / "owner.wav")
