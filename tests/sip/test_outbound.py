"""What comes back of calls that the line places."""

import asyncio

import pytest
from conftest import Ear, config, free_port, next_event, tone, write_wav
from sipp import Sipp, expect_request, respond

from ivr.sip.config import Limits, Seat, Security
from ivr.sip.line import Answered, Dtmf, Ended, Held, Ringing


@pytest.mark.parametrize(
    ("answer", "code"), [("busy", 486), ("off", 480), ("decline", 603)]
)
async def test_a_refusal_comes_back_as_its_sip_code(line, phone, answer, code):
    owner = await phone({"mode": "wait", "answer": answer})
    leg = await line.dial(f"sip:owner@127.0.0.1:{owner.port}")
    ended = await next_event(leg, Ended)
    assert (ended.code, ended.by) == (code, "remote")
    assert (await owner.finish())[0] == 0


async def test_a_foreign_404_comes_back(line, spawn, tmp_path):
    port = free_port()
    steps = (expect_request("INVITE"), respond(404, "Not Found"), expect_request("ACK"))
    await Sipp(spawn, tmp_path).wait(*steps, local_port=port)
    await asyncio.sleep(0.3)
    leg = await line.dial(f"sip:owner@127.0.0.1:{port}")
    assert await next_event(leg, Ended) == Ended(404, "Not Found", "remote")


async def test_nobody_answers_and_the_call_is_cancelled(line, phone):
    owner = await phone({"mode": "wait", "answer": "no-answer"})
    leg = await line.dial(f"sip:owner@127.0.0.1:{owner.port}", ring_timeout_s=0.5)
    assert await next_event(leg, Ringing) == Ringing(180, False)
    ended = await next_event(leg, Ended)
    assert (ended.code, ended.by) == (408, "local")
    code, events = await owner.finish()
    assert code == 0 and events[-2]["code"] == 487


async def test_an_announcement_before_the_answer_is_heard(line, phone, tmp_path):
    sound = write_wav(tmp_path / "off.wav", tone(600, 0.5))
    owner = await phone({"mode": "wait", "answer": {"announce": sound, "then": 480}})
    leg = await line.dial(f"sip:owner@127.0.0.1:{owner.port}")
    ear = Ear(leg)
    ended = await next_event(leg, Ended)
    assert ended.code == 480 and sum(map(bool, ear.heard)) > 4000
    assert (await owner.finish())[0] == 0


async def test_an_owner_answers_presses_keys_holds_and_hangs_up(line, phone):
    owner = await phone(
        {"mode": "wait", "answer": {"after_s": 0.2},
         "steps": [{"dtmf": "1"}, {"hold": True}, {"hold": False}, {"hangup": True}]}
    )  # fmt: skip
    leg = await line.dial(f"sip:owner@127.0.0.1:{owner.port}")
    await next_event(leg, Answered)
    assert await next_event(leg, Dtmf) == Dtmf("1", "rfc4733")
    assert await next_event(leg, Held) == Held(True)
    assert await next_event(leg, Held) == Held(False)
    assert (await next_event(leg, Ended)).by == "remote"
    assert (await owner.finish())[0] == 0


async def test_keys_are_sent(line, phone):
    owner = await phone({"mode": "wait", "answer": {"after_s": 0},
                         "steps": [{"wait_hangup": {}}]})  # fmt: skip
    leg = await line.dial(f"sip:owner@127.0.0.1:{owner.port}")
    await next_event(leg, Answered)
    leg.send_dtmf("7#")
    await asyncio.sleep(1)
    leg.hangup()
    _, events = await owner.finish()
    assert [e["digit"] for e in events if e["event"] == "dtmf"] == ["7", "#"]


async def test_a_hangup_while_it_rings_cancels(line, phone):
    owner = await phone({"mode": "wait", "answer": "no-answer"})
    leg = await line.dial(f"sip:owner@127.0.0.1:{owner.port}")
    await next_event(leg, Ringing)
    leg.hangup()
    ended = await next_event(leg, Ended)
    assert (ended.code, ended.by) == (487, "local")
    assert (await owner.finish())[0] == 0


async def test_what_cannot_be_dialled_is_said_without_repeating_it(line):
    for target in ("13912345678", "sip:a b@c", "seat:nobody", "<script>", ""):
        leg = await line.dial(target)
        ended = await next_event(leg, Ended)
        assert (ended.code, ended.by) == (484, "local")
        assert "139" not in ended.reason
    with pytest.raises(ValueError, match="not allowed"):
        await line.dial("sip:a@127.0.0.1", headers={"X-A": "1\r\nX-B: 2"})


async def test_a_seat_can_be_called_when_callers_fill_the_line(start_line, phone):
    seat = await phone({"mode": "wait", "answer": {"after_s": 0}, "steps": [{"wait_hangup": {}}]})
    seats = (Seat("li", f"sip:li@127.0.0.1:{seat.port}"),)
    supervisor = await start_line(config(seats=seats, limits=Limits(seat_legs=10)))
    line = supervisor.line
    other = await phone({"mode": "wait", "answer": "no-answer"})
    first = await line.dial(f"sip:x@127.0.0.1:{other.port}")
    full = await line.dial(f"sip:y@127.0.0.1:{other.port}")
    assert (await next_event(full, Ended)).code == 503
    leg = await line.dial("seat:li")
    await next_event(leg, Answered)
    leg.hangup()
    first.hangup()
    assert (await seat.finish())[0] == 0


async def test_a_masked_worker_says_nothing_of_the_peer(start_line, spawn, tmp_path):
    line = (await start_line(config(security=Security(mask_remote=True)))).line
    port = free_port()
    steps = (expect_request("INVITE"), respond(480, "13912345678 is off"), expect_request("ACK"))
    await Sipp(spawn, tmp_path).wait(*steps, local_port=port)
    await asyncio.sleep(0.3)
    leg = await line.dial(f"sip:13912345678@127.0.0.1:{port}")
    assert await next_event(leg, Ended) == Ended(480, "Temporarily Unavailable", "remote")
    assert leg.remote == leg.called == ""
