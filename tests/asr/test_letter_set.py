"""A folder of somebody's letters becomes a set that ``ivr bench hear`` takes."""

import csv
import sys

import numpy as np
import pytest
import soundfile

from asr.grammars.grammar import Grammar
from asr.training import letter_set


@pytest.fixture
def rows(tmp_path, monkeypatch):
    folder, out = tmp_path / "said", tmp_path / "set"
    folder.mkdir()
    tone = .05 * np.sin(np.arange(4000) / 4)
    for name in ("b.wav", "H.wav", "i.wav", "dot.wav", "w.ogg"):
        soundfile.write(folder / name, np.stack([np.pad(tone, 8000)] * 2, 1), 8000)
    (folder / "readme.txt").write_text("no sound")
    monkeypatch.setattr(sys, "argv", ["letter_set", "--out", str(out), f"anna={folder}"])
    letter_set.main()
    with (out / "letters.tsv").open(encoding="utf-8") as table:
        return out, list(csv.DictReader(table, delimiter="\t"))


def test_a_set_holds_the_letters_of_plates_and_nothing_else(rows):
    assert [(row["value"], row["speaker"]) for row in rows[1]] == [("B", "anna"), ("H", "anna"), ("W", "anna")]


def test_a_letter_stands_in_silence_at_one_rate_and_level(rows):
    for row in rows[1]:
        samples, rate = soundfile.read(rows[0] / row["file"])
        assert rate == 16000 and samples.ndim == 1
        assert not samples[:4000].any() and not samples[-4000:].any()
        assert abs(np.abs(samples).max() - .316) < .01
        assert len(samples) < 2 * 16000        # the recording's own second of silence is gone


def test_its_grammar_takes_every_letter(rows):
    grammar = Grammar.load(rows[1][0]["grammar"])
    assert set(letter_set.LETTERS) <= set("".join(grammar.graph.outputs))
