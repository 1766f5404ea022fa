"""A prompt that cannot be played is spoken by synthesis and reported; one that cannot be spoken costs no call."""

import hashlib
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.flow.wording import Wording
from ivr.pace import Pace
from tts.audio import silence
from tts.errors import SynthesisFailed
from tts.pieces import PieceStore
from tts.prompts import PromptLibrary
from tts.script import load_script

PROMPTS = Path(__file__).resolve().parents[2] / "flows" / "prompts"


class Voice:
    def __init__(self, fails=False):
        self.fails = fails

    def speak(self, text, speed=1.0):
        if self.fails:
            raise SynthesisFailed("no voice")
        return silence(100)


def wording(voice, log):
    library = PromptLibrary(load_script(PROMPTS), PieceStore(PROMPTS, []), voice)
    return Wording(library, {}, Pace(), lambda kind, **details: log.append((kind, details)))


async def test_what_has_no_recording_is_synthesized_and_reported(caplog):
    log = []
    with caplog.at_level(logging.WARNING):
        speech = await wording(Voice(), log).speech(["goodbye"])
    assert speech.synthesized and speech.pcm_8k and log[0][0] == "said" and log[0][1]["synthesized"]
    assert [record.fields["prompt"] for record in caplog.records if record.message == "prompt_not_recorded"] == ["goodbye"]


@pytest.mark.parametrize("damage", ["missing", "torn", "no sound"])
async def test_a_recording_that_cannot_be_played_is_spoken_live_and_reported(damage, tmp_path, caplog):
    whole = PromptLibrary.load(PROMPTS)
    [piece] = [piece for piece in whole.pieces.pieces.values() if piece.text == whole.text("goodbye")]
    written = {"missing": None, "torn": (PROMPTS / "pieces" / piece.file).read_bytes()[:900], "no sound": b"RIFF, they said"}[damage]
    if written is not None:
        (tmp_path / "goodbye.flac").write_bytes(written)
    named = replace(piece, file="goodbye.flac", sha256=hashlib.sha256(b"RIFF, they said").hexdigest())
    library, log = PromptLibrary(whole.script, PieceStore(tmp_path, {named.key: named}.values()), Voice()), []
    with caplog.at_level(logging.WARNING):
        speech = await Wording(library, {}, Pace(), lambda kind, **details: log.append((kind, details))).speech(["goodbye"])
    assert speech.synthesized and speech.pcm_8k
    [told] = [record for record in caplog.records if record.name == "ivr.flow.wording"]
    assert told.message == "recording_not_played" and told.fields["prompt"] == "goodbye"
    assert f"The recording {tmp_path / 'goodbye.flac'} of" in told.fields["problem"]
    assert ("is missing" if damage == "missing" else "is damaged") in told.fields["problem"]


async def test_a_value_whose_recording_is_damaged_is_told_with_its_file(tmp_path, caplog):
    shutil.copytree(PROMPTS, tmp_path / "prompts")
    library = PromptLibrary.load(tmp_path / "prompts")
    files = [library.pieces.folder / piece.file for piece in library.pieces.pieces.values() if piece.text == "十分钟"]
    for path in files:
        path.write_bytes(path.read_bytes()[:300] + bytes(200) + path.read_bytes()[500:])
    library = PromptLibrary(library.script, library.pieces, Voice())
    prompt = next(each.id for each in library.script.prompts.values() if "{minutes}" in each.text and each.text.count("{") == 1)
    with caplog.at_level(logging.WARNING):
        await Wording(library, {"minutes": "10"}, Pace(), lambda *_, **__: None).speech([prompt])
    [told] = [record.fields["problem"] for record in caplog.records if record.message == "recording_not_played"]
    assert files and any(f"{path} of '十分钟' is damaged" in told for path in files)


async def test_what_cannot_be_said_at_all_leads_to_a_person_and_there_is_left_out():
    log = []
    said = wording(Voice(fails=True), log)
    with pytest.raises(SynthesisFailed):
        await said.speech(["goodbye"])
    said.lenient = True
    assert await said.speech(["system_trouble"]) is None
    assert [(kind, details["prompt"]) for kind, details in log] == [("not_said", "goodbye"), ("not_said", "system_trouble")]
