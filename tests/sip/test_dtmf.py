"""Keys of a caller, by each way that telephones send them, and by two ways at once."""

import asyncio
import io

import numpy as np
import pytest
import soundfile
from conftest import free_port, next_leg
from sipp import Sipp, action, dial, expect, pause, request, sdp

from ivr.call import HungUp, Key
from ivr.sip_call import SipCall
from ivr.tones import HIGH_HZ, KEYS, LOW_HZ

BOTH = sdp(8, 96)


@pytest.fixture
def sipp(spawn, tmp_path):
    return Sipp(spawn, tmp_path)


def tones(keys, ms=80, pause_ms=80):
    """A-law of keys pressed on an old telephone."""
    sound = [np.zeros(1600)]
    for key in keys:
        row = next(row for row in range(4) if key in KEYS[row])
        t = np.arange(8 * ms) / 8000
        low, high = LOW_HZ[row], HIGH_HZ[KEYS[row].index(key)]
        sound += [np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t), np.zeros(8 * pause_ms)]
    out = io.BytesIO()
    soundfile.write(out, np.concatenate(sound) / 8, 8000, format="RAW", subtype="ALAW")
    return out.getvalue()


async def keys_of(line, sipp, *steps):
    """What a conversation hears of a caller who does these steps and hangs up."""
    caller = await sipp.call(line.port, *dial(BOTH), expect(200), request("ACK", 1), pause(300), *steps,
                             pause(500), request("BYE", 9), expect(200), local_port=free_port())  # fmt: skip
    call = SipCall(await next_leg(line))
    await call.answer()
    pressed = ""
    async with asyncio.timeout(15):
        with pytest.raises(HungUp):
            while True:
                item = await call.next()
                pressed += item.digit if isinstance(item, Key) else ""
    assert await caller.wait() == 0, (await caller.stdout.read()).decode()
    return pressed


def info(number, body, kind):
    return [request("INFO", number, body, kind), expect(200)]


async def test_keys_by_sip_info_in_both_forms(line, sipp):
    steps = [*info(2, "Signal=7\nDuration=160\n", "application/dtmf-relay"),
             *info(3, "5", "application/dtmf"), *info(4, "#", "application/dtmf")]
    assert await keys_of(line, sipp, *steps) == "75#"


async def test_keys_as_tones_in_the_audio(line, sipp, tmp_path):
    (tmp_path / "keys.alaw").write_bytes(tones("1234567890*#"))
    steps = [action('rtp_stream="keys.alaw,1,8"'), pause(2500)]
    assert await keys_of(line, sipp, *steps) == "1234567890*#"


async def test_a_key_that_comes_as_event_and_as_tone_is_one(line, sipp, tmp_path):
    (tmp_path / "keys.alaw").write_bytes(tones("5", ms=120))
    steps = [action('rtp_stream="keys.alaw,1,8"'), action('play_dtmf="5"'), pause(600),
             *info(2, "8", "application/dtmf"), *info(3, "8", "application/dtmf")]
    assert await keys_of(line, sipp, *steps) == "588"
