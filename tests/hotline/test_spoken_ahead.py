"""Prompts that have no recording are spoken before a call needs them, at the start and when a flow was changed."""

import asyncio
import logging
import shutil
import threading
from pathlib import Path

import pytest

from hotline.live_flows import LiveFlows
from hotline.spoken_ahead import SpokenAhead
from ivr.typed import TypedEars
from tts.audio import silence
from tts.errors import SynthesisFailed, UnreadableText
from tts.live import LiveVoice

FLOWS = Path(__file__).resolve().parents[2] / "flows"


class Voice:
    """Stands for the live voice; `gate`: until it is set nothing is spoken."""

    def __init__(self):
        self.said, self.fails, self.gate = [], {}, threading.Event()
        self.gate.set()

    def speak(self, text, speed=1.0):
        assert self.gate.wait(5)
        self.said.append(text)
        if text in self.fails:
            raise self.fails[text]
        return silence(100)


@pytest.fixture
def voice(monkeypatch):
    voice = Voice()
    monkeypatch.setattr(LiveVoice, "speak", lambda self, text, speed=1.0: voice.speak(text, speed))
    return voice


@pytest.fixture
def prompts(tmp_path):
    shutil.copytree(FLOWS, tmp_path / "flows")
    return tmp_path / "flows" / "prompts" / "prompts.yaml"


def change(path, prompt, text):
    lines = path.read_text("utf-8").splitlines()
    changed = [f"{prompt}: {text}" if line.startswith(f"{prompt}:") else line for line in lines]
    assert changed != lines
    path.write_text("\n".join(changed) + "\n", "utf-8")


def live_flows(prompts):
    folder = prompts.parent.parent
    return LiveFlows(folder, "city_desk", "move_car_outbound", TypedEars, folder.parent / "kept")


async def test_only_what_has_no_recording_is_spoken_and_then_a_call_does_not_wait_for_it(voice, prompts, caplog):
    change(prompts, "desk_menu", "新的菜单。")
    change(prompts, "owner_greeting", "您的车{plate}挡住别人了。")
    live = live_flows(prompts)
    await SpokenAhead().speak(live.current)
    assert voice.said == ["新的菜单。", "好。"]              # the voice is loaded for what has a value
    assert live.current.voice.render("desk_menu").synthesized and len(voice.said) == 2
    [told] = [record.fields["prompts"] for record in caplog.records if record.message == "spoken_live"]
    assert told == ["desk_menu", "owner_greeting"]


async def test_a_damaged_recording_is_told_with_its_file_before_anybody_calls(voice, prompts, caplog):
    library = live_flows(prompts).current.voice
    text = library.text("desk_menu_last")
    [path] = [library.pieces.folder / piece.file for piece in library.pieces.pieces.values() if piece.text == text]
    path.write_bytes(path.read_bytes()[:300] + bytes(200) + path.read_bytes()[500:])
    live = live_flows(prompts)
    live.current.voice.warm()
    await SpokenAhead().speak(live.current)
    [problem] = [record.fields["problem"] for record in caplog.records if record.message == "recording_not_played"]
    assert problem.startswith(f"The recording {path} of {text!r} is damaged") and voice.said == [text]


async def test_where_all_is_recorded_no_voice_is_loaded(voice, prompts):
    await SpokenAhead().speak(live_flows(prompts).current)
    assert not voice.said


async def test_a_changed_prompt_is_spoken_before_it_is_taken_and_what_was_spoken_is_kept(voice, prompts):
    change(prompts, "desk_menu", "新的菜单。")
    live = live_flows(prompts)
    ahead = SpokenAhead()
    await ahead.speak(live.current)
    live.before_taken = ahead.speak
    before = live.current
    voice.gate.clear()
    change(prompts, "desk_menu_keys", "请按键。")
    looking = asyncio.create_task(live.look())
    await asyncio.sleep(0.5)
    assert live.current is before
    voice.gate.set()
    await looking
    assert live.current is not before and voice.said == ["新的菜单。", "请按键。"]


async def test_a_slow_voice_holds_up_neither_the_start_nor_a_change_for_long(voice, prompts):
    voice.gate.clear()
    change(prompts, "desk_menu", "新的菜单。")
    live, ahead = live_flows(prompts), SpokenAhead(wait_s=0.1)
    async with asyncio.timeout(2):
        await ahead.speak(live.current)
    voice.gate.set()
    async with asyncio.timeout(2):
        while not voice.said:
            await asyncio.sleep(0.01)


async def test_a_call_that_comes_meanwhile_waits_for_the_sentence_and_has_it_spoken_once(voice, prompts):
    voice.gate.clear()
    change(prompts, "desk_menu", "新的菜单。")
    live, ahead = live_flows(prompts), SpokenAhead(wait_s=0.1)
    await ahead.speak(live.current)
    saying = asyncio.create_task(live.current.voice.render_async("desk_menu"))
    await asyncio.sleep(0.1)
    voice.gate.set()
    assert (await saying).synthesized and voice.said == ["新的菜单。"]


@pytest.mark.parametrize("error, said", [(UnreadableText("a"), 2), (SynthesisFailed("b"), 1)])
async def test_what_cannot_be_said_is_told_and_stops_nothing(error, said, voice, prompts, caplog):
    change(prompts, "desk_menu", "新的菜单。")
    change(prompts, "desk_menu_keys", "请按键。")
    voice.fails["新的菜单。"] = error
    with caplog.at_level(logging.WARNING):
        await SpokenAhead().speak(live_flows(prompts).current)
    assert len(voice.said) == said and "not_spoken_ahead" in [record.message for record in caplog.records]
