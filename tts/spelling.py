"""Values as they are spoken: a plate in groups, digits, minutes, cut into recordable units."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tts.errors import BadValue
from tts.phonemes import ENGLISH_LETTERS, PROVINCES, plate_groups, quantity, spoken_digits

SPECIAL = "警学挂试超领使港澳民航应急"
LETTERS = "".join(ENGLISH_LETTERS)
PROVINCE_NAMES = dict(zip(PROVINCES, (
    "北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 广西 "
    "海南 重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆").split(), strict=True))
LONGEST_UNIT = 3
PLACES = range(1, 9)
MINUTES = (*range(1, 61), 75, 90, 120, 150, 180)
# Heads and pairs said in one breath; everything else is joined from single characters.
HOME_HEADS = tuple(f"赣{letter}" for letter in "ABCDEFGHJKLM")


@dataclass(frozen=True)
class Unit:
    """Something recorded as one piece, and what follows it: nothing, a rest, or the end."""

    text: str
    follows: str  # "unit" | "group" | "end"


def plate_units(plate: str, recorded: Callable[[str], bool]) -> list[Unit]:
    """A plate as units, the longest that `recorded` knows.

    赣KA1234 → 赣K | A 幺 | 二 三四. Raises BadValue for what is no plate's text.
    """
    clean = re.sub(r"[\s·.,，-]", "", plate.upper())
    if not 5 <= len(clean) <= 9 or not set(clean) <= set(PROVINCES + SPECIAL + LETTERS + "0123456789"):
        raise BadValue(f"{plate!r} is not a plate: give it like 赣KA1234.")
    return _units([_spoken(group) for group in plate_groups(clean)], recorded)


def symbol_units(symbols: str) -> list[Unit]:
    """Some of a plate's characters one by one, a province so that it cannot be taken for another.

    赣K → 江西的赣 | K. Raises BadValue for what is in no plate.
    """
    if not set(symbols) <= set(PROVINCES + SPECIAL + LETTERS + "0123456789"):
        raise BadValue(f"{symbols!r} are not characters of a plate: give them like 赣K.")
    texts = [f"{PROVINCE_NAMES[each]}的{each}" if each in PROVINCE_NAMES else _spoken(each) for each in symbols]
    return [Unit(text, "end" if place == len(texts) else "group") for place, text in enumerate(texts, 1)]


def symbols_text(symbols: str) -> str:
    """The same in writing: 江西的赣K."""
    return "".join(f"{PROVINCE_NAMES[each]}的{each}" if each in PROVINCE_NAMES else each for each in symbols)


def place_text(place: str) -> str:
    """Which place of a plate, the province's being the first: 5 → 第五位. Raises BadValue."""
    if place not in map(str, PLACES):
        raise BadValue(f"{place!r} is no place of a plate: give a number from 1 to {PLACES[-1]}.")
    return f"第{quantity(int(place))}位"


def digit_units(digits: str, recorded: Callable[[str], bool]) -> list[Unit]:
    """Digits read as a telephone number: eleven as 3-4-4, otherwise by fours."""
    clean = re.sub(r"[\s-]", "", digits)
    if not re.fullmatch(r"[0-9]+", clean):
        raise BadValue(f"{digits!r} is not a number: give digits only.")
    first = len(clean) % 4 or 4
    cuts = [clean[:first], *(clean[i : i + 4] for i in range(first, len(clean), 4))]
    return _units([_spoken(group) for group in cuts if group], recorded)


def minutes_text(minutes: str) -> str:
    """A number of minutes in words: 2 两分钟, 10 十分钟, 150 两个半小时. Raises BadValue for no number."""
    if not re.fullmatch(r"[0-9]{1,4}", minutes.strip()) or not 0 < int(minutes) < 6000:
        raise BadValue(f"{minutes!r} is no number of minutes: give a number from 1 to 5999.")
    hours, rest = divmod(int(minutes), 60)
    if int(minutes) < 100:
        return f"{_counted(int(minutes))}分钟"
    if rest in (0, 30):
        return f"{_counted(hours)}个{'半' if rest else ''}小时"
    return f"{_counted(hours)}小时{'零' if rest < 10 else ''}{quantity(rest)}分钟"


def _counted(number: int) -> str:
    return "两" if number == 2 else quantity(number)


def vocabulary() -> Iterator[tuple[str, str]]:
    """Everything that values are joined from, as (text, how): group, character or minutes."""
    digits = spoken_digits("0123456789")
    for character in PROVINCES + SPECIAL + LETTERS + digits + "一":
        yield character, "character"
    for text in (*HOME_HEADS, *(a + b for a in digits for b in digits)):
        yield text, "group"
    for character, name in PROVINCE_NAMES.items():
        yield f"{name}的{character}", "group"
    for place in PLACES:
        yield place_text(str(place)), "group"
    for number in MINUTES:
        yield minutes_text(str(number)), "minutes"


def _spoken(group: str) -> str:
    return re.sub(r"\d", lambda digit: spoken_digits(digit.group()), group)


def _units(groups: list[str], recorded: Callable[[str], bool]) -> list[Unit]:
    units = []
    for index, group in enumerate(groups):
        cut = _longest(group, recorded)
        last = "end" if index == len(groups) - 1 else "group"
        units += [Unit(text, "unit") for text in cut[:-1]] + [Unit(cut[-1], last)]
    return units


def _longest(group: str, recorded: Callable[[str], bool]) -> list[str]:
    """Cut from the end, where a pair sounds best: 二三四 → 二 | 三四."""
    cut: list[str] = []
    while group:
        length = next(
            (n for n in range(min(LONGEST_UNIT, len(group)), 1, -1) if recorded(group[-n:])), 1
        )
        cut.insert(0, group[-length:])
        group = group[:-length]
    return cut
