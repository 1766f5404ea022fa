"""The embedded model: rejects what is no speech, says what is missing. Needs set-up's encoder."""

import numpy as np
import pytest

from asr import acoustic
from asr.acoustic import AcousticModel, gelu
from asr.engines.embedded import EmbeddedRecognizer
from asr.grammar import Grammar
from asr.hear import read_8k
from asr.recognizer import AsrError, ModelMissing

needs_model = pytest.mark.skipif(not acoustic.ENCODER.exists(), reason="run `make setup` first")


@pytest.fixture(scope="module")
def recognizer():
    return EmbeddedRecognizer()


def finish(recognizer, grammar, samples):
    stream = recognizer.start(Grammar.load(grammar))
    stream.feed((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return stream.finish()


def tones(*hertz, seconds=2.0, on_s=10.0):
    time = np.arange(int(8000 * seconds)) / 8000
    return sum(0.2 * np.sin(2 * np.pi * each * time) for each in hertz) * (time % (2 * on_s) < on_s)


@needs_model
@pytest.mark.parametrize("grammar", ["plate", "yes_no", "owner_answer"])
@pytest.mark.parametrize("sound", [
    np.zeros(16000), np.random.default_rng(1).normal(0, .02, 16000),
    tones(450), tones(450, on_s=.35), tones(770, 1336, on_s=.1)],
    ids=["silence", "hiss", "ring-back", "busy", "DTMF"])
def test_what_is_no_speech_is_rejected(recognizer, grammar, sound):
    assert finish(recognizer, grammar, sound).rejected


@needs_model
def test_probabilities_sum_to_at_most_one(recognizer):
    result = finish(recognizer, "plate", np.random.default_rng(2).normal(0, .1, 24000))
    assert sum(hypothesis.probability for hypothesis in result.hypotheses) <= 1.0


@needs_model
def test_nothing_and_almost_nothing_are_rejected(recognizer):
    assert finish(recognizer, "plate", np.zeros(0)).rejected
    assert finish(recognizer, "plate", np.ones(100) * .1).rejected


def test_a_missing_encoder_says_what_to_do(tmp_path):
    with pytest.raises(ModelMissing, match="make setup"):
        AcousticModel.load(tmp_path / "encoder.onnx")


def test_a_file_that_is_no_recording_is_named(tmp_path):
    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(AsrError, match="a.wav is not a recording"):
        read_8k(tmp_path / "a.wav")


def test_raw_a_law_is_read(tmp_path):
    (tmp_path / "a.alaw").write_bytes(bytes([0xD5]) * 800)
    assert len(read_8k(tmp_path / "a.alaw")) == 1600


def test_gelu_of_numpy_is_gelu():
    assert gelu(np.array([-1.0, 0.0, 2.0], np.float32)) == pytest.approx([-.158655, 0, 1.954500], abs=1e-5)
