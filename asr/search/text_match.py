"""Text to a grammar's value: for engines that write down what they heard.

The text is turned into posteriors (a frame a character, likely units high, units that sound alike
lower) and searched through the grammar's graph, so that homophones, digits, letters' names written in
hanzi and a lost or added syllable are all judged by sound, as the embedded engine does.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from asr.grammars import templates
from asr.grammars.grammar import Grammar
from asr.grammars.units import BLANK, LETTERS, SYLLABLES, TONED, UNIT_IDS, UNITS
from asr.recognizer import Hypothesis, Result, Word
from asr.search.decoder import Path, decode

LONGEST_TEXT = 200                 # characters; nobody says more in one turn
MOST = 50                          # hypotheses kept
REJECT_PER_CHARACTER = 1.5         # nats; a character too many costs 6
LIKELY = 4.0                       # nats that a hypothesis may be worse than the best
WHOLE_NATS = 6.0                   # how much worse a whole value may be and still be preferred
_BEAM = 300
_GARBAGE = 1.2
_FLOOR = -9.0                      # of a unit that the character does not sound like
_SKIPPED = -6.0                    # of a character that was written and not said
_ADDED = -8.0                      # of a unit that was said and not written
_ALIKE = -3.0                      # one sound apart: initial, final
_NAMED = -0.7                      # a letter whose name was written as a hanzi or a syllable

_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_NO_LETTERS = {"I": "一", "O": "零"}  # plates have neither
# How callers say letters, as recognizers of Mandarin write it down.
_LETTER_NAMES = {
    "A": "ei", "B": "bi", "C": "xi", "D": "di", "E": "yi", "F": "ai fu", "G": "ji", "H": "ei chi",
    "J": "jie|zhei", "K": "kai|kei", "L": "ai lou|ai lu|ai le", "M": "ai mu", "N": "en", "P": "pi",
    "Q": "qiu", "R": "a", "S": "ai si", "T": "ti", "U": "you", "V": "wei", "W": "da bu liu",
    "X": "ai ke si", "Y": "wai", "Z": "zei",
}
_NEAR_INITIALS = ("zh z", "ch c", "sh s", "n l", "f h", "b p", "d t", "g k", "j q", "x s")
_NEAR_FINALS = ("an ang", "en eng", "in ing", "ian iang", "uan uang", "un ong")


def match_text(grammar: Grammar, *texts: str, words: tuple[Word, ...] = (),
               speech_ms: int = 0) -> Result:
    """What ``texts`` (an engine's best first) mean to the grammar, best first.

    Probabilities are None: they are not known. Rejected where the best text is
    far from all that the grammar accepts. Of free speech the text is its own value.
    ``words`` are the best text's. Never raises, whatever the texts.
    """
    if grammar.free:
        said = [text for text in texts if text.strip()]
        return Result(tuple(Hypothesis(text, text, None, words if not place else ())
                            for place, text in enumerate(said)), not said, speech_ms)
    results = [_of_text(grammar, text, words if text is texts[0] else ()) for text in texts]
    if not results or results[0].rejected:
        return Result(results[0].hypotheses if results else (), True, speech_ms)
    listed: dict[str, Hypothesis] = {}
    for result in results:
        for hypothesis in () if result.rejected else result.hypotheses:
            listed.setdefault(hypothesis.value, hypothesis)
    return Result(tuple(listed.values()), False, speech_ms)


def _of_text(grammar: Grammar, text: str, words: tuple[Word, ...]) -> Result:
    readings = {tuple(_characters(written)) for written in (text, _numbers_said(text))}
    matches = [_matched(grammar, reading, text, words) for reading in sorted(readings) if reading]
    return min(matches, key=lambda match: match[0])[1] if matches else Result((), True, 0)


def posteriors(characters: Sequence[str]) -> np.ndarray:
    """Natural logs (2 × characters + 1, units): blank frames lie between the characters."""
    rows = np.full((2 * len(characters) + 1, len(UNITS)), _ADDED, np.float32)
    rows[::2, UNIT_IDS[BLANK]] = 0.0
    for place, character in enumerate(characters):
        rows[2 * place + 1] = _row(character)
    return rows


def _matched(grammar: Grammar, characters: tuple[str, ...], text: str,
             words: tuple[Word, ...]) -> tuple[float, Result]:
    """(nats a character that the best costs, the result)."""
    frames = posteriors(characters)
    found = decode(grammar.graph, frames, beam=_BEAM, garbage=_GARBAGE, count=MOST)
    paths = [path for path in found.paths if path.value]
    if not paths:
        return np.inf, Result((), True, 0)
    best = paths[0].log_score
    whole = [path for path in paths if path.complete and path.log_score > best - WHOLE_NATS]
    listed = whole or [path for path in paths if not path.complete]
    cost = _cost(grammar, frames, listed[0]) / len(characters)
    hypotheses = tuple(Hypothesis(text, path.value, None, words, path.complete) for path in listed
                       if path.log_score > listed[0].log_score - LIKELY)
    return cost, Result(hypotheses, cost > REJECT_PER_CHARACTER, 0)


def _cost(grammar: Grammar, frames: np.ndarray, path: Path) -> float:
    """Nats by which the path departs from the text; what the grammar expected plays no part."""
    said = {frame: grammar.graph.unit[node] for node, frame in path.steps}
    cost, in_garbage = 0.0, False
    for frame, row in enumerate(frames):
        unit = said.get(frame)
        in_garbage = unit == templates.GARBAGE if unit is not None else in_garbage
        if in_garbage:
            cost += _GARBAGE
        else:
            cost -= float(row[UNIT_IDS[BLANK] if unit is None else unit])
    return cost


def _numbers_said(text: str) -> str:
    """The text with its numbers from 10 to 99 as they are said: 15 as 十五, 20 as 二十."""
    def said(found: re.Match) -> str:
        tens, ones = found.group()
        return (_DIGITS[tens] if tens != "1" else "") + "十" + (_DIGITS[ones] if ones != "0" else "")
    return re.sub(r"(?<!\d)[1-9]\d(?!\d)", said, unicodedata.normalize("NFKC", text))


def _characters(text: str) -> list[str]:
    """Hanzi and letters of the text, digits as hanzi; all else (spaces, punctuation) is dropped."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).upper()
    found = (_NO_LETTERS.get(character, _DIGITS.get(character, character)) for character in plain)
    return _with_letters([character for character in found
                          if character in LETTERS or character in templates.pinyin()])


def _with_letters(characters: list[str]) -> list[str]:
    """Letters' names of several syllables (艾弗, 达不溜) as the letter."""
    said = [[UNITS[unit] for unit in templates.units_of(character)] for character in characters]
    found, place = [], 0
    while place < len(characters):
        for letter, name in _long_names():
            heard = said[place: place + len(name)]
            if len(heard) == len(name) and all(one in units for one, units in zip(name, heard)):
                found.append(letter)
                place += len(name)
                break
        else:
            found.append(characters[place])
            place += 1
    return found


@functools.cache
def _long_names() -> tuple[tuple[str, tuple[str, ...]], ...]:
    names = [(letter, tuple(name.split())) for letter, listed in _LETTER_NAMES.items()
             for name in listed.split("|") if " " in name]
    return tuple(sorted(names, key=lambda entry: -len(entry[1])))


@functools.cache
def _row(character: str) -> np.ndarray:
    """Natural logs (units) of a character's frame."""
    row = np.full(len(UNITS), _FLOOR, np.float32)
    row[UNIT_IDS[BLANK]] = _SKIPPED
    exact = templates.units_of(character)
    for unit in exact:
        for near in alike()[UNITS[unit]]:
            row[UNIT_IDS[near]] = _ALIKE
    for letter, listed in _LETTER_NAMES.items():
        if any(UNITS[unit] in listed.split("|") for unit in exact):
            row[UNIT_IDS[letter]] = _NAMED
    row[exact] = 0.0
    return row


@functools.cache
def alike() -> dict[str, set[str]]:
    """Unit → units one sound apart; the toned ones (gan1) count as like each other."""
    alike: dict[str, set[str]] = {unit: set() for unit in UNITS}
    for near, at_end in [(pair, False) for pair in _NEAR_INITIALS] + \
                        [(pair, True) for pair in _NEAR_FINALS]:
        for one, other in (near.split(), near.split()[::-1]):
            for unit in SYLLABLES:
                initial = unit[:2] if unit[:2] in ("zh", "ch", "sh") else unit[:1]
                rest = unit[len(initial):]
                changed = initial + other if at_end and rest == one else \
                    other + rest if not at_end and initial == one else ""
                if changed in alike:
                    alike[unit].add(changed)
    for unit in TONED:
        alike[unit].update(other for other in TONED if other != unit and other[:-1] == unit[:-1])
    return alike
