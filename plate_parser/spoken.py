"""Text as people say or type plates → tokens, each with the plate characters it may stand for.

All readings are data (data/readings.toml); here is only how they are looked up.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from plate_parser import rules

Reading = tuple[str, float]  # plate characters, trust 0..1

_COUNTS = {"一": 1, "1": 1, "两": 2, "二": 2, "俩": 2, "三": 3, "四": 4, "五": 5, "2": 2, "3": 3, "4": 4, "5": 5}
_TENS = re.compile(r"([二三四五六七八九]?)十([一二三四五六七八九]?)")
_TIMES = re.compile(r"([一两二俩三四五12345])个([0-9A-Za-z\u4e00-\u9fff〇])")
_SPELLED = re.compile(r"((?:[A-Z][ 、,，]*){2,})的[ ]*([A-Z])(?![A-Z]*的)")
_OF_WORD = re.compile(r"([\u4e00-\u9fff]{1,4}?)的([\u4e00-\u9fff])")
# Letters that are never in a serial stand for the digit they look like.
_LOOKALIKE = {"I": "1", "O": "0"}
_MARKS = " \t\r\n·•・.．。,，、;；:：!！?？\"'“”‘’()（）[]【】-—_－~～"


@dataclass(frozen=True)
class Token:
    """A stretch of text. `kind` "gap": plate characters are not known to be written so."""

    kind: Literal["symbols", "filler", "gap", "correction"]
    text: str
    readings: tuple[Reading, ...] = (("", 1.0),)

    @property
    def best(self) -> str:
        return max(self.readings, key=lambda r: r[1])[0]


def tokens(text: str) -> list[Token]:
    """The tokens of `text` in order; no character is lost."""
    text = unicodedata.normalize("NFKC", text).upper()
    found: list[Token] = []
    at = 0
    while at < len(text):
        token = _next(text, at)
        found.append(token)
        at += len(token.text)
    return found


def _next(text: str, at: int) -> Token:
    for read in (_explained, _repeated, _from_table, _number):
        token = read(text, at)
        if token:
            return token
    char = text[at]
    if char in _MARKS:
        return Token("filler", char)
    if char in _LOOKALIKE:
        return Token("symbols", char, ((char, 0.2), (_LOOKALIKE[char], 0.8)))
    if char.isascii() and char.isalnum():
        return Token("symbols", char, ((char, 1.0),))
    return Token("gap", char)


def _explained(text: str, at: int) -> Token | None:
    """`江西的赣`, `北京的京`, `A B C 的 C`: one character, explained by a word it is in."""
    found = _SPELLED.match(text, at)
    if found:
        letters, letter = re.sub(r"[^A-Z]", "", found[1]), found[2]
        row = _alphabet_tail(letters)
        if letter in row:
            return Token("symbols", found[0], ((letters[: len(letters) - len(row)] + letter, 1.0),))
    for name, province in _province_names():
        if not text.startswith(name, at):
            continue
        after = at + len(name)
        rest = re.match(r"省?的?", text[after:])[0]  # type: ignore[index]
        said = text[after + len(rest) : after + len(rest) + 1]
        if said == province or said in rules.data("readings")["provinces"].get(province, {}):
            return Token("symbols", name + rest + said, ((province, 1.0),))
        return Token("symbols", name, ((province, 0.8),))
    found = _OF_WORD.match(text, at)
    if found and found[2] in rules.provinces() and found[2] in found[1]:
        return Token("symbols", found[0], ((found[2], 1.0),))
    return None


def _alphabet_tail(letters: str) -> str:
    """The run of neighbours in the alphabet that ends `letters`: BCD in KBCD; "" if under two."""
    start = len(letters) - 1
    while start > 0 and ord(letters[start]) == ord(letters[start - 1]) + 1:
        start -= 1
    return letters[start:] if len(letters) - start >= 2 else ""


def _repeated(text: str, at: int) -> Token | None:
    """`三个八` is 888; that it was 3, 个, 8 is possible, and unlikely."""
    found = _TIMES.match(text, at)
    if not found:
        return None
    many = _COUNTS[found[1]]
    readings = _single_readings(found[2])
    if not readings:
        return None
    said = [(symbol * many, 0.9 * trust) for symbol, trust in readings]
    return Token("symbols", found[0], (*said, (str(many) + readings[0][0], 0.1 * readings[0][1])))


def _number(text: str, at: int) -> Token | None:
    """`三十二` is 32. 四 and 十 are one sound to many callers, so 十 alone may be 4."""
    found = _TENS.match(text, at)
    if not found:
        return None
    digit = {"": ""} | {word: str(n) for n, word in enumerate("零一二三四五六七八九")}
    tens, ones = digit[found[1]], digit[found[2]]
    plain = (tens or "1") + (ones or "0")
    as_four = tens + "4" + ones
    return Token("symbols", found[0], ((plain, 0.7), (as_four, 0.3)))


def _from_table(text: str, at: int) -> Token | None:
    table = _table()
    for length in range(min(_longest(), len(text) - at), 0, -1):
        token = table.get(text[at : at + length])
        if token and not (length == 1 and _TENS.match(text, at)):
            return token
    return None


def _single_readings(char: str) -> tuple[Reading, ...]:
    if char.isascii() and char.isalnum():
        return ((_LOOKALIKE.get(char, char), 1.0),)
    token = _table().get(char)
    return token.readings if token and token.kind == "symbols" else ()


@functools.cache
def _province_names() -> tuple[tuple[str, str], ...]:
    pairs = [(name, char) for char, row in rules.provinces().items() for name in row["names"]]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


@functools.cache
def _longest() -> int:
    return max(map(len, _table()))


@functools.cache
def _table() -> dict[str, Token]:
    """Written form → token, of every reading in the data and every fixed word of the rules."""
    data = rules.data("readings")
    readings: dict[str, list[Reading]] = {}
    for province in rules.provinces():
        readings[province] = [(province, 1.0)]
    for word in ("民航", "应急", *"警学挂试超领使港澳"):
        readings[word] = [(word, 1.0)]
    readings["武警"] = [("WJ", 1.0)]
    for kind in ("digits", "letters", "provinces"):
        for symbol, forms in data[kind].items():
            for form, trust in forms.items():
                readings.setdefault(form, []).append((symbol, float(trust)))
    # A character with a second reading keeps its own at what the others leave.
    table = {form: Token("symbols", form, _shared(form, rows)) for form, rows in readings.items()}
    for kind, words in (("filler", "fillers"), ("filler", "separators"), ("correction", "corrections")):
        table |= {word: Token(kind, word) for word in data[words]}  # type: ignore[arg-type]
    return table


def _shared(form: str, rows: list[Reading]) -> tuple[Reading, ...]:
    """Readings of one form, best first, with trusts that sum to at most 1."""
    own = [row for row in rows if row[0] == form]
    others = [row for row in rows if row[0] != form]
    left = max(0.0, 1.0 - sum(trust for _, trust in others))
    rows = [(form, min(1.0, left))] + others if own else others
    total = max(1.0, sum(trust for _, trust in rows))
    return tuple(sorted(((s, t / total) for s, t in rows), key=lambda r: -r[1]))
