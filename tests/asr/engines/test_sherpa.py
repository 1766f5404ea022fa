"""sherpa-onnx hears with models made by hand, whose tokens are tones: what comes out is known."""

import subprocess
import sys

import onnx
import pytest
import tone_model

from asr.engines.choice import EngineChoice, engine_of, make_hearing
from asr.engines.sherpa import SherpaRecognizer
from asr.grammars.grammar import Grammar
from asr.recognizer import AsrError, ModelMissing

YES_NO = Grammar.load("yes_no")


@pytest.fixture(scope="module")
def ctc(tmp_path_factory):
    return SherpaRecognizer(str(tone_model.write_ctc(tmp_path_factory.mktemp("ctc"))))


@pytest.fixture(scope="module")
def transducer(tmp_path_factory):
    return SherpaRecognizer(str(tone_model.write_transducer(tmp_path_factory.mktemp("transducer"))))


def heard(recognizer, text, grammar=YES_NO, rate=8000):
    stream = recognizer.start(grammar, rate)
    pcm = tone_model.said(text, rate)
    partials = [stream.feed(pcm[at: at + 320]) for at in range(0, len(pcm), 320)]
    return stream.finish(), [partial.text for partial in dict.fromkeys(partials) if partial]


@pytest.mark.parametrize("said, value", [("对", "yes"), ("不对", "no"), ("是", "yes"), ("不是", "no")])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_streaming_ctc_model_hears_the_grammars_value(ctc, said, value, rate):
    result, _ = heard(ctc, said, rate=rate)
    assert (result.best.text, result.best.value, result.best.probability) == (said, value, None)


def test_partials_grow_and_words_have_times(ctc):
    result, partials = heard(ctc, "不对")
    assert partials == ["不", "不对"]
    first, second = result.best.words
    assert first.start_ms == pytest.approx(250, abs=60)        # quiet, tone of 400 ms, quiet, tone
    assert second.start_ms == pytest.approx(900, abs=60)


def test_a_streaming_transducer_hears_too(transducer):
    assert heard(transducer, "不对")[0].best.value == "no"


def test_hotwords_of_the_grammar_decide_between_twins(transducer):
    """是 and 事 sound the same to the model, 是 a little likelier."""
    def grammar(say):
        return Grammar(say, {"start": "all", "rules": {"all": [{"say": say, "value": "said"}]}})
    assert heard(transducer, "对不是", grammar("对不是"))[0].best.text == "对不是"
    assert heard(transducer, "对不是", grammar("对不事"))[0].best.text == "对不事"


def test_silence_and_other_sounds_are_rejected(ctc):
    assert heard(ctc, "")[0].rejected
    assert ctc.start(YES_NO).finish().rejected
    assert heard(ctc, "是不是不是不")[0].rejected


def test_a_look_leaves_the_stream_open(ctc):
    stream = ctc.start(YES_NO)
    pcm = tone_model.said("不对")
    stream.feed(pcm[:12000])
    assert stream.look().hypotheses[0].text == "不"
    stream.feed(pcm[12000:])
    assert stream.finish().best.value == "no"


async def test_a_worker_process_hears_with_it(tmp_path):
    folder = tone_model.write_ctc(tmp_path)
    assert engine_of(folder) == "sherpa-onnx"
    async with make_hearing(EngineChoice("sherpa-onnx", folder)) as hearing:
        stream = hearing.open("yes_no")
        stream.feed(tone_model.said("不对"))
        assert (await stream.finish()).best.value == "no"


def test_what_is_no_model_is_refused_in_one_sentence(tmp_path):
    def refused(words):
        with pytest.raises(ModelMissing, match=words):
            SherpaRecognizer(str(tmp_path))
    refused("tokens.txt is missing")
    (tmp_path / "tokens.txt").write_text("<blk> 0\n")
    refused("holds no streaming model")
    (tmp_path / "model.onnx").write_text("no model")
    refused("damaged or no ONNX model")
    tone_model.write_ctc(tmp_path)
    model = onnx.load(tmp_path / "model.onnx")
    next(entry for entry in model.metadata_props if entry.key == "model_type").value = "whisper"
    onnx.save(model, tmp_path / "model.onnx")
    refused("of the kind 'whisper'")


async def test_a_model_at_which_the_library_gives_up_is_refused_in_one_sentence(tmp_path):
    """The library ends the process where the model does not describe itself."""
    tone_model.write_ctc(tmp_path)
    model = onnx.load(tmp_path / "model.onnx")
    kept = [entry for entry in model.metadata_props if entry.key != "num_blocks"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(AsrError, match="worker ended"):
        await make_hearing(EngineChoice("sherpa-onnx", tmp_path)).start()


def test_nothing_is_loaded_before_it_is_chosen():
    code = "import sys, asr.engines.choice; sys.exit(bool({'vosk', 'sherpa_onnx'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0
