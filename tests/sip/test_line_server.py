"""A line proxied as the vault does it: tokens in, no numbers out."""

import asyncio

import pytest
from conftest import Ear, config, next_event, strength, tone, write_wav

from ivr.sip.config import Security
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
    code, events = await owner.finish(5)
    assert events[-2]["event"] == "ended"
