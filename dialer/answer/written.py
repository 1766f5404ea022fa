"""Who says a text that free speech was written down as: phrases are found in it by their sound.

A recognizer of free speech hears announcements well and spells them badly (您播打的用户以关及), so syllables are
compared, not characters: one sound beside is a third of a mistake, and a quarter of a phrase may be mistaken.
Where no phrase is found, or the whole sentence says otherwise, that tells (dialer/answer/sentences.py).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from asr.search.text_match import alike
from dialer.answer.sentences import sentence_model
from dialer.answer.syllables import Syllables, readings_of
from dialer.answer.verdict import MUSIC, PERSON

PHRASES = Path(__file__).with_name("phrases.yaml")
UNTOLD = "an announcement, not told which"
WHOLE = "a sentence as machines say it"
LEAST_TEXT = 3
"""Characters: less is 喂 and noise."""
_MISTAKEN, _DIALLED = 0.25, 0.26     # of a phrase's syllables less than this share may be others
_NEAR, _LOST = 1 / 3, 1.0            # cost of a syllable one sound beside, and of one too few or too many
_WHOLE_LEAST, _WHOLE_SURE = 0.35, 0.8 # least share of a whole sentence's kind: before the answer; after it, or against a phrase
_PERSON_MOST = 0.1                   # share of a person, once the call was answered, up to which a machine speaks,
_PERSON_SURE = 0.95                  # and from which a person does, whatever phrases say
_ANSWERS = {PERSON, "assistant"}       # speak with whoever calls, so never before the answer: a network that names 机主 or 秘书台 does
_STAFF = re.compile("[空公工]号[是为]?[零〇一二三四五六七八九幺两0-9]+")    # 工号零五二七 sounds like 空号, and is a company's greeting
_CHANGED = {"busy": "waiting"}       # who speaks with another may be waited for, where that is said too


@dataclass(frozen=True)
class Said:
    """`kind` of dialer/answer/verdict.py, or "" where nothing that machines say was found; `phrase`: of PHRASES."""

    kind: str
    phrase: str = ""


def said_in(text: str, early: bool, unbroken: bool, expected: bool = False) -> Said | None:
    """Who says `text`; None where it is too short to tell. `early`: before the call was answered, where no person
    is; `unbroken`: it was said in one breath of some seconds, or on over our own voice; `expected`: a network's
    tone said that an announcement follows."""
    heard = readings_of(_STAFF.sub("", text))
    if len(heard) < LEAST_TEXT:
        return None
    table = _table()
    dialled = expected or _found(heard, table["dialled"], _DIALLED) is not None
    announced = early or dialled or _found(heard, table["hints"], _MISTAKEN) is not None
    parts = ["alone", *(["announced"] if announced else []), *(["perhaps"] if unbroken else [])]
    entries = [entry for part in parts for entry in table[part] if not (early and entry[0] in _ANSWERS)]
    best = _found(heard, entries, _MISTAKEN)
    if best and best.kind in _CHANGED:
        best = _found(heard, [entry for entry in entries if entry[0] == _CHANGED[best.kind]], _MISTAKEN) or best
    whole, share = _whole(heard, early)
    if whole == PERSON and not dialled:
        return Said("")
    if whole not in ("", PERSON) and (not best or whole != best.kind and share >= _WHOLE_SURE):
        return Said(whole, WHOLE)
    if best:
        return best
    return Said("unreachable", UNTOLD) if dialled and not early else Said("")


def _whole(heard: Syllables, early: bool) -> tuple[str, float]:
    """The machine that says such a sentence, and its share of machines', or a person; "" where it is not sure enough who.
    Songs and adverts are played before the answer; afterwards who says such words counts as a person."""
    shares = sentence_model().shares([min(syllable) for syllable in heard])
    persons = {PERSON, MUSIC}
    person = 0.0 if early else sum(shares.get(kind, 0.0) for kind in persons)
    machines = {kind: share for kind, share in shares.items() if kind not in (_ANSWERS if early else persons)}
    kind, share = max(machines.items(), key=lambda item: item[1])
    total = sum(machines.values())
    if person >= _PERSON_SURE:
        return PERSON, person
    if person > _PERSON_MOST or share < (_WHOLE_LEAST if early else _WHOLE_SURE) * total:
        return "", 0.0
    return kind, share / total


def _found(heard: Syllables, phrases: Sequence[tuple[str, Syllables, str]], most: float) -> Said | None:
    """The phrase with the smallest share of mistakes, under `most`; of equals the first."""
    sounds = frozenset().union(*heard)
    sounds |= frozenset().union(*map(_alike, sounds))
    best, least = None, most
    for kind, wanted, phrase in phrases:
        if sum(bool(syllable & sounds) for syllable in wanted) >= (1 - most) * len(wanted):
            mistaken = _mistakes(heard, wanted) / len(wanted)
            if mistaken < least:
                best, least = Said(kind, phrase), mistaken
    return best


def _mistakes(heard: Syllables, wanted: Syllables) -> float:
    """What the stretch of `heard` that is likest to `wanted` costs."""
    costs = [_LOST * place for place in range(len(wanted) + 1)]
    best = costs[-1]
    for syllable in heard:
        before, costs = costs, [0.0]
        for place, other in enumerate(wanted):
            costs.append(min(before[place] + _differ(syllable, other), before[place + 1] + _LOST, costs[place] + _LOST))
        best = min(best, costs[-1])
    return best


@functools.lru_cache(1 << 16)
def _differ(one: frozenset[str], other: frozenset[str]) -> float:
    if one & other:
        return 0.0
    return _NEAR if any(_alike(unit) & other for unit in one) else 1.0


def _alike(unit: str) -> frozenset[str]:
    return frozenset(alike().get(unit, ()))


@functools.cache
def _table() -> dict[str, Sequence[tuple[str, Syllables, str]]]:
    """Part → (kind, sound, phrase) of each of its phrases, in the file's order; `dialled` and `hints` have no kinds."""
    written = yaml.safe_load(PHRASES.read_text("utf-8"))
    for part in ("dialled", "hints"):
        written[part] = {"": written[part]}
    return {part: [(kind, readings_of(phrase), phrase) for kind, phrases in kinds.items() for phrase in phrases]
            for part, kinds in written.items()}
