"""The embedded model: rejects what is no speech, says what is missing. Needs set-up's encoder."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy_head import NumpyHead, gelu
from onnx import TensorProto, helper

from asr.ear import acoustic
from asr.ear.acoustic import AcousticModel
from asr.ear.encoder_export import _Graph, _output
from asr.ear.head_graph import add_head
from asr.engines.embedded import EmbeddedRecognizer
from asr.grammars.grammar import Grammar
from asr.hear import read_8k
from asr.line.effects import coloured
from asr.recognizer import AsrError, ModelMissing

CHECK = Path(acoustic.__file__).parents[1] / "data" / "check.flac"
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
@pytest.mark.parametrize("grammar", ["yes_no", "readback", "owner_answer"])
def test_a_cough_is_no_answer(recognizer, grammar):
    """Short bursts of noise: the model may name a syllable, and of a grammar of few words one is nearest."""
    rng = np.random.default_rng(3)
    for _ in range(12):
        burst = coloured(rng, int(rng.uniform(.08, .5) * 8000), rng.uniform(.2, 1))
        burst = np.pad(burst * np.hanning(len(burst)), 2000)
        assert finish(recognizer, grammar, burst / np.abs(burst).max() * .5).rejected


@needs_model
def test_probabilities_sum_to_at_most_one(recognizer):
    result = finish(recognizer, "plate", np.random.default_rng(2).normal(0, .1, 24000))
    assert sum(hypothesis.probability for hypothesis in result.hypotheses) <= 1.0


@needs_model
def test_what_is_fed_in_pieces_is_told_as_it_grows_and_ends_as_if_fed_at_once(recognizer):
    pcm, whole = read_8k(CHECK), recognizer.start(Grammar.load("plate"))
    whole.feed(pcm)
    stream = recognizer.start(Grammar.load("plate"))
    told = [partial for start in range(0, len(pcm), 640) if (partial := stream.feed(pcm[start: start + 640]))]
    said = stream.finish().best
    assert len(told) >= 2 and told[-1].value[:3] == said.value[:3] and len(told[0].value) < len(said.value)
    assert said == whole.finish().best


@needs_model
@pytest.mark.parametrize("rate", [0, 11025, 44100])
def test_another_rate_than_a_telephones_is_refused(recognizer, rate):
    with pytest.raises(ValueError, match="8000 or 16000"):
        recognizer.start(Grammar.load("plate"), rate)


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


@needs_model
@pytest.mark.parametrize("mels", [26, 101, 400])
def test_the_head_in_the_model_file_is_the_head_that_was_learnt(mels):
    session = onnxruntime.InferenceSession(str(acoustic.ENCODER), providers=["CPUExecutionProvider"])
    mel = np.random.default_rng(3).normal(0, .5, (1, 80, mels)).astype(np.float32)
    features, log_probs = session.run(["features", "log_probs"], {"mel": mel})
    assert log_probs[0] == pytest.approx(NumpyHead(acoustic.EAR)(features[0]), abs=2e-3)


def test_a_head_of_another_size_is_built_from_its_file(tmp_path):
    rng, width, dilations, units = np.random.default_rng(4), 24, [1, 3], 9
    arrays = {"head/dilations": np.array(dilations, np.int32),
              "head/last.bias": rng.normal(0, 1, units).astype(np.float32)}
    for name, shape in [("first", (width, 512, 3)), *((f"convs.{i}", (width, width, 3)) for i in (0, 1)),
                        ("last", (units, width))]:
        arrays[f"head/{name}.weight"] = rng.integers(-127, 128, shape).astype(np.int8)
        arrays[f"head/{name}.weight/scale"] = rng.uniform(1e-4, 1e-3, shape[0]).astype(np.float32)
        arrays.setdefault(f"head/{name}.bias", rng.normal(0, .1, shape[0]).astype(np.float32))
    for index in range(len(dilations) + 1):
        arrays[f"head/norms.{index}.weight"] = rng.uniform(.5, 2, width).astype(np.float32)
        arrays[f"head/norms.{index}.bias"] = rng.normal(0, .1, width).astype(np.float32)
    np.savez(tmp_path / "ear.npz", **arrays)
    features = rng.normal(0, 1, (31, 512)).astype(np.float32)
    with np.load(tmp_path / "ear.npz") as learnt:
        session = onnxruntime.InferenceSession(head_model(learnt, units).SerializeToString())
    log_probs = session.run(None, {"features": features[None]})[0][0]
    assert log_probs == pytest.approx(NumpyHead(tmp_path / "ear.npz")(features), abs=1e-4)


def head_model(learnt, units):
    graph = _Graph()
    outputs = [_output(graph, add_head(graph, "features", learnt), "log_probs", "halves", units)]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, "frames", 512])]
    return helper.make_model(
        helper.make_graph(graph.nodes, "head", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
