"""Flows and recordings that change while callers are on the line, over real SIP."""

import logging
import os
import shutil
import wave

import numpy as np
import pytest
from house import FLOWS, House, eventually

from tts.prompts import PromptLibrary

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOUD = 1000
"""A sample that only speech reaches: −30 dBFS."""
END = "caller_left: {end: caller-hung-up}"


@pytest.fixture
def flows(tmp_path):
    """The flows' folder with its recordings, of which the welcome's is torn."""
    folder = tmp_path / "flows"
    shutil.copytree(FLOWS, folder)
    library = PromptLibrary.load(folder / "prompts")
    [part] = library.script.prompt("welcome").parts
    torn = [folder / "prompts" / "pieces" / piece.file for piece in library.pieces.pieces.values() if piece.text == part.text]
    for path in torn:
        path.write_bytes(path.read_bytes()[:2000])
    assert torn
    return folder


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


async def test_a_call_ends_on_the_flow_that_it_began_with_and_a_torn_recording_is_spoken_live(words, tmp_path, flows, caplog):
    inbound = flows / "move_car_inbound.yaml"
    whole = inbound.read_text("utf-8")
    assert END in whole
    async with House(tmp_path / "house", words, flows=flows) as house:
        live = house.engine.flows
        first_edition = live.current
        async with house.call("13800000061") as (callers_phone, first):
            said = await first.wait("said", prompt="welcome")
            assert said.details["synthesized"] and {"prompt": "welcome", "mend": "make prompts"} in told(caplog, "prompt_not_recorded")
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
