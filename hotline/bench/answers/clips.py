"""Some hundreds of made calls: what is heard from whoever answers, and who that truly is.

Speech is Kokoro's, in voices kept for this (voices.py); every clip passes a telephone line with its
noise, codec and lost packets. The same part and seed give the same clips, to the last sample.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import yaml

from asr.line.effects import WIDE, coloured, swell
from asr.line.simulation import Conditions, over_the_line
from dialer.answer.verdict import PERSON
from hotline.bench.answers import sounds
from hotline.bench.answers.speech import spoken, throat
from hotline.bench.answers.voices import ENGLISH, VOICES

Part = Literal["tune", "seen", "measure-1", "measure-2", "measure-3", "measure-4", "measure-5", "measure-6", "measure-7"]
PARTS = tuple(VOICES)
"""`tune` and `seen` for choosing rules; the others each a measurement once, with sentences and voices of its own."""
TEXTS = Path(__file__).with_name("texts")
ANSWERED = {PERSON, "voicemail", "assistant"}
"""Only after the answer; announcements come before it in four calls of five."""
TAKES = {"tune": 1, "seen": 2, "measure-1": 2, "measure-2": 1, "measure-3": 1, "measure-4": 1, "measure-5": 1,
         "measure-6": 1, "measure-7": 1}
"""Voices that say each sentence."""
MIXED = {"measure-2", "measure-3", "measure-4", "measure-5", "measure-6", "measure-7"}
"""Parts in which machines, too, speak faster or slower, and no two voices have one pitch."""
SOUNDS = {"ringing": 12, "music": 24, "fax": 14, "busy": 8, "congestion": 6, "no-such-number": 4}
LEAST_S = 8.0


@dataclass(frozen=True)
class Clip:
    """`kind`: the truth. `pcm_8k` is heard in early media or (`early` false) after the answer."""

    name: str
    kind: str
    early: bool
    pcm_8k: bytes
    voice: str
    text: str


@dataclass(frozen=True)
class _Plan:
    kind: str
    text: str
    voice: str
    rng: np.random.Generator


def clips(part: Part, seed: int = 1) -> Iterator[Clip]:
    """All clips of a part. Raises `TtsError` where the voices are not installed."""
    for number, plan in enumerate(_plans(part, seed)):
        early = plan.kind in ("ringing", "music") or (
            plan.kind not in (*ANSWERED, "fax") and plan.rng.random() < 0.8)
        wide = _spoken(plan, early, part) if plan.text else _made(plan)
        pcm = _on_the_line(wide, plan.rng)
        yield Clip(f"{part}-{number:03d}", plan.kind, early, pcm, plan.voice, plan.text)


def count(part: Part, seed: int = 1) -> int:
    """How many clips a part has."""
    return len(_plans(part, seed))


def _plans(part: Part, seed: int) -> list[_Plan]:
    voices, plans = VOICES[part], []

    def plan(kind: str, text: str, take: int) -> None:
        key = zlib.crc32(f"{part}/{seed}/{kind}/{text}/{take}".encode())
        voice = voices[(key + take) % len(voices)] if text else ""
        plans.append(_Plan(kind, text, voice, np.random.default_rng(key)))

    for kind, texts in yaml.safe_load((TEXTS / f"{part}.yaml").read_text("utf-8")).items():
        for text in texts:
            for take in range(TAKES[part]):
                plan(kind, text, take)
    for kind, many in {**SOUNDS, PERSON: 8}.items():
        for take in range(many):
            plan(kind, "", take)
    return plans


def _spoken(plan: _Plan, early: bool, part: Part) -> np.ndarray:
    rng = plan.rng
    said = _say(plan, part)
    if plan.kind == PERSON:
        return np.concatenate([sounds.rest(rng.uniform(0.1, 1.2)), _aged(said, rng), sounds.rest(rng.uniform(2.0, 5.0))])
    if plan.kind == "voicemail":
        return np.concatenate([sounds.rest(rng.uniform(0.1, 1.0)), said, sounds.rest(rng.uniform(0.2, 0.8)),
                               sounds.beep(rng), sounds.rest(2.0)])
    before = [sounds.rest(rng.uniform(0.05, 0.8))]
    if early and rng.random() < 0.3:
        before = [sounds.cadence("ringing", rng.uniform(2.0, 8.0), rng), *before]
    elif early and rng.random() < 0.15:
        before = [sounds.music(rng.uniform(3.0, 6.0), rng), *before]
    again = [sounds.rest(rng.uniform(0.6, 1.5)), said] if plan.kind != "assistant" else [sounds.rest(4.0)]
    return np.concatenate([*before, said, *again])


def _say(plan: _Plan, part: Part) -> np.ndarray:
    rng = plan.rng
    slowest, fastest = (0.9, 1.2) if plan.kind == PERSON else (0.85, 1.2) if part in MIXED else (1.0, 1.0)
    speed = round(rng.uniform(slowest, fastest), 1) if slowest < fastest else 1.0
    said = spoken(plan.text, plan.voice, ENGLISH.get(part, "") if plan.kind != PERSON else "", speed)
    return throat(said, rng.uniform(0.94, 1.08)) if part in MIXED else said


def _aged(said: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One in seven is a child."""
    return throat(said, 1.28) if rng.random() < 0.15 else said


def _made(plan: _Plan) -> np.ndarray:
    rng = plan.rng
    match plan.kind:
        case "music":
            return sounds.music(10.0, rng)
        case "fax":
            return sounds.fax(rng)
        case kind if kind == PERSON:   # nobody speaks: silence, breath, or the street alone
            seconds = rng.uniform(6.0, 10.0)
            noise = coloured(rng, int(seconds * WIDE), 0.9) * swell(rng, int(seconds * WIDE))
            return noise * rng.choice((0.0, 0.005, 0.05))
        case kind:
            return np.concatenate([sounds.rest(rng.uniform(0.1, 1.0)), sounds.cadence(kind, 10.0, rng)])


def _on_the_line(wide: np.ndarray, rng: np.random.Generator) -> bytes:
    """Padded to LEAST_S, quieter or louder, through a telephone line."""
    wide = np.pad(wide, (0, max(0, int(LEAST_S * WIDE) - len(wide)))) * 10 ** (rng.uniform(-10, 3) / 20)
    noise = rng.choice((30.0, 20.0, 12.0)) if rng.random() < 0.6 and wide.any() else None
    line = str(rng.choice(("alaw", "alaw", "alaw", "gsm")))
    loss = float(rng.choice((0.0, 0.0, 0.01, 0.02)))
    return over_the_line(wide, WIDE, Conditions(line, noise, loss), int(rng.integers(1 << 31)))
