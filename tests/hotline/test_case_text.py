"""What a caller said besides plates becomes the case's text: masked, after the call, and in nobody's way."""

import asyncio
import logging
import wave
from pathlib import Path

import numpy as np
import pytest

from asr.engines import whisper
from asr.free_speech.transcriber import Transcript
from asr.hear import read_8k
from asr.recognizer import AsrError, ModelMissing, Word
from hotline.cases import case_text
from hotline.cases.case_text import CaseText, complaint, received
from hotline.cases.story import sentence
from hotline.config import EngineConfig, load_config
from hotline.desk.recording import interleave
from hotline.errors import CannotRun

PIECES = Path(__file__).parents[2] / "flows" / "prompts" / "pieces"
needs_whisper = pytest.mark.skipif(not (whisper.FOLDER / "model.bin").exists(), reason="run `make setup` first")


class Case:
    id = "20260101-000000-abcd"

    def __init__(self):
        self.notes = asyncio.Queue()

    def note(self, side, kind, **details):
        self.notes.put_nowait((side, kind, details))


class Writer:
    """A transcriber that hears what it is told to."""

    def __init__(self, *stretches, starts=True):
        self.stretches, self.starts, self.heard, self.closed = stretches, starts, [], False

    async def __aenter__(self):
        if not self.starts:
            raise ModelMissing("no weights")
        return self

    async def __aexit__(self, *_error):
        self.closed = True

    async def transcribe(self, pcm):
        self.heard.append(pcm)
        if not self.stretches:
            raise AsrError("given up")
        return Transcript("", tuple(Word(text, 0, 1) for text in self.stretches), 1)


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setattr(case_text, "check_installed", lambda: None)


def recorded(path, left, right):
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(interleave(left, right))
    return path


async def test_the_case_gets_what_its_caller_said_with_numbers_masked(tmp_path):
    writer, case = Writer("有辆车堵住了我们小区的门口", "对的", "赣K12345", "那就打我的电话幺三八零零幺三八零零零"), Case()
    recording = recorded(tmp_path / "a.wav", b"\1\0" * 50, b"\2\0" * 90)
    async with CaseText(True, lambda: writer) as text:
        text.write_down(case, recording)
        async with asyncio.timeout(5):
            side, kind, details = await case.notes.get()
    assert (side, kind) == ("caller", "free_speech")
    assert details["text"] == "有辆车堵住了我们小区的门口，那就打我的电话＊＊＊＊＊＊＊＊＊＊＊"
    assert writer.heard == [b"\1\0" * 50 + bytes(80)]      # the caller's side only
    assert writer.closed


@pytest.mark.parametrize("stretches", [["对"], ["是的", "赣K12345", "江西的赣K幺二三四五"], []])
def test_answers_and_plates_alone_are_no_text(stretches):
    assert complaint(stretches) == ""


async def test_what_fails_is_logged_and_costs_nothing_else(tmp_path, caplog):
    case = Case()
    with caplog.at_level(logging.WARNING):
        async with CaseText(True, Writer) as text:
            text.write_down(case, recorded(tmp_path / "a.wav", b"\1\0", b""))
            text.write_down(case, tmp_path / "none.wav")
            (tmp_path / "torn.wav").write_bytes(b"RIFF")
            text.write_down(case, tmp_path / "torn.wav")
            async with asyncio.timeout(5):
                while sum(record.message == "not_written_down" for record in caplog.records) < 3:
                    await asyncio.sleep(0.01)
    assert case.notes.empty()


async def test_a_writer_that_does_not_start_is_told_and_calls_go_on(tmp_path, caplog):
    async with CaseText(True, lambda: Writer("x", starts=False)) as text:
        text.write_down(Case(), recorded(tmp_path / "a.wav", b"", b""))
        await asyncio.sleep(0.05)
    assert "free_speech_is_off" in caplog.text


async def test_unless_wanted_nothing_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(case_text, "check_installed", lambda: 1 / 0)
    async with CaseText(False, lambda: 1 / 0) as text:
        text.write_down(Case(), tmp_path / "none.wav")


def test_where_it_is_not_installed_the_engine_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(case_text, "check_installed", lambda: whisper.check_installed(tmp_path))
    with pytest.raises(ModelMissing, match="make setup"):
        CaseText(True)


@needs_whisper
async def test_a_real_recording_is_written_down_by_a_real_worker(tmp_path):
    voices = sorted(PIECES.rglob("*.flac"), key=lambda path: path.stat().st_size)
    recording = recorded(tmp_path / "a.wav", read_8k(voices[-1]), np.zeros(80, "<i2").tobytes())
    assert received(recording) == read_8k(voices[-1])
    case = Case()
    async with CaseText(True) as text:
        text.write_down(case, recording)
        async with asyncio.timeout(90):
            _, kind, details = await case.notes.get()
    assert kind == "free_speech" and len(details["text"]) > 4


def test_the_story_shows_it():
    assert "“有辆车堵住了”" in sentence("free_speech", {"text": "有辆车堵住了"}).plain


def test_free_speech_is_chosen_in_the_settings(tmp_path):
    settings = tmp_path / "ivr.toml"
    settings.write_text("[hearing]\nfree_speech = true\n")
    assert load_config(settings).free_speech and not EngineConfig().free_speech
    settings.write_text("[hearing]\nfree_speech = 1\n")
    with pytest.raises(CannotRun, match="'free_speech' in .hearing. must be true or false, not 1"):
        load_config(settings)
    settings.write_text("[hearing]\nworkers = true\n")
    with pytest.raises(CannotRun, match="must be a whole number"):
        load_config(settings)
