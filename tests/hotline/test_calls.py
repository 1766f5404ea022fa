"""What callers may do at any time: press a key, hang up, call while another one talks."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from house import BREATH_S, hear_the_plate_read_back, question_s
from voices import CALLER_VOICE, PLATE

from hotline.demo.people import NO, YES
from hotline.demo.world import free_udp_ports

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST_SOUND_MS = 500
LOUD = 1000
"""A sample that only speech reaches: −30 dBFS."""
RTP_PEER = Path(__file__).resolve().parents[1] / "sip" / "rtp_peer.py"
BARESIP = """\
module_path /usr/lib/baresip/modules
sip_listen 127.0.0.1:{port}
audio_source aufile,{spoken}
audio_player aufile,/dev/null
snd_path {folder}
audio_alert aufile
ausrc_srate 8000
ausrc_channels 1
auplay_srate 8000
auplay_channels 1
module g711.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
"""


async def test_the_caller_hears_the_bot_within_half_a_second_of_the_answer(house):
    caller = await asyncio.create_subprocess_exec(
        sys.executable, str(RTP_PEER), str(house.world.sip_port), "1.5", stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(caller.communicate(), 20)
    figures = json.loads(out)
    assert figures["first_audio_ms"] is not None and figures["first_audio_ms"] <= FIRST_SOUND_MS, figures


async def test_key_0_during_the_welcome_rings_the_seat(house):
    async with house.seat() as seat, house.call("13800000001") as (callers_phone, case):
        await case.wait("said", prompt="welcome")
        await callers_phone.press("0")
        assert (await case.wait("heard")).details["text"] == "0"
        assert await case.ended() == ("person", "asked")
        assert await seat.wait("answered")


async def test_a_caller_who_leaves_during_the_welcome_closes_the_case(house):
    async with house.call("13800000002") as (callers_phone, case):
        await case.wait("said", prompt="welcome")
        await callers_phone.hang_up()
        assert await case.ended() == ("caller-hung-up", "")


async def test_a_caller_who_leaves_when_asked_closes_the_case(house):
    async with house.call("13800000003") as (callers_phone, case):
        await hear_the_plate_read_back(house, callers_phone, case)
        await callers_phone.hang_up()
        assert await case.ended() == ("caller-hung-up", "")
        assert case.find("hung_up").details["state"] == "read_back"


async def test_the_owners_answer_is_kept_though_the_caller_left(house):
    async with house.owner("coming") as owner, house.call("13800000004") as (callers_phone, case):
        await hear_the_plate_read_back(house, callers_phone, case)
        await callers_phone.say(house.words[YES])
        await case.wait("ringing", "owner")
        await callers_phone.hang_up()
        await case.wait("said", "owner", prompt="owner_greeting")
        assert not case.find("closed")
        await asyncio.sleep(BREATH_S)
        await owner.say(house.words["好的，我马上来。"])
        assert await case.ended() == ("caller-hung-up", "")
    assert case.find("answer", "owner").details["outcome"] == "coming"


async def test_a_plate_that_is_denied_and_corrected_leads_to_the_call_of_its_owner(house):
    wrong, change, changed = "赣KD56788", "最后一位是九。", False
    for sentence in (wrong, change):
        house.words.speak(sentence, CALLER_VOICE)
    async with house.owner("coming") as owner, house.call("13800000007") as (callers_phone, case):
        async for entry in case.follow():
            prompt = entry.details.get("prompt", "") if entry.kind == "said" else ""
            if prompt in ("owner_greeting", "owner_reminder"):      # who has promised somebody else is reminded
                await asyncio.sleep(BREATH_S)
                await owner.say(house.words["好的，我马上来。"])
            elif prompt == "welcome" or prompt.startswith("correction"):
                changed = prompt != "welcome"
                await asyncio.sleep(BREATH_S)
                await callers_phone.say(house.words[change if changed else wrong])
            elif prompt.startswith(("readback", "yes_no")):       # a person who was not heard says it again
                await asyncio.sleep(question_s(entry.details))
                await callers_phone.say(house.words[YES if changed else NO])
        assert await case.ended() == ("coming", "")
    matched = [entry.details["plate"] for entry in case.entries if entry.kind == "matched"]
    assert matched[0] != PLATE and matched[-1] == PLATE


async def test_a_second_caller_is_served_while_one_talks(house):
    async with house.call("13800000005") as (_, first):
        async with house.call("13800000006") as (second_phone, second):
            await second.wait("said", prompt="welcome")
            await second_phone.hang_up()
            assert await second.ended() == ("caller-hung-up", "")
        assert not first.find("closed")
    assert await first.ended() == ("caller-hung-up", "")


async def test_baresip_hears_the_welcome(house, tmp_path):
    [port] = free_udp_ports(1)
    (tmp_path / "accounts").write_text("<sip:13800000008@127.0.0.1>;regint=0;audio_codecs=PCMA\n")
    (tmp_path / "contacts").write_text("\n")
    (tmp_path / "config").write_text(BARESIP.format(port=port, folder=tmp_path, spoken=house.words[PLATE]))
    caller = await asyncio.create_subprocess_exec(
        "baresip", "-f", str(tmp_path), "-t", "4", "-e", f"/dial {house.world.hotline_uri}",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    case = await house.case("13800000008")
    assert await case.ended() == ("caller-hung-up", "")
    await asyncio.wait_for(caller.wait(), 10)
    [heard] = tmp_path.glob("dump-*-dec.wav")
    assert loudest(heard) > LOUD


def loudest(recording: Path) -> int:
    pcm = memoryview(recording.read_bytes()[44:]).cast("h")
    return max(map(abs, pcm), default=0)
