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

from asr.engines.embedded import EmbeddedRecognizer
from asr.grammar import Grammar
from asr.training.people import RATE, Clip
from asr.training.trim import trim
from asr.units import LETTERS, unit_of

LINE_RATE = 8000


def read(folder: Path) -> list[Clip]:
    """All readings of the folder's ``recordings.tsv``. Raises FileNotFoundError, KeyError for no kit."""
    recognizer, grammar, clips = EmbeddedRecognizer(), Grammar.load("plate"), []
    with (folder / "recordings.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            samples, rate = soundfile.read(folder / row["file"], dtype="float32")
            text = said(recognizer, grammar, samples, rate, row["plate"]) or row["text"]
            samples = trim(soxr.resample(samples, rate, RATE), RATE, -36.0, .01).astype(np.float32)
            pinyin = tuple(tokens(text))
            clips.append(Clip(samples, tuple(map(unit_of, pinyin)), pinyin, row["speaker"]))
    return clips


def said(recognizer, grammar: Grammar, samples: np.ndarray, rate: int, plate: str) -> str:
    """The likeliest text of those that mean the plate; "" where none is among what was heard."""
    stream = recognizer.start(grammar, LINE_RATE)
    narrow = soxr.resample(samples, rate, LINE_RATE)
    stream.feed((np.clip(narrow, -1, 1) * 32767).astype("<i2").tobytes())
    heard = stream.finish().hypotheses
    return next((each.text for each in heard if each.value == plate), "")


def tokens(text: str) -> list[str]:
    """赣K幺二 → gan4 K yao1 er4."""
    found = []
    for character in text:
        found += [character] if character in LETTERS else lazy_pinyin(
            character, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")
    return found
