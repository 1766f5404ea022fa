"""A model file that is not the one that was set up is named in one sentence, never loaded."""

import shutil
import tomllib
from pathlib import Path

import pytest

from asr.ear.acoustic import ENCODER, AcousticModel
from asr.ear.encoder_export import checksum_file
from asr.recognizer import ModelMissing
from tts.errors import VoiceFileWrong
from tts.kokoro import MODEL_DIR, MODEL_SHA256, Kokoro

ASSETS = Path(__file__).resolve().parents[2] / "setup" / "assets.toml"


@pytest.mark.skipif(not ENCODER.exists(), reason="make setup builds the encoder")
def test_an_encoder_with_one_byte_changed_is_refused(tmp_path):
    encoder = tmp_path / ENCODER.name
    content = bytearray(ENCODER.read_bytes())
    content[len(content) // 2] ^= 1
    encoder.write_bytes(content)
    shutil.copy(checksum_file(ENCODER), tmp_path)
    with pytest.raises(ModelMissing, match="SHA-256 is wrong.*make -B setup"):
        AcousticModel.load(encoder)


@pytest.mark.skipif(not (MODEL_DIR / "model.onnx").exists(), reason="make setup fetches the voice")
def test_a_torn_voice_is_refused(tmp_path):
    shutil.copytree(MODEL_DIR, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("model.onnx"))
    (tmp_path / "model.onnx").write_bytes(b"torn")
    with pytest.raises(VoiceFileWrong, match="SHA-256 is wrong.*make -B setup"):
        Kokoro(tmp_path).speak("你好", "zf_xiaoxiao")


def test_the_voice_is_pinned_to_the_same_file_in_both_places():
    assets = tomllib.loads(ASSETS.read_text(encoding="utf-8"))["asset"]
    assert MODEL_SHA256 in {asset.get("sha256") for asset in assets}
