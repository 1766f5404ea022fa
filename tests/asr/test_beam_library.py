"""The compiled search is built once, whole or not at all, and says what it needs."""

import subprocess
import sys

import pytest

from asr.recognizer import ModelMissing
from asr.search import beam_library


def test_it_is_built_once_and_nothing_is_left_over(tmp_path):
    path = beam_library.build(folder=tmp_path)
    made = path.stat().st_mtime_ns
    assert beam_library.build(folder=tmp_path) == path
    assert path.stat().st_mtime_ns == made
    assert list(tmp_path.iterdir()) == [path]


def test_another_source_is_another_library(tmp_path):
    other = tmp_path / "beam.c"
    other.write_text(beam_library.SOURCE.read_text() + "/* changed */\n")
    assert beam_library.library_path(other, tmp_path) != beam_library.library_path(folder=tmp_path)


def test_without_a_compiler_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelMissing, match="apt-get install gcc"):
        beam_library.build(folder=tmp_path)


def test_a_compiler_that_fails_is_quoted(tmp_path):
    broken = tmp_path / "beam.c"
    broken.write_text("no C;")
    with pytest.raises(ModelMissing, match=r"was not built .*error.*: run `apt-get install gcc"):
        beam_library.build(broken, tmp_path)
    assert list(tmp_path.iterdir()) == [broken]


def test_a_library_that_is_there_needs_neither_compiler_nor_writing(tmp_path, monkeypatch):
    path = beam_library.build(folder=tmp_path)
    path.chmod(0o555)
    tmp_path.chmod(0o555)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert beam_library.build(folder=tmp_path) == path


def test_set_up_builds_it_by_command():
    done = subprocess.run([sys.executable, "-m", "asr.search.beam_library"], capture_output=True, text=True,
                          timeout=60, check=True)
    assert done.stdout.strip() == str(beam_library.library_path())
