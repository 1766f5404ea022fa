"""Vosk hears what a grammar allows, with a small Korean model in place of a Chinese one."""

import json
import shutil

import korean
import pytest

from asr.engines.choice import EngineChoice, engine_of, make_hearing
from asr.engines.vosk_local import Lexicon, VoskRecognizer
from asr.grammars.grammar import Grammar
from asr.recognizer import AsrError, ModelMissing

pytestmark = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng speaks Korean here")
YES_NO = Grammar.load("yes_no")
FRAME = 320


@pytest.fixture(scope="module")
def vosk(tmp_path_factory):
    return VoskRecognizer(str(korean.model_folder(tmp_path_factory.mktemp("model"))))


def partials(stream, pcm):
    found = (stream.feed(pcm[at: at + FRAME]) for at in range(0, len(pcm), FRAME))
    return [partial for partial in found if partial]


@pytest.mark.parametrize("said, value", [("네", "yes"), ("아니요", "no")])
def test_what_is_said_comes_as_partials_and_as_the_grammars_value(vosk, said, value):
    stream = vosk.start(YES_NO, 8000)
    heard = partials(stream, korean.said(said))
    assert heard[-1].value == value
    best = stream.finish().best
    assert (best.value, best.complete, best.probability) == (value, True, None)
    assert 200 <= best.words[0].start_ms < best.words[-1].end_ms <= 1500


def test_what_is_none_of_the_grammar_is_rejected(vosk):
    stream = vosk.start(YES_NO, 8000)
    stream.feed(korean.said("안녕하세요"))
    assert stream.finish().rejected


def test_silence_is_rejected(vosk):
    stream = vosk.start(YES_NO, 8000)
    stream.feed(bytes(16000))
    assert stream.finish().rejected
    assert vosk.start(YES_NO, 8000).finish().rejected


def test_after_a_look_the_stream_goes_on_with_all_its_audio(vosk):
    stream = vosk.start(YES_NO, 8000)
    pcm = korean.said("아니요")
    stream.feed(pcm[:8000])
    stream.look()
    stream.feed(pcm[8000:])
    assert stream.look().best.value == "no"
    assert stream.finish().best.value == "no"


def test_wideband_audio_is_heard_too(vosk):
    stream = vosk.start(YES_NO, 16000)
    stream.feed(korean.said("아니요", 16000))
    assert stream.finish().best.value == "no"


def test_it_says_that_it_has_no_probabilities(vosk):
    assert not vosk.capabilities.probabilities
    assert vosk.capabilities.streaming


def test_phrases_are_told_in_words_that_the_model_knows(vosk):
    told = json.loads(vosk.phrase_list(YES_NO))
    assert {"네", "아니요"} <= set(told)
    assert all(word in korean.WORDS.values() for phrase in told for word in phrase.split())


def test_a_model_without_the_grammars_words_listens_freely(tmp_path, vosk):
    (folder := tmp_path / "plain").mkdir()
    for part in korean.MODEL.iterdir():
        (folder / part.name).symlink_to(part)
    assert Lexicon(lambda word: False).phrase_list(YES_NO) == []
    assert VoskRecognizer(str(folder)).phrase_list(YES_NO) == ""


def test_words_are_the_longest_that_the_model_knows():
    knows = {"马上", "来", "马", "上", "a", "西"}.__contains__
    lexicon = Lexicon(knows)
    assert lexicon.words("马上来") == ["马上", "来"]
    assert lexicon.words("来A") == ["来", "a"]         # the small letter
    assert lexicon.words("C") == ["西"]                # or how it sounds
    assert lexicon.words("来吧") is None


async def test_a_worker_process_hears_with_it(tmp_path):
    (folder := tmp_path / "model").mkdir()
    choice = EngineChoice("vosk", korean.model_folder(folder))
    async with make_hearing(choice) as hearing:
        stream = hearing.open("yes_no")
        stream.feed(korean.said("네"))
        assert (await stream.look()).best.value == "yes"
        assert (await stream.finish()).best.value == "yes"


def test_what_is_no_model_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ModelMissing, match="not a folder"):
        VoskRecognizer(str(tmp_path / "nothing"))
    with pytest.raises(ModelMissing, match="final.mdl is missing"):
        EngineChoice("vosk", tmp_path).check()
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "final.mdl").write_text("no model")
    assert engine_of(tmp_path) == "vosk"
    with pytest.raises(AsrError, match="cannot load"):
        VoskRecognizer(str(tmp_path))
    with pytest.raises(AsrError, match="needs a model"):
        EngineChoice("vosk").check()


def test_a_wrong_line_among_the_given_words_is_named(tmp_path):
    (korean.model_folder(tmp_path) / "words.tsv").write_text("对 네\n", "utf-8")
    with pytest.raises(AsrError, match="words.tsv:1"):
        VoskRecognizer(str(tmp_path))
