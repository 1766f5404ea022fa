"""Real SIP on loopback: lines on free ports, and foreign phones that are ended with the test."""

import asyncio
import json
import math
import socket
import sys
from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.sip.config import Limits, Media, SipConfig, Transport
from ivr.sip.line import Ended
from ivr.sip.supervisor import Supervisor
from tts import audio

PHONE = Path(__file__).resolve().parents[2] / "ivr/sip/phone.py"


def tone(hz: int, seconds: float, level: int = 8000) -> bytes:
    turn = 2 * math.pi * hz / 8000
    samples = (int(level * math.sin(turn * i)) for i in range(int(8000 * seconds)))
    return array("h", samples).tobytes()


def strength(pcm: bytes, hz: int) -> float:
    """How much of ``pcm`` is this tone, 0 to about 1 (Goertzel)."""
    samples = array("h", pcm)
    turn = 2 * math.pi * hz / 8000
    real = sum(s * math.cos(turn * i) for i, s in enumerate(samples))
    imaginary = sum(s * math.sin(turn * i) for i, s in enumerate(samples))
    energy = sum(s * s for s in samples) or 1
    return 2 * (real * real + imaginary * imaginary) / (energy * len(samples))


def write_wav(path: Path, pcm: bytes) -> str:
    audio.write_file(path, pcm)
    return str(path)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def config(**parts) -> SipConfig:
    first = 20000 + free_port() % 20000 // 2 * 2  # a worker of another test may still close
    plain = SipConfig(
        transport=Transport(bind="127.0.0.1", port=0),
        media=Media(rtp_range=(first, first + 400)),
        limits=Limits(seat_legs=0),
    )
    return replace(plain, **parts)


@pytest.fixture
async def start_line():
    """``await start_line(config)`` gives a started Supervisor; it is stopped after the test."""
    running = []

    async def start(wanted: SipConfig | None = None) -> Supervisor:
        supervisor = Supervisor(wanted or config())
        await supervisor.start()
        running.append(supervisor)
        return supervisor

    yield start
    for supervisor in running:
        await supervisor.stop()


@pytest.fixture
async def line(start_line):
    return (await start_line()).line


@pytest.fixture
async def spawn():
    """``await spawn(*argv)`` starts a program; what still runs after the test is killed."""
    running = []

    async def start(*argv: str, **options) -> asyncio.subprocess.Process:
        options = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT} | options
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, **options
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def phone(spawn, tmp_path):
    """``await phone(script)`` starts the scripted phone and returns it when it is ready."""

    async def start(script: dict) -> "PhoneProcess":
        number = len(list(tmp_path.glob("phone*.json")))
        path, record = tmp_path / f"phone{number}.json", tmp_path / f"phone{number}.wav"
        path.write_text(json.dumps(script))
        process = await spawn(
            sys.executable, str(PHONE), "--script", str(path), "--record", str(record),
            "--json-events",
        )  # fmt: skip
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 5))
        return PhoneProcess(process, record, ready.get("port", 0))

    return start


class PhoneProcess:
    def __init__(self, process, record: Path, port: int) -> None:
        self.process, self.record, self.port = process, record, port

    async def finish(self, timeout_s: float = 20) -> tuple[int, list[dict]]:
        """Its exit code and events."""
        out, _ = await asyncio.wait_for(self.process.communicate(), timeout_s)
        return self.process.returncode, [json.loads(text) for text in out.splitlines()]


async def next_event(leg, kind: type, timeout_s: float = 5):
    """The leg's next event of ``kind``; others before it are skipped."""
    async with asyncio.timeout(timeout_s):
        while True:
            event = await leg.events.get()
            if isinstance(event, kind):
                return event
            assert not isinstance(event, Ended), event


async def next_leg(line, timeout_s: float = 5):
    return await asyncio.wait_for(anext(line.incoming()), timeout_s)


class Ear:
    """Collects a leg's frames."""

    def __init__(self, leg) -> None:
        self.heard = bytearray()
        self.sent = bytearray()
        leg.on_frame = self._take

    def _take(self, received: bytes, sent: bytes) -> None:
        self.heard += received
        self.sent += sent
