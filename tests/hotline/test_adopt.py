"""A call that took place becomes a test of the flows with one command."""

import asyncio
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from house import FLOWS, House
from voices import PLATE

from hotline.cli.replay import replay
from hotline.demo.people import Cast

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER = "13800000061"


async def later_call(house: House) -> str:
    """The number of a case in which the owner promised to come in ten minutes.

    Caller and owner let the bot finish, as most people do.
    """
    async with house.owner("later") as owners_phone, house.call(CALLER) as (callers_phone, case):
        async for entry in case.follow():
            if entry.kind != "said":
                continue
            prompt, cast = entry.details["prompt"], Cast(PLATE, "ordinary", "later")
            words = cast.caller_says(prompt, PLATE) if entry.side == "caller" else cast.owner_says(prompt)
            if words:
                await asyncio.sleep(entry.details["ms"] / 1000 + 0.3)
                await (callers_phone if entry.side == "caller" else owners_phone).say(house.words[words])
    assert await case.ended() == ("later", "")
    await house.engine.store.flushed()
    return case.id


def ivr_replay(*arguments):
    return CliRunner().invoke(replay, [str(each) for each in arguments])


async def adopted(house: House, case_id: str, to: Path, *more: str):
    return await asyncio.to_thread(
        ivr_replay, "adopt", case_id, "--to", to, "--db", house.world.config.database, "--recordings",
        house.world.config.recordings, "--flows", FLOWS, *more)


async def test_a_call_is_adopted_and_replays_to_what_it_came_to_until_the_flow_changes(house, tmp_path):
    case_id, folder = await later_call(house), tmp_path / "later"
    result = await adopted(house, case_id, folder)
    assert result.exit_code == 0, result.output
    assert "comes to what the case came to: later" in result.output

    kept = {path.name for path in folder.iterdir()}
    assert "expect.yaml" in kept and any(name.startswith("caller-") for name in kept)
    assert not any(name.startswith("owner") for name in kept), "the owner's voice was not asked for"
    assert CALLER not in (folder / "expect.yaml").read_text(encoding="utf-8")

    changed = tmp_path / "flows"
    shutil.copytree(FLOWS, changed)
    flow = changed / "move_car_outbound.yaml"
    text = flow.read_text(encoding="utf-8")
    assert "end: later}" in text
    flow.write_text(text.replace("end: later}", "end: refuses}"), encoding="utf-8")
    after = await asyncio.to_thread(ivr_replay, folder, "--flows", changed)
    assert after.exit_code == 1
    assert "outcome: expected later, got refuses" in after.output

    again = await adopted(house, case_id, folder)
    assert again.exit_code != 0 and "remove it or name another folder" in str(again.exception)


async def test_a_case_that_is_not_there_is_said(house, tmp_path):
    result = await adopted(house, "20200101-000000-0000", tmp_path / "none")
    assert "there is no case" in str(result.exception)
