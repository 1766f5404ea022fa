"""Text as people say or type plates → tokens, each with the plate characters it may stand for.

All readings are data (data/readings.toml); here is only how they are looked up.
"""

from __future__ import annotations

import functools
import re
import string
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from plate_parser import rules

Reading = tuple[str, float]  # plate characters, trust 0..1

_COUNTS = {"一": 1, "双": 2, "两": 2, "二": 2, "俩": 2, "仨": 3, "三": 3, "四": 4, "五": 5, "六": 6} | {str(n): n for n in range(1, 7)}
_DIGIT = {word: n for n, word in enumerate("零一二三四五六七八九")} | {"两": 2}
_NUMBER = re.compile(r"(?:([一二三四五六七八九两])万)?(?:零?([一二三四五六七八九两])千)?(?:零?([一二三四五六七八九两])百)?"
                     r"(?:零?([一二三四五六七八九]?)十)?(零?)([一二三四五六七八九]?)")
_TIMES = re.compile(r"(?:([一两二俩三四五六1-6])个|([双俩仨]))(?:(?:大写|小写|英文)?(?:的|字母)? ?|数字 ?)([0-9A-Za-z\u4e00-\u9fff〇])")
_SPELLED = re.compile(r"((?:[A-Z][ 、,，]{0,3}){2,26})的 {0,3}([A-Z])(?![A-Z]{1,26}的)")
_OF_WORD = re.compile(r"([\u4e00-\u9fff]{1,5}?)的([\u4e00-\u9fff])")
_OF_LETTER = re.compile(r"(?:([\u4e00-\u9fff]{1,4}?)|([A-Z]{3,12}|[A-Z][\u4e00-\u9fff]{1,2}|[\u4e00-\u9fff]{2}[A-Z]{2}))的 ?([A-Z])(?![A-Z])")
# Letters that are never in a serial stand for the digit they look like.
_LOOKALIKE = {"I": "1", "O": "0"}
_MARKS = string.punctuation + " \t\r\n·•・．。，、；：！？“”‘’（）【】—－～…《》「」"


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
    return _said_once(found)


def _said_once(found: list[Token]) -> list[Token]:
    """`B，博士的B`, `K，K是K歌的K`: what is said and then explained is one character."""
    for at, token in enumerate(found):
        if token.kind != "symbols" or "的" not in token.text[:-1]:
            continue
        later, now = at, at
        while now and (found[now - 1].kind == "filler" or now < later and found[now - 1].readings[0][0] == token.best):
            now -= 1
            if found[now].kind == "symbols":
                found[later] = replace(found[later], readings=(("", 0.8), (token.best, 0.2)))
                later = now
    return found


def _next(text: str, at: int) -> Token:
    for read in (_explained, _repeated, _number, _place_name, _pattern, _pinyin, _from_table):
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
        rest = re.match(r"省?(?:简称)?的?", text[after:after + 4])[0]  # type: ignore[index]
        said = text[after + len(rest) : after + len(rest) + 1]
        if said == province or said in rules.data("readings")["provinces"].get(province, {}):
            return Token("symbols", name + rest + said, ((province, 1.0),))
        return Token("symbols", name, ((province, 0.8), ("", 0.2)))   # 北京的B: the word counts for nothing
    return _city(text, at) or _of_word(text, at)


def _of_word(text: str, at: int) -> Token | None:
    """`赣江的赣`, `感冒的感`, `妈妈的M`, `APPLE的A`: the word counts for nothing."""
    found = _OF_WORD.match(text, at)
    if found and found[2] in found[1]:
        readings = _single_readings(found[2])
        provinces = tuple(row for row in readings if row[0] in rules.provinces())
        if provinces:
            return Token("symbols", found[0], ((provinces[0][0], 1.0), *provinces[1:]))
    found = _OF_LETTER.match(text, at)
    if found and (_says_nothing(found[1]) if found[1] else _spells(found[2], found[3])):
        return Token("symbols", found[0], ((found[3], 1.0),))
    return None


def _spells(word: str, letter: str) -> bool:
    """`APPLE的A`, `K歌的K`, `卡拉OK的K`; not the E and A of `E大写的A`."""
    if word.isascii():
        return word.startswith(letter)
    rest = re.sub("[A-Z]", "", word)
    return letter in word and _says_nothing(rest)


def _says_nothing(word: str) -> bool:
    """Is no character of `word` one that is read as a part of a plate beyond doubt? A filler is left to itself."""
    if word[:1] in "个第双" or any(word[:length] in _fillers() for length in range(1, len(word) + 1)):
        return False
    return not any(trust >= 0.9 for char in word for _, trust in _single_readings(char))


def _city(text: str, at: int) -> Token | None:
    """`江西新余的K`, `新余的赣K`, `新余K`: a place that issues plates stands for its province, or for nothing."""
    for place, province, letters in _cities().get(text[at : at + 1], ()):
        if text.startswith(place, at):
            rest = re.match(r"市?的?", text[at + len(place):at + len(place) + 2])[0]  # type: ignore[index]
            whole = tuple((province + letter, 0.3) for letter in letters)
            return Token("symbols", place + rest, (("", 0.9), (province, 0.8), *whole))
    return None


@functools.cache
def _cities() -> dict[str, tuple[tuple[str, str, str], ...]]:
    """First character → (place, province, its letters). A place that is named as a province is that province."""
    named = {name for row in rules.provinces().values() for name in row["names"]}
    found: dict[tuple[str, str], str] = {}
    for province in rules.provinces():
        for letter, place in rules.authorities(province).items():
            if place not in named:
                found[place, province] = found.get((place, province), "") + letter
    by_first: dict[str, list[tuple[str, str, str]]] = {}
    for (place, province), letters in found.items():
        by_first.setdefault(place[0], []).append((place, province, letters))
    return {first: tuple(sorted(places, reverse=True)) for first, places in by_first.items()}


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
    count, char = found[1] or found[2], found[3]
    many = _COUNTS[count]
    readings = _single_readings(char)
    if not readings:
        return None
    longer = _pattern(text, found.start(3))
    if longer:
        readings, char = longer.readings, longer.text
    trust_in_one = 0.0 if count == "双" else 0.1
    said = [(symbol * many, (1 - trust_in_one) * trust) for symbol, trust in readings]
    one = [(str(many) + readings[0][0], trust_in_one * readings[0][1])] if trust_in_one else []
    return Token("symbols", text[at:found.start(3)] + char, (*said, *one))


def _number(text: str, at: int) -> Token | None:
    """`三十二` is 32, `一百零五` 105. 四 and 十 are one sound to many callers, so 十 alone may be 4."""
    found = _NUMBER.match(text, at)
    if not found or not re.search("[万千百十]", found[0]):
        return None
    parts = [_DIGIT.get(part or "", 0) for part in (*found.groups()[:4], found[6])]
    if "十" in found[0] and not found[4]:
        parts[3] = 1
    if "十" not in found[0] and found[6] and not found[5]:     # 一百五 is 150
        lowest = next(place for place in (2, 1, 0) if found.groups()[place])
        parts[lowest + 1], parts[4] = parts[4], 0
    plain = str(sum(part * 10 ** (4 - place) for place, part in enumerate(parts)))
    if re.search("[万千百]", found[0]):
        return Token("symbols", found[0], ((plain, 0.9),))
    tens, ones = (str(_DIGIT[c]) if c else "" for c in (found[4], found[6]))
    return Token("symbols", found[0], ((plain, 0.7), (tens + "4" + ones, 0.3)))


def _place_name(text: str, at: int) -> Token | None:
    """`第三位`, `后四位`: said in front of what stands there."""
    found = _place_names().match(text, at)
    return Token("filler", found[0]) if found else None


def _pattern(text: str, at: int) -> Token | None:
    """`艾弗` is F, however the sound is written."""
    for letter, pattern in _patterns():
        found = pattern.match(text, at)
        if found:
            return Token("symbols", found[0], ((letter, float(rules.data("readings")["letter_patterns"]["trust"])),))
    return None


def _pinyin(text: str, at: int) -> Token | None:
    """`gan k 12345`: only where nothing of a plate stands before it."""
    if not "A" <= text[at] <= "Z" or at and (text[at - 1].isalnum()):
        return None
    word = re.match("[A-Z]{1,12}", text[at:at + 12])[0]  # type: ignore[index]
    for province, forms in rules.data("readings")["pinyin"].items():
        if word in forms:
            return Token("symbols", word, ((province, 0.8), (word, 0.15)))
        if len(word) > 3 and word[:-1] in forms:                     # GANK
            return Token("symbols", word[:-1], ((province, 0.8),))
    return None


@functools.cache
def _place_names() -> re.Pattern[str]:
    return re.compile(rules.data("readings")["place_names"])


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = rules.data("readings")["letter_patterns"]
    return tuple((letter, re.compile(pattern)) for letter, pattern in rows.items() if letter != "trust")


def _from_table(text: str, at: int) -> Token | None:
    table = _table()
    for length in range(min(_longest(), len(text) - at), 0, -1):
        token = table.get(text[at : at + length])
        if token:
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
def _fillers() -> frozenset[str]:
    return frozenset(form for form, token in _table().items() if token.kind == "filler")


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
    readings["武警"] = readings["武警WJ"] = readings["武警 WJ"] = readings["武警 W J"] = [("WJ", 1.0)]
    for tail, forms in data["tails"].items():
        for form in forms:
            readings.setdefault(form, []).append((tail, 0.9))
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
