"""Worker processes come, die and go without leaving calls or processes behind."""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from conftest import config, next_event, next_leg

from ivr.sip.config import Seat
from ivr.sip.line import Answered, Ended, Line, LineDown, PortTaken, WorkerFailed
from ivr.sip.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]


async def _call(line, phone):
    """A caller's phone in a call with ``line``."""
    caller = await phone({"mode": "call", "uri": f"sip:12345@127.0.0.1:{line.port}",
                          "steps": [{"wait_hangup": {"timeout_s": 10}}]})  # fmt: skip
    leg = await next_leg(line)
    leg.answer()
    await next_event(leg, Answered)
    return caller, leg


async def test_a_killed_worker_is_back_in_two_seconds_and_takes_the_next_call(start_line, phone):
    supervisor = await start_line()
    line, port = supervisor.line, supervisor.line.port
    caller, leg = await _call(line, phone)
    killed = time.monotonic()
    os.kill(supervisor.pid, signal.SIGKILL)
    assert (await next_event(leg, Ended)).by == "worker-lost"
    leg.play(b"\0" * 320, "too late")  # harmless
    caller.process.terminate()
    _, again = await _call(line, phone)
    assert time.monotonic() - killed < 2 and line.port == port
    again.hangup()
    assert (await next_event(again, Ended)).by == "local"
    assert supervisor.restarts == 1


async def test_a_worker_whose_engine_goes_away_says_bye_and_ends(spawn, phone, tmp_path):
    worker, line = await _bare_worker(spawn, tmp_path)
    caller, leg = await _call(line, phone)
    line.close()
    assert await asyncio.wait_for(worker.wait(), 4) == 0
    code, events = await caller.finish()
    assert code == 0 and leg.ended.by == "worker-lost"


async def test_sigterm_ends_calls_politely(spawn, phone, tmp_path):
    worker, line = await _bare_worker(spawn, tmp_path)
    caller, leg = await _call(line, phone)
    worker.terminate()
    assert await asyncio.wait_for(worker.wait(), 4) == 0
    assert (await caller.finish())[0] == 0
    assert leg.ended.by == "local"


async def test_draining_lets_the_call_in_progress_finish(start_line, phone):
    supervisor = await start_line()
    caller, leg = await _call(supervisor.line, phone)
    draining = asyncio.create_task(supervisor.drain())
    await asyncio.sleep(0.3)
    assert not draining.done()
    refused = await phone({"mode": "call", "uri": f"sip:1@127.0.0.1:{supervisor.line.port}",
                           "expect_code": 503})  # fmt: skip
    assert (await refused.finish())[0] == 0
    leg.hangup()
    await asyncio.wait_for(draining, 5)
    assert supervisor.pid == 0 and (await caller.finish())[0] == 0


async def test_while_draining_only_seats_are_called_even_after_a_restart(start_line, phone):
    seat = await phone({"mode": "wait", "answer": {"after_s": 0}, "steps": [{"wait_hangup": {}}]})
    seats = (Seat("anna", f"sip:anna@127.0.0.1:{seat.port}"),)
    supervisor = await start_line(config(seats=seats))
    line = supervisor.line
    line.drain()
    os.kill(supervisor.pid, signal.SIGKILL)
    await line.closed.wait()
    refused = await line.dial(f"sip:anna@127.0.0.1:{seat.port}")
    assert await next_event(refused, Ended) == Ended(503, "the line takes no new calls", "local")
    leg = await line.dial("seat:anna")
    await next_event(leg, Answered)
    leg.hangup()
    assert (await seat.finish())[0] == 0


async def test_a_taken_port_is_named(start_line):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is in use .*: stop .* or set another"):
            await Supervisor(config().with_port(port)).start()


async def test_the_command_line_says_why_and_exits_with_2(spawn, tmp_path):
    conf = tmp_path / "sip.conf"
    conf.write_text("[media]\ncodecs = opus\n")
    worker = await _spawn_worker(spawn, str(conf), tmp_path / "s")
    with pytest.raises(WorkerFailed, match="sip.conf:2: codecs = opus is not right"):
        await Line().connect(tmp_path / "s")
    out, _ = await worker.communicate()
    assert worker.returncode == 2 and b"sip.conf:2" in out


async def test_a_line_without_a_worker_says_so(tmp_path):
    with pytest.raises(LineDown, match="nobody serves"):
        await Line().connect(tmp_path / "none", timeout_s=0.1)


async def _bare_worker(spawn, folder: Path):
    worker = await _spawn_worker(spawn, config().to_json(), folder / "s")
    line = Line()
    await line.connect(folder / "s")
    assert line.capacity >= 1
    return worker, line


async def _spawn_worker(spawn, settings: str, path: Path):
    return await spawn(
        sys.executable, "-m", "ivr.sip.worker", "--config", settings, "--socket", str(path),
        cwd=str(ROOT),
    )  # fmt: skip
