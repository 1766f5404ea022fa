"""Recordings of people: read from their tar, and joined syllable by syllable into running plates."""

from __future__ import annotations

import io
import random
import tarfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from pypinyin import Style, lazy_pinyin

from asr.grammars.units import unit_of
from asr.training import augment, speakable
from asr.training.trim import trim

RATE = 16000
SPELLED = {
    "A": ["ei1", "ei4"], "B": ["bi4", "bi1", "bi3"], "C": ["xi1", "xi2"], "D": ["di4", "di1"],
    "E": ["yi4"], "F": ["ai2 fu5", "ai2 fu2", "ai2 fu1"], "G": ["ji4", "ji1"],
    "H": ["ai2 chi1", "ei2 chi1", "ai4 qu4"], "J": ["zhei4", "jie4", "zhai4"], "K": ["kai4", "kei1", "ke4 ei1"],
    "L": ["ai2 lou5", "ai2 le5", "ai2 lou2"], "M": ["ai2 mu5", "ai2 mu3", "ai2 mu2"], "N": ["en1", "en4"],
    "P": ["pi4", "pi1"], "Q": ["ke4 you4", "kou4", "qiu1"], "R": ["a4", "a1 er3", "a2 er5"],
    "S": ["ai2 si1", "ai2 si5"], "T": ["ti4", "ti1"], "U": ["you1", "you4"],
    "V": ["wei1", "wei2", "wei4"], "W": ["da2 bu4 liu4", "da2 bu5 you1"], "X": ["ai2 ke4 si1", "ai2 ke5 si1"],
    "Y": ["wai4", "wai1"], "Z": ["zei2", "zei4"],
}


@dataclass(frozen=True)
class Clip:
    samples: np.ndarray            # 16 kHz float32, trimmed
    units: tuple[str, ...]
    pinyin: tuple[str, ...]
    speaker: str


def read(tsv: Path) -> list[Clip]:
    """All recordings of one set whose pinyin (or hanzi) has units; the others are left out."""
    clips = []
    lines = [line.split("\t") for line in tsv.read_text("utf-8").splitlines()[1:]]
    with tarfile.open(tsv.with_suffix(".tar")) as archive:
        for name, text, pinyin, speaker, *_ in lines:
            tokens = pinyin.replace("，", "").replace("。", "").split() or lazy_pinyin(
                text, style=Style.TONE3, neutral_tone_with_five=True)
            try:
                units = tuple(map(unit_of, tokens))
            except KeyError:
                continue
            samples, rate = soundfile.read(io.BytesIO(archive.extractfile(name).read()),
                                           dtype="float32")
            samples = soxr.resample(samples, rate, RATE)
            clips.append(Clip(trim(samples, RATE, -36.0, .01).astype(np.float32), units,
                              tuple(tokens), speaker))
    return clips


class Joiner:
    """Running plates out of one speaker's syllables; letters as a Chinese caller spells them."""

    def __init__(self, clips: list[Clip]):
        self._by_speaker: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
        for clip in clips:
            if len(clip.pinyin) == 1:
                self._by_speaker[clip.speaker][clip.pinyin[0]].append(clip)
        self.speakers = [name for name, has in self._by_speaker.items() if len(has) > 200]

    def plate(self, rng: random.Random) -> tuple[np.ndarray, tuple[str, ...]]:
        """A plate, its province and letters as the speaker's syllables allow."""
        bank = self._by_speaker[rng.choice(self.speakers)]
        return self._said(self._tokens(rng, bank), bank, rng)

    def digits(self, rng: random.Random, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
        """So many digits, in any reading that the speaker has."""
        bank = self._by_speaker[rng.choice(self.speakers)]
        tokens = []
        while len(tokens) < count:
            forms, weights = zip(*speakable.DIGITS[rng.choice("0123456789")], strict=True)
            token = rng.choices(forms, weights)[0]
            if token in bank:
                tokens.append((unit_of(token), [token]))
        return self._said(tokens, bank, rng)

    def _said(self, spelled, bank, rng: random.Random) -> tuple[np.ndarray, tuple[str, ...]]:
        """Pairs of (unit, tokens) as running speech of the speaker with this bank."""
        pace, joined, units = rng.uniform(.95, 1.75), np.zeros(0), []
        for unit, tokens in spelled:
            units.append(unit)
            for token in tokens:
                clip = rng.choice(bank[token])
                piece = augment.faster(clip.samples, pace * rng.uniform(.9, 1.1))
                piece = piece / (np.abs(piece).max() + 1e-4) * rng.uniform(.5, 1)
                joined = join(joined, piece, rng)
        return joined.astype(np.float32), tuple(units)

    def _tokens(self, rng: random.Random, bank):
        short, name = speakable.PROVINCES[rng.choice(list(speakable.PROVINCES))]
        said = (f"{name} de5 {short}" if rng.random() < .3 else short).split()
        serial = speakable.random_serial(rng)
        for token in said:
            if token in bank or token[:-1] + "1" in bank:
                yield unit_of(token), [token if token in bank else token[:-1] + "1"]
        for character in serial:
            if character.isdigit():
                forms, weights = zip(*speakable.DIGITS[character], strict=True)
                token = rng.choices(forms, weights)[0]
                if token in bank:
                    yield unit_of(token), [token]
            else:
                forms = [form.split() for form in SPELLED[character]]
                forms = [form for form in forms if all(token in bank for token in form)]
                if forms:
                    yield character, rng.choice(forms)


def join(left: np.ndarray, right: np.ndarray, rng: random.Random) -> np.ndarray:
    gap = rng.uniform(-.04, .05) if rng.random() < .6 else rng.uniform(.05, .3)
    overlap = int(-gap * RATE)
    if overlap <= 0:
        return np.concatenate([left, np.zeros(-overlap), right])
    overlap = min(overlap, len(left), len(right))
    if not overlap:
        return np.concatenate([left, right])
    fade = np.linspace(0, 1, overlap)
    middle = left[-overlap:] * (1 - fade) + right[:overlap] * fade
    return np.concatenate([left[:-overlap], middle, right[overlap:]])
