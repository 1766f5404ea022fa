"""`ivr bench false-plates` as a tester uses it: a plate counts, quiet and tones do not."""

import json

import numpy as np
import pytest
from service import ivr

from tts import audio, caller_voice
from tts.errors import TtsError

RATE = 8000


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two plates with a rest between, cut off as the second ends; a sentence; ring-back; a torn file elsewhere."""
    folder = tmp_path_factory.mktemp("recordings")
    try:
        plate = caller_voice.say("赣KD56789", "zm_yunxi")
        sentence = caller_voice.say("今天天气真好，我想去公园里走一走。", "zm_yunxi")
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    rest = bytes(2 * 2 * RATE)
    seconds = np.arange(5 * RATE) / RATE
    ring_back = (8000 * np.sin(2 * np.pi * 450 * seconds) * (seconds % 2 < 1)).astype("<i2").tobytes()
    audio.write_file(folder / "plates.wav", plate + rest + plate)
    audio.write_file(folder / "sentence.wav", sentence + rest)
    audio.write_file(folder / "ring-back.wav", ring_back)
    (folder / "empty.wav").touch()
    return folder


def test_what_is_taken_for_a_plate_is_counted_by_file(recordings):
    done = ivr("bench", "false-plates", str(recordings), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["not_used"]) == 1 and "empty.wav" in report["not_used"][0]
    by_file = report["by_file"]
    assert (by_file["plates.wav"]["turns"], by_file["plates.wav"]["taken"]) == (2, 2)
    assert by_file["sentence.wav"]["turns"] >= 1 and by_file["sentence.wav"]["taken"] == 0
    assert by_file["ring-back.wav"]["turns"] == 0
    assert report["taken"] == 2 and report["share"] == round(2 / report["turns"], 4)


def test_what_cannot_be_heard_is_said_in_one_sentence(tmp_path):
    nothing = ivr("bench", "false-plates", str(tmp_path))
    assert nothing.returncode != 0 and "holds no recording" in nothing.stderr
    (tmp_path / "torn.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    torn = ivr("bench", "false-plates", str(tmp_path))
    assert torn.returncode != 0 and "torn.wav" in torn.stderr and "Traceback" not in torn.stderr
