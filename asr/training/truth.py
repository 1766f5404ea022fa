"""What a held-out recording should be heard as: grammar and value."""

from __future__ import annotations

import functools
import random

from asr.grammars.grammar import Grammar
from asr.grammars.units import LETTERS, unit_of
from asr.training.speakable import DIGITS, PROVINCES, issued_serial

DIGIT_OF = {unit_of(reading): digit for digit, readings in DIGITS.items() for reading, _ in readings}
_PROVINCE_OF = {unit_of(short): name for name, (short, _) in PROVINCES.items()}
_COUNTS = {"liang": 2, "san": 3, "si": 4, "wu": 5}


def of(row: dict):
    """(kind, grammar, value) of a row of asr.training.synthesize; nothing where it has none."""
    if row["kind"] == "plate":
        plate = plate_of(row["units"])
        if plate:
            yield "voices: plate", "plate", plate
    elif row["kind"] == "answer":
        text = row["text"].replace("，", "")
        for grammar in ("yes_no", "owner_answer"):
            value = accepted(grammar).get(text)
            if value:
                yield f"voices: {grammar}", grammar, value
    elif row["kind"] == "other" and len(row["text"]) > 5:
        for grammar in ("plate", "yes_no", "owner_answer"):
            yield f"voices: sentences to reject by {grammar}", grammar, None


def plate_of(units) -> str | None:
    """The plate of the units of speakable.say_plate, None where it is not a legal one."""
    units = list(units)
    first = next((i for i, unit in enumerate(units) if unit in LETTERS), None)
    if not first or units[first - 1] not in _PROVINCE_OF:
        return None
    province = _province(units[:first])
    serial, index, rest = "", first + 1, units[first + 1:]
    while index < len(units):
        unit = units[index]
        if unit in _COUNTS and units[index + 1: index + 2] == ["ge"]:
            count, thing = _COUNTS[unit], units[index + 2]
            serial += (DIGIT_OF.get(thing) or thing) * count
            index += 3
        elif unit in DIGIT_OF or unit in LETTERS:
            serial += DIGIT_OF.get(unit, unit)
            index += 1
        elif unit == "dian" and index == first + 1:
            index += 1
        else:
            break
    letters = sum(character in LETTERS for character in serial)
    ordinary = len(serial) == 5 and letters <= 2
    green = len(serial) == 6 and serial[0] in "DABCEFGHJK" and serial[2:].isdigit()
    if not rest or not (ordinary or green):
        return None
    return province + units[first] + serial


def _province(before: list[str]) -> str:
    """贵 or 桂 and the like sound the same: the name in front, if it was said, tells."""
    for name, (_, spelled) in PROVINCES.items():
        named = [unit_of(token) for token in spelled.split()]
        if len(named) > 1 and before[-1] == unit_of(PROVINCES[name][0]) and (
                before[-len(named) - 2: -2] == named or before[-len(named) - 1: -1] == named):
            return name
    return _PROVINCE_OF[before[-1]]


@functools.cache
def accepted(grammar: str, draws: int = 60000) -> dict[str, str]:
    """Text → value of sentences that the grammar says."""
    loaded, rng = Grammar.load(grammar), random.Random(1)
    sentences = (loaded.sample(rng) for _ in range(draws))
    return {sentence.text: sentence.value for sentence in sentences}


@functools.cache
def register(size: int) -> frozenset[str]:
    """Made-up plates as they are issued, four fifths of them of one city (赣K)."""
    rng, plates = random.Random(2), set()
    while len(plates) < size:
        home = rng.random() < .8
        province = "赣" if home else rng.choice(list(PROVINCES))
        serial = issued_serial(rng)
        plates.add(province + ("K" if home else serial[0]) + serial[1:])
    return frozenset(plates)
