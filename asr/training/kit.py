"""A city's own recordings (``ivr record``) as training clips.

Whoever reads a plate chooses the readings (一 or 幺, 二 or 两, "两个三"): those that the recognizer finds
likeliest of all that mean the plate are taken, else the plate as the bot reads it out.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile
import soxr
from pypinyin import Style, lazy_pinyin

from asr.grammars.grammar import Grammar
from asr.grammars.units import LETTERS, unit_of
from asr.hear import hear_file
from asr.training.people import RATE, Clip
from asr.training.trim import trim


def read(folder: Path) -> list[Clip]:
    """All readings of the folder's ``recordings.tsv``. Raises FileNotFoundError, KeyError for no kit, and
    AsrError for a recording that cannot be read."""
    grammar, clips = Grammar.load("plate"), []
    with (folder / "recordings.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = folder / row["file"]
            heard = hear_file(path, grammar).hypotheses
            text = next((each.text for each in heard if each.value == row["plate"]), row["text"])
            samples, rate = soundfile.read(path, dtype="float32")
            samples = trim(soxr.resample(samples, rate, RATE), RATE, -36.0, .01).astype(np.float32)
            pinyin = tuple(tokens(text))
            clips.append(Clip(samples, tuple(map(unit_of, pinyin)), pinyin, row["speaker"]))
    return clips


def tokens(text: str) -> list[str]:
    """赣K幺二 → gan4 K yao1 er4."""
    found = []
    for character in text:
        found += [character] if character in LETTERS else lazy_pinyin(
            character, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")
    return found
