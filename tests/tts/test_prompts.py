"""The prompt library says every prompt from recordings, quickly, without clicks."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tts import audio
from tts.errors import BadValue, PromptError, UnknownPrompt
from tts.pieces import join
from tts.prompts import PromptLibrary
from tts.script import load_script, parse_parts
from tts.spelling import LETTERS, minutes_text, plate_units
from tts.words import Words

FOLDER = Path(__file__).resolve().parents[2] / "flows" / "prompts"
VALUES = {"plate": "赣KA1234", "plate2": "赣KD12345", "minutes": "10", "digits": "13970012345",
          "symbols": "赣K", "symbols2": "甘", "place": "5",
          "words": Words(PromptLibrary.load(FOLDER).render("you_are_welcome").pcm_8k)}


class FakeVoice:
    def __init__(self):
        self.said = []

    def speak(self, text, speed=1.0):
        self.said.append(text)
        return audio.silence(100)


@pytest.fixture
def voice():
    return FakeVoice()


@pytest.fixture
def library(voice):
    loaded = PromptLibrary.load(FOLDER)
    return PromptLibrary(loaded.script, loaded.pieces, voice)


@pytest.fixture
def copied(tmp_path, voice):
    shutil.copytree(FOLDER, tmp_path / "prompts")
    loaded = PromptLibrary.load(tmp_path / "prompts")
    return PromptLibrary(loaded.script, loaded.pieces, voice)


def test_every_prompt_and_value_is_recorded(library):
    assert library.check() == []


@pytest.mark.parametrize("prompt_id", PromptLibrary.load(FOLDER).ids)
def test_a_prompt_plays_from_recordings_at_an_even_loudness(library, voice, prompt_id):
    speech = library.render(prompt_id, VALUES)
    assert not speech.synthesized and not voice.said
    if prompt_id == "wait_music":
        return
    sound = audio.from_pcm(speech.pcm_8k)
    assert 400 < speech.duration_ms < 13_000         # 好的 is the shortest; a call back with a plate the longest
    assert abs(20 * np.log10(audio.speech_rms(sound, 8000)) - audio.SPEECH_DBFS) < 2
    assert np.abs(sound).max() < 0.95


@pytest.mark.parametrize("character", LETTERS + "0123456789" + "京津沪渝藏琼赣新学警")
def test_every_character_of_a_plate_is_recorded(library, character):
    speech = library.render("readback", {"plate": f"赣K{character}8B{character}9"})
    assert not speech.synthesized


def test_a_warm_prompt_takes_under_5_ms(library):
    library.warm()
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        library.render("ask_which", VALUES)
        times.append(time.perf_counter() - begun)
    assert sorted(times)[10] < 0.005


def test_joined_pieces_start_and_end_at_zero(library):
    library.warm()
    for sound in library.pieces._sounds.values():
        assert abs(sound[0]) < 0.01 and abs(sound[-1]) < 0.01


def test_joins_do_not_click():
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(1600) / 8000).astype(np.float32)
    piece = audio.fade(tone, 8000)
    step = np.abs(np.diff(piece)).max()
    for rest_ms in (-35, 0, 60):
        joined = join([(piece, rest_ms), (piece, 0)])
        assert len(joined) == 3200 + rest_ms * 8
        assert np.abs(np.diff(joined)).max() < 2.1 * step


def test_an_unknown_prompt_names_the_nearest(library):
    with pytest.raises(UnknownPrompt, match="did you mean 'readback'"):
        library.render("readbak", VALUES)


def test_what_somebody_said_is_said_again_as_it_was_recorded(library):
    said = audio.from_pcm(VALUES["words"].pcm_8k)
    speech = library.render("owner_where", VALUES)
    sound = audio.from_pcm(speech.pcm_8k)
    places = np.lib.stride_tricks.sliding_window_view(sound, len(said))[::40] @ said
    assert speech.text == "对方说：（原话）。您能来挪一下车吗？"
    assert places.max() > 0.9 * said @ said and 0 < places.argmax() < len(places) - 1


def test_a_sentence_without_a_recording_is_spoken_live_around_what_somebody_said(copied, voice):
    path = copied.script.folder / "prompts.yaml"
    path.write_text(path.read_text("utf-8").replace("owner_where: 对方说：", "owner_where: 他说："), "utf-8")
    speech = PromptLibrary(load_script(path.parent), copied.pieces, voice).render("owner_where", VALUES)
    assert voice.said == ["他说：", "。您能来挪一下车吗？"]
    assert VALUES["words"].pcm_8k in speech.pcm_8k


def test_a_sentence_with_somebodys_words_takes_no_text_for_them(library):
    with pytest.raises(BadValue, match="nobody said anything"):
        library.render("owner_where", {"words": "车停在东门口"})


@pytest.mark.parametrize("values", [{}, {"plate": ""}, {"plate": "hello!"}])
def test_a_value_that_is_missing_or_no_plate_is_an_error(library, values):
    with pytest.raises(BadValue):
        library.render("readback", values)


def test_a_changed_text_is_synthesized_until_it_is_recorded(copied, voice):
    path = copied.script.folder / "prompts.yaml"
    path.write_text(path.read_text("utf-8").replace("您说的是{plate}", "我听到的是{plate}"), "utf-8")
    changed = PromptLibrary(load_script(path.parent), copied.pieces, voice)
    assert changed.render("readback", VALUES).synthesized
    assert voice.said == ["我听到的是赣KA1234，对吗？"]
    assert any("我听到的是" in problem for problem in changed.check())


def test_an_altered_recording_is_not_played(copied):
    piece = next(p for p in copied.pieces.pieces.values() if p.text.startswith("感谢您的来电"))
    (copied.pieces.folder / piece.file).write_bytes(b"not it")
    assert copied.render("goodbye").synthesized
    assert "is damaged: run" in copied.check()[0]
    audio.write_file(copied.pieces.folder / piece.file, audio.silence(500))
    assert "another than the one in the index" in copied.check()[0]


async def test_live_speech_leaves_the_loop_free(library):
    speech = await library.say_async("今天天气很好。")
    assert speech.synthesized and speech.text == "今天天气很好。"


def test_a_slot_of_no_kind_is_named():
    with pytest.raises(ValueError, match="plaet"):
        parse_parts("您说的是{plaet}")


def test_a_broken_prompts_file_is_named_with_its_line(tmp_path):
    (tmp_path / "prompts.yaml").write_text("a: [\n", "utf-8")
    with pytest.raises(PromptError, match=r"prompts.yaml:\d"):
        load_script(tmp_path)


def test_plates_are_read_in_groups():
    units = plate_units("赣KA1234", lambda text: text in ("赣K", "三四"))
    assert [u.text for u in units] == ["赣K", "A", "幺", "二", "三四"]
    assert [u.follows for u in units] == ["group", "unit", "group", "unit", "end"]


@pytest.mark.parametrize("minutes, said", [("2", "两分钟"), ("90", "九十分钟"), ("113", "一小时五十三分钟"), ("120", "两个小时"),
                                           ("150", "两个半小时"), ("185", "三小时零五分钟")])
def test_minutes_are_said_as_people_say_them(minutes, said):
    assert minutes_text(minutes) == said
