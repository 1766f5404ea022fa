"""Flows and recordings that change while callers are on the line, over real SIP."""

import asyncio
import logging
import os
import shutil
import wave

import numpy as np
import pytest
import pytest_asyncio
from house import FLOWS, House, eventually

from tts.prompts import PromptLibrary

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_ONCE_S = 0.5
"""The voice itself takes longer for any sentence."""
LOUD = 1000
"""A sample that only speech reaches: −30 dBFS."""
END = "caller_left: {end: caller-hung-up}"
LAMP = """\
flow: lamp
start: ask
values: {case: text, digits: digits}
limits: {turns: 6, seconds: 60, then: seat}
always: {person: seat, key 0: seat, hang_up: left, trouble: seat}
states:
  ask:
    say: yes_no_again
    listen: {grammar: digits(length=4), into: digits, profile: digits, keys: {at_most: 4}}
    next: {value: note, keys: note, repeat: ask, no_match: seat, no_input: seat}
  note: {do: open_case, with: {reason: lamp, lamp: "{digits}"}, next: {done: more}}
  more: {do: update_case, with: {case: "{case}", told_by: phone}, next: {done: bye}}
  bye: {say: goodbye, end: noted}
  seat: {do: transfer, with: asked, next: {talked: left, failed: left}}
  left: {end: caller-hung-up}
"""


@pytest.fixture(scope="module")
def flows(tmp_path_factory):
    """The flows' folder with its recordings, of which the welcome's is torn."""
    folder = tmp_path_factory.mktemp("edited") / "flows"
    shutil.copytree(FLOWS, folder)
    library = PromptLibrary.load(folder / "prompts")
    [part] = library.script.prompt("welcome").parts
    torn = [folder / "prompts" / "pieces" / piece.file for piece in library.pieces.pieces.values() if piece.text == part.text]
    for path in torn:
        path.write_bytes(path.read_bytes()[:2000])
    assert torn
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(words, flows, tmp_path_factory):
    """An engine whose flows are edited."""
    async with House(tmp_path_factory.mktemp("house"), words, flows=flows) as house:
        yield house


def save(path, text: str) -> None:
    """As an editor does; the file's time goes on by a second, however coarse the disk's clock is."""
    later = path.stat().st_mtime + 1
    path.write_text(text, "utf-8")
    os.utime(path, (later, later))


def told(caplog, message: str) -> list[dict]:
    return [record.fields for record in caplog.records if record.message == message]


def spoken_by_bot(recording) -> int:
    """The loudest sample of what the bot said."""
    with wave.open(str(recording), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return int(np.abs(samples[:, 1].astype(int)).max())


async def test_what_has_no_recording_is_ready_before_anybody_calls(house):
    async with asyncio.timeout(AT_ONCE_S):
        assert (await house.engine.flows.current.voice.render_async("welcome")).synthesized


async def test_a_call_ends_on_the_flow_that_it_began_with_and_a_torn_recording_is_spoken_live(house, flows, caplog):
    inbound = flows / "move_car_inbound.yaml"
    whole = inbound.read_text("utf-8")
    assert END in whole
    live = house.engine.flows
    first_edition = live.current
    async with house.call("13800000061") as (callers_phone, first):
        said = await first.wait("said", prompt="welcome")
        problem = next(each["problem"] for each in told(caplog, "recording_not_played") if each.get("prompt") == "welcome")
        assert said.details["synthesized"] and "is damaged" in problem and str(flows / "prompts" / "pieces") in problem
        with caplog.at_level(logging.INFO, "hotline.live_flows"):
            save(inbound, whole.replace("say: welcome", "say: welcom", 1))
            [problem] = await eventually(lambda: told(caplog, "flow_not_taken"))
            assert live.current is first_edition and "did you mean 'welcome" in problem["problem"]
            save(inbound, whole.replace(END, "caller_left: {end: gone}"))
            await eventually(lambda: live.current is not first_edition)
        await eventually(lambda: spoken_by_bot(house.world.config.recordings / f"{first.id}-caller.wav") > LOUD)
        await callers_phone.hang_up()
        assert await first.ended() == ("caller-hung-up", "")
    async with house.call("13800000062") as (callers_phone, second):
        await second.wait("flow", name="move-car-inbound", version=live.current.inbound.version)
        await callers_phone.hang_up()
        assert await second.ended() == ("gone", "")
    assert first.find("flow", version=first_edition.inbound.version) and len(told(caplog, "flow_not_taken")) == 1


async def test_a_saved_flow_of_another_service_opens_a_case_that_outlives_the_call(house, flows):
    before, store = house.engine.flows.current, house.engine.store
    save(flows / "move_car_inbound.yaml", LAMP)
    await eventually(lambda: house.engine.flows.current is not before)
    async with house.call("13800000063") as (callers_phone, call):
        await call.wait("said", prompt="yes_no_again")
        await callers_phone.press("5678")
        opened = (await call.wait("case_opened", reason="lamp")).details["opened"]
        assert await call.ended() == ("noted", "")
    await store.flushed()
    [left] = store.open_cases()
    assert (left.id, left.caller, left.reason, left.outcome) == (opened, "13800000063", "lamp", "")
    noted = house.cases[opened]
    assert noted.find("opened", by=call.id, with_lamp="5678") and noted.find("updated", with_told_by="phone")
