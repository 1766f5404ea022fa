"""`ivr models` and what else the operator sees of an engine."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import tone_model
from recognizer_servers import SpeechServer

from asr.measure.trial import SAID
from hotline.config import load_config
from hotline.errors import CannotRun

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def site(tmp_path):
    """A folder with settings of its own."""
    write(tmp_path)
    return tmp_path


def write(folder, hearing=""):
    (folder / "ivr.toml").write_text(
        f'[engine]\ndata = "data"\nflows = "{ROOT / "flows"}"\n[hearing]\n{hearing}\n', "utf-8")


def ivr(site, *arguments):
    return subprocess.run([sys.executable, "-m", "hotline", *map(str, arguments), "--config", str(site / "ivr.toml")],
                          env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=90)


def one_sentence(done):
    return "Traceback" not in done.stderr and done.stderr.strip().count("\n") == 0


def test_the_embedded_engine_hears_the_recording(site):
    done = ivr(site, "models", "check", "--json")
    told = json.loads(done.stdout)
    assert (told["engine"], told["said"], told["audio_ms"]) == ("embedded", SAID, 2285)
    assert told["heard"][:1] == SAID[:1] and done.returncode == (0 if told["right"] else 1)


def test_a_server_is_added_checked_listed_and_chosen(site):
    server = SpeechServer("vosk", site)
    server.plan("赣 e 八 三 六 二 七")
    try:
        added = ivr(site, "models", "add", "hall", f"ws://u:secret@127.0.0.1:{server.port}", "--engine", "vosk-server")
        assert added.returncode == 0 and f"heard {SAID}" in added.stdout and 'engine = "hall"' in added.stdout
        assert "secret" not in added.stdout
        write(site, 'engine = "hall"')
        assert ivr(site, "models", "check").returncode == 0
        server.plan("今天天气真好")
        assert ivr(site, "models", "check", "hall").returncode == 1
    finally:
        server.stop()
    away = ivr(site, "models", "check")
    assert away.returncode == 2 and "connection refused" in away.stderr and one_sentence(away)
    rows = {row["name"]: row for row in json.loads(ivr(site, "models", "list", "--json").stdout)}
    assert rows["hall"]["in_use"] and rows["hall"]["where"] == f"ws://127.0.0.1:{server.port}"
    assert rows["embedded"]["size_mb"] > 20 and not rows["embedded"]["in_use"]
    assert load_config(site / "ivr.toml").hearing.engine == "vosk-server"
    assert stat.S_IMODE((site / "data" / "engines.json").stat().st_mode) == 0o600


def test_a_model_is_known_by_its_files_and_recorded_though_it_hears_no_plate(site):
    (site / "tones").mkdir()
    folder = tone_model.write_ctc(site / "tones")
    (folder / "LICENSE").write_text("Apache License, Version 2.0")
    added = ivr(site, "models", "add", "tones", folder)
    assert added.returncode == 0 and "sherpa-onnx" in added.stdout
    listed = ivr(site, "models", "list").stdout
    assert next(line for line in listed.splitlines() if "tones" in line).split()[:5] == \
        ["tones", "sherpa-onnx", "1", "MB", "Apache"]


@pytest.mark.parametrize("arguments, words", [
    (("Bad!", "."), "no name for an engine"),
    (("vosk", "."), "an engine's own name"),
    (("empty", "."), "neither a Vosk model"),
    (("away", "nowhere"), "not a folder"),
    (("city", "ws://127.0.0.1:1"), "say which kind"),
    (("city", "ws://127.0.0.1:1", "--engine", "funasr"), "connection refused"),
])
def test_what_cannot_be_used_is_not_recorded(site, arguments, words):
    done = ivr(site, "models", "add", *arguments)
    assert done.returncode == 2 and words in done.stderr and one_sentence(done)
    assert not (site / "data" / "engines.json").exists()


def test_a_damaged_record_is_said(site):
    (site / "data").mkdir()
    (site / "data" / "engines.json").write_text("{")
    done = ivr(site, "models", "list")
    assert done.returncode == 2 and "is damaged" in done.stderr and one_sentence(done)


def test_doctor_says_that_the_chosen_engine_is_not_usable(site):
    write(site, 'engine = "funasr"\nurl = "ws://127.0.0.1:1"')
    findings = json.loads(ivr(site, "doctor", "--json").stdout)["findings"]
    hearing = next(finding for finding in findings if finding["what"] == "hearing")
    assert not hearing["ok"] and "connection refused" in hearing["found"] and "docs/engines.md" in hearing["mend"]


@pytest.mark.parametrize("hearing, words", [
    ('engine = "vosc"', "did you mean 'vosk'"),
    ("answer_timeout_s = 0", "over 0"),
    ('connect_timeout_s = "long"', "must be a number"),
    ("engin = 1", "did you mean 'engine'"),
])
def test_wrong_settings_are_refused_with_what_to_write(site, hearing, words):
    write(site, hearing)
    with pytest.raises(CannotRun, match=words):
        _ = load_config(site / "ivr.toml").hearing
