"""`ivr bench match` and `ivr owners` as programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dialer.register.keys import load_key, new_key
from dialer.register.sealing import seal

ROOT = Path(__file__).resolve().parents[2]


def ivr(*arguments, folder=ROOT):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "hotline", *map(str, arguments)],
                          cwd=folder, env=environment, capture_output=True, text=True, timeout=90)


def test_a_small_register_is_measured_within_its_limits():
    done = ivr("bench", "match", "--plates", 20_000, "--rounds", 60, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["plates"] == 20_000 and figures["variants"] == 300
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] < 5 * 4  # four times the promise: other programs may run
    assert figures["bytes_per_plate"] <= 250 and figures["matched"] >= 25


def test_a_full_disk_is_one_sentence(monkeypatch, tmp_path):
    from hotline.bench.match import measure_match
    from hotline.errors import CannotRun

    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**6}))
    with pytest.raises(CannotRun, match="TMPDIR"):
        measure_match(tmp_path, 1_000_000, 10, 1, lambda *_: None)


def test_the_life_of_a_register_on_the_command_line(tmp_path):
    (tmp_path / "owners.csv").write_text("plate,phone,quiet\n赣K12345,00055512345,22:00-07:00 12:00-14:00\n", encoding="utf-8")
    (tmp_path / "vault.toml").write_text('register = "live.reg"\nkey_file = "owners.key"\n')
    for words in (
        "owners key owners.key", "owners seal owners.csv --key owners.key", "owners import owners.reg",
        "owners rotate --vault vault.toml", "owners rollback", "owners rollback", "owners keys",
    ):
        done = ivr(*words.split(), folder=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
        assert "00055512345" not in done.stdout + done.stderr
    newest, older = done.stdout.splitlines()
    assert "newest, opens the register in use" in newest and older.endswith("older")
    done = ivr("owners", "revoke", older.split()[0], folder=tmp_path)
    assert done.returncode == 0 and "deleted" in done.stdout
    assert load_key(tmp_path / "owners.key").hex() not in done.stdout


@pytest.mark.parametrize(("words", "said"), [
    ("owners import torn.reg", "torn.reg is cut short"),
    ("owners import owners.csv", "owners.csv is not a sealed register"),
    ("owners import foreign.reg", "foreign.reg was sealed with another key"),
    ("owners import nothing.reg", "nothing.reg: No such file"),
    ("owners rollback", "no generation before"),
    ("owners seal owners.csv --key owners.key", "5 to 17 digits"),
    ("owners seal twice.csv --key owners.key", "twice.csv:3: the same plate is on line 2"),
    ("owners rotate", "give --vault"),
])
def test_what_cannot_be_is_one_sentence_and_exit_code_2(tmp_path, words, said):
    (tmp_path / "vault.toml").write_text('key_file = "owners.key"\n')
    (tmp_path / "owners.csv").write_text("plate,phone\n赣K12345,12345678901234567890\n", encoding="utf-8")
    (tmp_path / "twice.csv").write_text("plate,phone\n赣K12345,00010001\n赣K12345,00010002\n", encoding="utf-8")
    (tmp_path / "one.csv").write_text("plate,phone\n赣K12345,00010001\n", encoding="utf-8")
    new_key(tmp_path / "owners.key")
    seal(tmp_path / "one.csv", bytes(32), tmp_path / "foreign.reg")
    (tmp_path / "torn.reg").write_bytes((tmp_path / "foreign.reg").read_bytes()[:-1])
    done = ivr(*words.split(), folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert "1234567890" not in done.stderr


def test_an_audit_log_that_was_changed_is_exit_code_1(tmp_path):
    from dialer.vault.audit import AuditLog

    (tmp_path / "vault.toml").write_text('key_file = "owners.key"\n')
    new_key(tmp_path / "owners.key")
    log = AuditLog(tmp_path / "audit.jsonl", load_key(tmp_path / "owners.key"))
    for case in "abc":
        log.append("match", case=case)
    log.close()
    report = json.loads(ivr("owners", "audit", "--json", folder=tmp_path).stdout)
    assert report["entries"] == 3
    assert ivr("owners", "audit", "--head", report["head"], folder=tmp_path).returncode == 0
    lines = (tmp_path / "audit.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "audit.jsonl").write_text("".join(lines[:2]))
    assert ivr("owners", "audit", folder=tmp_path).returncode == 0  # cut at the end: only a head tells
    done = ivr("owners", "audit", "--head", report["head"], folder=tmp_path)
    assert done.returncode == 1 and "entries were removed" in done.stderr
    (tmp_path / "audit.jsonl").write_text("".join(lines).replace('"case":"b"', '"case":"x"'))
    done = ivr("owners", "audit", folder=tmp_path)
    assert done.returncode == 1 and "audit.jsonl:2" in done.stderr
