"""Audio: soon, without gaps, both ways, with foreign programs at the other end."""

import asyncio
import json
import sys
import time
from pathlib import Path

from conftest import Ear, free_port, next_event, next_leg, strength, tone, write_wav

from ivr.sip.line import Answered, Ended, Played

PEER = Path(__file__).with_name("rtp_peer.py")


async def test_the_first_audio_comes_soon_after_the_200(line, spawn):
    caller = await spawn(sys.executable, str(PEER), str(line.port), "1")
    leg = await next_leg(line)
    leg.answer()
    leg.play(tone(440, 1), "hello")
    out, _ = await caller.communicate()
    assert json.loads(out)["first_audio_ms"] <= 500


async def test_a_busy_engine_leaves_no_gap_at_the_peer(line, spawn, tmp_path):
    caller = await spawn(sys.executable, str(PEER), str(line.port), "3")
    leg = await next_leg(line)
    leg.answer()
    leg.play(tone(440, 4), "long")
    await next_event(leg, Answered)
    rows = [{"plate": "A12345", "number": n, "words": ["x"] * 20} for n in range(40000)]
    until = time.monotonic() + 2
    while time.monotonic() < until:  # blocks the whole engine, on purpose
        (tmp_path / "big.json").write_text(json.dumps(rows))
    assert (tmp_path / "big.json").stat().st_size > 5_000_000
    out, _ = await caller.communicate()
    figures = json.loads(out)
    assert figures["longest_gap_ms"] <= 60 and figures["packets"] >= 140, figures


async def test_baresip_calls_and_is_heard(line, spawn, tmp_path):
    _baresip(tmp_path, free_port(), write_wav(tmp_path / "in.wav", tone(500, 10)))
    caller = await spawn(
        "baresip", "-f", str(tmp_path), "-t", "3", "-e", f"/dial sip:12345@127.0.0.1:{line.port}"
    )
    leg = await next_leg(line)
    ear = Ear(leg)
    leg.answer()
    leg.play(tone(440, 0.3), "hello")
    assert await next_event(leg, Played) == Played("hello", False)
    await next_event(leg, Ended, 8)
    await caller.wait()
    assert leg.remote == "bob"
    assert _best(bytes(ear.heard), 500) > 0.9


async def test_baresip_answers_and_is_heard(line, spawn, tmp_path):
    _baresip(tmp_path, port := free_port(), write_wav(tmp_path / "in.wav", tone(500, 10)))
    await spawn("baresip", "-f", str(tmp_path), "-t", "8")
    await asyncio.sleep(0.7)
    leg = await line.dial(f"sip:bob@127.0.0.1:{port}", ring_timeout_s=3)
    ear = Ear(leg)
    await next_event(leg, Answered)
    await asyncio.sleep(1)
    leg.hangup()
    assert (await next_event(leg, Ended)).by == "local"
    assert _best(bytes(ear.heard), 500) > 0.9


async def test_bridged_legs_hear_each_other_and_the_frames_tell_it(line, phone, tmp_path):
    legs, ears, phones = [], [], []
    for number, hz in enumerate((500, 700)):
        sound = write_wav(tmp_path / f"{hz}.wav", tone(hz, 6))
        phones.append(await phone({"mode": "wait", "port": 0, "answer": {"after_s": 0},
                                   "steps": [{"play": {"file": sound, "background": True}},
                                             {"wait_hangup": {}}]}))  # fmt: skip
        legs.append(await line.dial(f"sip:p{number}@127.0.0.1:{phones[-1].port}"))
        ears.append(Ear(legs[-1]))
        await next_event(legs[-1], Answered)
    legs[0].bridge(legs[1])
    await asyncio.sleep(1)
    legs[0].unbridge()
    assert _best(bytes(ears[0].sent), 700) > 0.9 and _best(bytes(ears[1].sent), 500) > 0.9
    await asyncio.sleep(0.1)
    del ears[0].sent[:]
    await asyncio.sleep(0.3)
    assert ears[0].sent and not any(ears[0].sent)
    for leg in legs:
        leg.hangup()
    for number, hz in enumerate((700, 500)):
        code, _ = await phones[number].finish()
        heard = phones[number].record.read_bytes()[44:]
        left = b"".join(heard[at : at + 2] for at in range(0, len(heard), 4))
        assert code == 0 and _best(left, hz) > 0.9


def _best(pcm: bytes, hz: int) -> float:
    return max(strength(pcm[at : at + 3200], hz) for at in range(0, max(1, len(pcm) - 3200), 1600))


def _baresip(folder: Path, port: int, sound: str) -> None:
    (folder / "accounts").write_text(
        "<sip:bob@127.0.0.1>;regint=0;answermode=auto;audio_codecs=PCMA\n"
    )
    (folder / "contacts").write_text("\n")
    (folder / "config").write_text(
        f"module_path /usr/lib/baresip/modules\nsip_listen 127.0.0.1:{port}\n"
        f"audio_player aufile,{folder}/out.wav\naudio_source aufile,{sound}\n"
        "audio_alert aufile\nausrc_srate 8000\nausrc_channels 1\nauplay_srate 8000\n"
        "auplay_channels 1\n"
        "module g711.so\nmodule aufile.so\nmodule_tmp account.so\nmodule_app menu.so\n"
    )
