"""Around a vault: owners' telephones as processes, and waiting for what a leg tells."""

import asyncio
import json
import socket
import sys
from pathlib import Path

from ivr.sip import protocol
from ivr.sip.line import Ended

sys.path.append(str(Path(__file__).resolve().parents[1] / "hotline"))

from gateway_program import gateway_program, write_settings  # noqa: E402, F401

PHONE = Path(protocol.__file__).with_name("phone.py")
PLATE, NUMBER = "赣K12345", "00055512345"
SURE = [(PLATE, 0.95)]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def phone(house, **script):
    path = house.folder / "phone.json"
    path.write_text(json.dumps({"mode": "wait", "port": house.port, **script}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PHONE), "--script", str(path), "--json-events",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async for line in process.stdout:
        if json.loads(line).get("event") == "ready":
            return process
    raise AssertionError("the phone did not start")


async def until(leg, kind, timeout_s=8.0):
    seen = []
    while True:
        event = await asyncio.wait_for(leg.events.get(), timeout_s)
        seen.append(event)
        if isinstance(event, (kind, Ended)):
            return seen


async def stop(process):
    if process.returncode is None:
        process.terminate()
    await process.communicate()


def send_texts_to(house, port, *, same_id=True, more=""):
    """The vault's gateway is the program on this port."""
    path = write_settings(house.folder, port, same_id=same_id, timeout_s=0.4)
    path.write_text(path.read_text("utf-8").replace("(000|1[3-9][0-9])[0-9]{8}", "[0-9]{11}"), "utf-8")
    house.config.write_text(house.config.read_text("utf-8") + f'text_gateway = "gateway.toml"\n{more}', "utf-8")
