"""What foreign callers (SIPp) get from a line."""

import asyncio
import socket

import pytest
from conftest import Ear, config, free_port, next_event, next_leg, strength, tone
from sipp import (
    Sipp,
    action,
    dial,
    expect,
    expect_request,
    pause,
    refused,
    request,
    respond,
    sdp,
)

from ivr.sip.config import Limits, Security
from ivr.sip.line import Answered, Dtmf, Ended, Held, Played

BOTH = sdp(8, 96)


@pytest.fixture
def sipp(spawn, tmp_path):
    return Sipp(spawn, tmp_path)


async def passed(process) -> None:
    out, _ = await asyncio.wait_for(process.communicate(), 25)
    assert process.returncode == 0, out.decode(errors="replace")[-3000:]


async def test_a_caller_is_answered_hears_a_prompt_and_hangs_up(line, sipp):
    caller = await sipp.call(
        line.port, *dial(BOTH), expect(200), request("ACK", 1), pause(800),
        request("BYE", 2), expect(200), local_port=free_port(),
    )  # fmt: skip
    leg = await next_leg(line)
    assert (leg.remote, leg.called, leg.headers["X-Test"]) == ("13900000000", "12345", "yes")
    leg.ring()
    leg.answer()
    leg.play(tone(440, 0.2), "short")
    leg.play(tone(440, 5), "long")
    await next_event(leg, Answered)
    assert await next_event(leg, Played) == Played("short", False)
    assert await next_event(leg, Played) == Played("long", True)
    ended = await next_event(leg, Ended)
    assert (ended.code, ended.by) == (200, "remote")
    await passed(caller)


async def test_a_flush_silences_at_once(line, sipp):
    caller = await sipp.call(
        line.port, *dial(BOTH), expect(200), request("ACK", 1), pause(1000),
        request("BYE", 2), expect(200), local_port=free_port(),
    )  # fmt: skip
    leg = await next_leg(line)
    ear = Ear(leg)
    leg.answer()
    leg.play(tone(440, 5), "long")
    await next_event(leg, Answered)
    await asyncio.sleep(0.3)
    leg.flush()
    assert await next_event(leg, Played) == Played("long", True)
    await asyncio.sleep(0.05)
    del ear.sent[:]
    await asyncio.sleep(0.2)
    assert len(ear.sent) >= 5 * 320 and not any(ear.sent)
    await passed(caller)


async def test_speech_and_keys_are_heard_during_a_prompt(line, sipp, tmp_path):
    (tmp_path / "speech.alaw").write_bytes(_alaw_tone(seconds=1))
    caller = await sipp.call(
        line.port, *dial(BOTH), expect(200), request("ACK", 1),
        action('rtp_stream="speech.alaw,1,8"'), pause(1100),
        action('play_dtmf="15"'), pause(1200),
        request("INFO", 2, "Signal=7\nDuration=160\n", "application/dtmf-relay"), expect(200),
        request("BYE", 3), expect(200), local_port=free_port(),
    )  # fmt: skip
    leg = await next_leg(line)
    ear = Ear(leg)
    leg.answer()
    leg.play(tone(440, 5), "prompt")
    keys = [await next_event(leg, Dtmf) for _ in range(3)]
    assert keys == [Dtmf("1", "rfc4733"), Dtmf("5", "rfc4733"), Dtmf("7", "info")]
    heard = bytes(ear.heard)
    assert max(strength(heard[at : at + 3200], 500) for at in range(0, 16000, 3200)) > 0.9
    await passed(caller)


async def test_a_caller_may_give_up_while_it_rings(line, sipp):
    caller = await sipp.call(
        line.port, request("INVITE", 1, BOTH, tagged=False), expect(100), expect(180), pause(200),
        request("CANCEL", 1, tagged=False), expect(200), refused(487), local_port=free_port(),
    )  # fmt: skip
    leg = await next_leg(line)
    leg.ring()
    ended = await next_event(leg, Ended)
    assert (ended.code, ended.by) == (487, "remote")
    leg.answer()  # too late; must do no harm
    await passed(caller)


async def test_the_engine_can_reject_and_hang_up(line, sipp):
    rejected = await sipp.call(
        line.port, *dial(BOTH), refused(480), local_port=free_port()
    )
    leg = await next_leg(line)
    leg.reject(480)
    assert await next_event(leg, Ended) == Ended(480, "Temporarily Unavailable", "local")
    await passed(rejected)
    caller = await sipp.call(
        line.port, *dial(BOTH), expect(200), request("ACK", 1),
        expect_request("BYE"), respond(200, "OK", invite=False), local_port=free_port(),
    )  # fmt: skip
    leg = await next_leg(line)
    leg.answer()
    await next_event(leg, Answered)
    leg.hangup()
    assert (await next_event(leg, Ended)).by == "local"
    await passed(caller)


async def test_hold_and_unhold_are_told_and_pause_the_prompt(line, sipp):
    caller = await sipp.call(
        line.port, *dial(BOTH), expect(200), request("ACK", 1), pause(200),
        request("INVITE", 2, sdp(8, 96, direction="sendonly", version=2)), expect(100, True),
        expect(200), request("ACK", 2), pause(700),
        request("INVITE", 3, sdp(8, 96, version=3)), expect(100, True),
        expect(200), request("ACK", 3), pause(1000),
        request("BYE", 4), expect(200), local_port=free_port(),
    )  # fmt: skip
    leg = await next_leg(line)
    leg.answer()
    leg.play(tone(440, 0.8), "prompt")
    assert await next_event(leg, Held) == Held(True)
    assert await next_event(leg, Held) == Held(False)
    assert await next_event(leg, Played) == Played("prompt", False)
    await next_event(leg, Ended)
    await passed(caller)


async def test_a_caller_cannot_have_another_number_dialled(line, sipp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.setblocking(False)
        target = f"Refer-To: <sip:13900000001@127.0.0.1:{elsewhere.getsockname()[1]}>"
        caller = await sipp.call(
            line.port, *dial(BOTH), expect(200), request("ACK", 1), request("REFER", 2, header=target), expect(403),
            pause(500), request("BYE", 3), expect(200), local_port=free_port(),
        )  # fmt: skip
        leg = await next_leg(line)
        leg.answer()
        ended = await next_event(leg, Ended, 10)
        assert (ended.code, ended.by) == (200, "remote")
        await passed(caller)
        with pytest.raises(BlockingIOError):
            elsewhere.recv(1)


async def test_no_common_codec_is_488(line, sipp):
    caller = await sipp.call(
        line.port, *dial(sdp(18)), refused(488), local_port=free_port()
    )
    await passed(caller)


async def test_garbage_is_ignored_and_the_next_call_works(line, sipp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for junk in (b"", b"\0" * 1200, b"INVITE", b"INVITE sip:x SIP/2.0\r\n\r\n", b"\xff" * 60000,
                     b"INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nContent-Length: -5\r\n\r\n"):
            stranger.sendto(junk, ("127.0.0.1", line.port))  # fmt: skip
    caller = await sipp.call(
        line.port, *dial(BOTH), refused(486), local_port=free_port()
    )
    (await next_leg(line)).reject(486)
    await passed(caller)


@pytest.mark.parametrize(
    ("sender", "remote"),
    [
        (b'"\xff\xfe\xc0" <sip:1390@127.0.0.1>', "1390"),
        (b"<sip:127.0.0.1>", ""),
        (b"<tel:+861390>", "+861390"),
        (b'"\xe7\x8e\x8b" <sip:%23%31@127.0.0.1>', "#%31"),
        (b"<sip:" + b"9" * 300 + b"@127.0.0.1>", "9" * 300),
    ],
)
async def test_odd_senders_still_make_a_leg(line, sender, remote):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        here = peer.getsockname()[1]
        peer.sendto(
            b"INVITE sip:12345@127.0.0.1 SIP/2.0\r\n"
            b"Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKodd\r\n"
            b"From: %s;tag=1\r\nTo: <sip:12345@127.0.0.1>\r\nCall-ID: odd@x\r\nCSeq: 1 INVITE\r\n"
            b"Contact: <sip:x@127.0.0.1:%d>\r\nContent-Length: 0\r\n\r\n" % (here, sender, here),
            ("127.0.0.1", line.port),
        )
        leg = await next_leg(line)
        leg.headers["From"].encode()
        assert leg.remote == remote
        leg.reject(486)
        assert (await next_event(leg, Ended)).code == 486


async def test_a_second_call_is_taken_and_one_beyond_the_limit_is_busy(start_line, sipp):
    line = (await start_line(config(limits=Limits(seat_legs=10)))).line  # leaves one for callers
    first = await sipp.call(
        line.port, *dial(BOTH), expect(200), request("ACK", 1), pause(1200),
        request("BYE", 2), expect(200), local_port=free_port(),
    )  # fmt: skip
    leg = await next_leg(line)
    leg.answer()
    await next_event(leg, Answered)
    second = await sipp.call(
        line.port, *dial(BOTH), refused(486), local_port=free_port()
    )
    await passed(second)
    await passed(first)


async def test_two_calls_at_once_are_two_legs(line, sipp):
    steps = (*dial(BOTH), expect(200), request("ACK", 1), pause(500), request("BYE", 2),
             expect(200))  # fmt: skip
    callers = [await sipp.call(line.port, *steps, local_port=free_port()) for _ in range(2)]
    legs = [await next_leg(line) for _ in callers]
    for leg in legs:
        leg.answer()
    for leg in legs:
        assert (await next_event(leg, Ended)).by == "remote"
    for caller in callers:
        await passed(caller)


async def test_a_stranger_is_forbidden(start_line, sipp):
    guarded = config(security=Security(allowed_peers=("10.0.0.0/8",)))
    line = (await start_line(guarded)).line
    news = asyncio.Queue()
    line.on_notice = lambda *notice: news.put_nowait(notice)
    caller = await sipp.call(
        line.port, *dial(BOTH), refused(403), local_port=free_port()
    )
    await passed(caller)
    kind, text = await asyncio.wait_for(news.get(), 2)
    assert kind == "refused-peer" and "127.0.0.1" in text and not line.legs


async def test_a_flood_of_calls_leaves_the_line_usable(start_line, phone):
    line = (await start_line(config(security=Security(allowed_peers=("10.0.0.0/8",))))).line
    owner = await phone({"mode": "wait", "answer": "busy"})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        flood.bind(("127.0.0.1", 0))
        here = flood.getsockname()[1]
        for number in range(400):
            text = (f"INVITE sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{here};"
                    f"branch=z9hG4bK{number}\r\nFrom: <sip:x@127.0.0.1>;tag={number}\r\n"
                    f"To: <sip:1@127.0.0.1>\r\nCall-ID: {number}@x\r\nCSeq: 1 INVITE\r\n"
                    f"Contact: <sip:x@127.0.0.1:{here}>\r\nContent-Length: 0\r\n\r\n")  # fmt: skip
            flood.sendto(text.encode(), ("127.0.0.1", line.port))
            await asyncio.sleep(0.001)
    leg = await line.dial(f"sip:owner@127.0.0.1:{owner.port}")
    assert (await next_event(leg, Ended)).code == 486


async def test_a_drained_line_says_503_and_when_to_come_again(start_line, sipp):
    line = (await start_line()).line
    line.drain()
    await asyncio.sleep(0.1)
    check = '<recv response="503"><action><ereg regexp=".*10" search_in="hdr" ' \
            'header="Retry-After:" check_it="true" assign_to="1"/></action></recv>' \
            '<Reference variables="1"/>'  # fmt: skip
    caller = await sipp.call(
        line.port, *dial(BOTH), check, request("ACK_REFUSAL", 1), local_port=free_port()
    )
    await passed(caller)


def _alaw_tone(seconds: float) -> bytes:
    """500 Hz: a period is 16 samples at 8 kHz."""
    period = [0, 3, 5.5, 7.3, 8, 7.3, 5.5, 3]
    wave = [level * 1000 for level in period] + [-level * 1000 for level in period]
    return bytes(_alaw(int(level)) for level in wave) * int(8000 * seconds / 16)


def _alaw(sample: int) -> int:
    """ITU-T G.711, table 1a."""
    sign, size = (0x80, sample) if sample >= 0 else (0, -sample - 1)
    exponent = max(0, size.bit_length() - 8)
    mantissa = size >> (exponent + 3 if exponent else 4) & 15
    return (sign | exponent << 4 | mantissa) ^ 0x55
