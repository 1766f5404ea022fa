"""Flows edited while the service runs: what checks clean is taken for the next call, nothing else ever."""

import logging
import os
import shutil
from pathlib import Path

import pytest

from hotline.errors import CannotRun
from hotline.live_flows import LiveFlows
from ivr.typed import TypedEars

FLOWS = Path(__file__).resolve().parents[2] / "flows"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(FLOWS, tmp_path / "flows", ignore=shutil.ignore_patterns("*.wav", "*.flac", "*.ogg"))
    return tmp_path / "flows"


@pytest.fixture
def live(folder, tmp_path):
    return LiveFlows(folder, "move_car_inbound", "move_car_outbound", TypedEars, tmp_path / "kept")


def save(path: Path, text: str) -> None:
    """As an editor does; the file's time goes on by a second, however coarse the disk's clock is."""
    later = path.stat().st_mtime + 1
    path.write_text(text, "utf-8")
    os.utime(path, (later, later))


async def test_a_flow_that_checks_clean_is_taken_and_the_call_that_runs_keeps_its_own(live, folder, tmp_path):
    path, running = folder / "move_car_outbound.yaml", live.current
    save(path, path.read_text("utf-8").replace("end: refuses", "end: refuses-now"))
    await live.look()
    assert "refuses-now" in live.current.owner.ends and live.current.owner.version != running.owner.version
    assert "refuses-now" not in running.owner.ends and live.current.ears is running.ears
    assert len(list((tmp_path / "kept").glob("flows-*"))) == 2


async def test_a_broken_flow_replaces_nothing_and_is_told_once_with_its_place(live, folder, caplog):
    path, good = folder / "move_car_outbound.yaml", live.current
    whole = path.read_text("utf-8")
    save(path, whole.replace("say: owner_greeting\n", "say: owner_greetign\n"))
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await live.look()
    told = [record.fields["problem"] for record in caplog.records if record.message == "flow_not_taken"]
    line = whole[:whole.index("say: owner_greeting\n")].count("\n") + 1
    assert live.current is good and len(told) == 1
    assert told[0].startswith(f"{path}:{line}:") and "did you mean 'owner_greeting'?" in told[0]
    save(path, whole)
    await live.look()
    assert live.current.owner.version == good.owner.version


async def test_half_a_file_replaces_nothing(live, folder):
    good = live.current
    save(folder / "move_car_inbound.yaml", "flow: move-car\nstates: {ask: [")
    await live.look()
    assert live.current is good


async def test_a_changed_grammar_is_heard_by_the_next_call_and_not_by_the_one_that_runs(live, folder):
    path, running = folder / "grammars" / "person.yaml", live.current
    save(path, path.read_text("utf-8") + "# changed\n")
    await live.look()
    assert live.current.grammars != running.grammars and live.current.ears is not running.ears
    assert "changed" in (live.current.grammars / "person.yaml").read_text("utf-8")
    assert "changed" not in (running.grammars / "person.yaml").read_text("utf-8")


async def test_a_changed_prompt_is_said_in_the_next_call(live, folder):
    path, running = folder / "prompts" / "prompts.yaml", live.current
    save(path, path.read_text("utf-8").replace("goodbye: 感谢", "goodbye: 谢谢"))
    await live.look()
    assert live.current.voice.text("goodbye") != running.voice.text("goodbye")


def test_a_service_does_not_start_on_a_broken_flow(folder, tmp_path):
    path = folder / "move_car_inbound.yaml"
    path.write_text(path.read_text("utf-8").replace("say: welcome", "say: welcom"), "utf-8")
    with pytest.raises(CannotRun, match="did you mean 'welcome"):
        LiveFlows(folder, "move_car_inbound", "move_car_outbound", TypedEars, tmp_path / "kept")
