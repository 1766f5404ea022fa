"""A line proxied as the vault does it: tokens in, no numbers out."""

import asyncio

import pytest
from conftest import Ear, config, next_event, strength, tone, write_wav

from ivr.sip.config import Security
from ivr.sip.leg import Leg
from ivr.sip.line import Answered, Ended, Line, Played
from ivr.sip.line_server import DialRefused, LineServer


@pytest.fixture
async def proxied(start_line, phone, tmp_path):
    """(the engine's Line, the owner's phone) with a vault between."""
    own = (await start_line(config(security=Security(mask_remote=True)))).line
    sound = write_wav(tmp_path / "owner.wav", tone(500, 1))
    owner = await phone({"mode": "wait", "answer": {"after_s": 0}, "say_on_answer": sound,
                         "steps": [{"wait_hangup": {}}]})  # fmt: skip

    async def on_dial(token, ring_timeout_s, headers):
        if token != "good":
            raise DialRefused(404, "the token is not known")
        return await own.dial(
            f"sip:13912345678@127.0.0.1:{owner.port}", ring_timeout_s=ring_timeout_s
        )

    server = LineServer(tmp_path / "vault", own.capacity, on_dial)
    await server.start()
    line = Line("vault")
    await line.connect(tmp_path / "vault")
    yield line, owner
    line.close()
    await server.stop()


async def test_a_token_reaches_the_owner_and_audio_comes_back(proxied):
    line, owner = proxied
    leg = await line.dial("good")
    ear = Ear(leg)
    await next_event(leg, Answered)
    leg.play(tone(700, 0.4), "request")
    assert await next_event(leg, Played) == Played("request", False)
    await asyncio.sleep(0.5)
    assert strength(bytes(ear.heard[6400:9600]), 500) > 0.9
    assert leg.remote == leg.called == ""
    leg.hangup()
    assert (await next_event(leg, Ended)).by == "local"
    assert (await owner.finish())[0] == 0


async def test_an_unknown_token_is_refused(proxied):
    line, _ = proxied
    leg = await line.dial("bad")
    assert await next_event(leg, Ended) == Ended(404, "the token is not known", "local")


async def test_the_owner_is_hung_up_when_the_engine_goes_away(proxied):
    line, owner = proxied
    leg = await line.dial("good")
    await next_event(leg, Answered)
    line.close()
    assert (await next_event(leg, Ended)).by == "worker-lost"
    _, events = await owner.finish(5)
    assert "ended" in [event["event"] for event in events]


@pytest.fixture
async def slow_server(tmp_path):
    """(the engine's Line, server): ``on_dial`` waits for ``server.go`` before it gives a leg."""
    owners = Line("owners")

    async def on_dial(token, ring_timeout_s, headers):
        if token == "bad":
            raise RuntimeError("13912345678 is the number")
        server.begun.set()
        await server.go.wait()
        server.given.append(Leg(owners, 2, "out"))
        return server.given[0]

    server = LineServer(tmp_path / "vault", 4, on_dial)
    server.begun, server.go, server.given, server.told = asyncio.Event(), asyncio.Event(), [], []
    server.on_event = lambda token, leg, event: server.told.append((token, leg, event))
    await server.start()
    line = Line("vault")
    await line.connect(tmp_path / "vault")
    yield line, server
    line.close()
    await server.stop()


async def test_a_hangup_before_there_is_a_leg_stops_the_dialling(slow_server):
    line, server = slow_server
    leg = await line.dial("good")
    await server.begun.wait()
    leg.hangup()
    assert await next_event(leg, Ended) == Ended(487, "", "local")
    server.go.set()
    await asyncio.sleep(0.05)
    assert server.given == []


async def test_the_end_of_every_leg_is_told_when_the_engine_goes_away(slow_server):
    line, server = slow_server
    server.go.set()
    await line.dial("good")
    await asyncio.sleep(0.05)
    line.close()
    await asyncio.sleep(0.05)
    assert server.told == [("good", server.given[0], Ended(487, "", "local"))]


async def test_a_fault_in_dialling_is_logged_without_its_text(slow_server, caplog):
    line, _ = slow_server
    leg = await line.dial("bad")
    assert (await next_event(leg, Ended)).code == 500
    assert "RuntimeError" in caplog.text and "13912345678" not in caplog.text
