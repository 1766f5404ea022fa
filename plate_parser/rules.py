"""What is a legal plate, and of which class: GA 36-2018 as data in data/*.toml."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from importlib import resources
from typing import Any, Mapping

_NORMAL = re.compile(r"[一-龥][A-Z][0-9A-Z]{5,6}")
"""Most plates, as they are normally spelled: asked some ten thousand times for one match."""
_NOISE = re.compile(r"[\s·•・.．。\-—_－]+")


@dataclass(frozen=True)
class PlateClass:
    """A class of plates. `dial`: the bot may look the owner up; otherwise a person takes over."""

    name: str
    title: str
    dial: bool


def classify(plate: str) -> PlateClass | None:
    """The class of `plate`, or None where no legal plate reads so. Case, width and dots are ignored."""
    pattern, classes = _rules()
    found = pattern.fullmatch(normalize(plate))
    return classes[found.lastgroup] if found else None


def dialable(plate: str) -> bool:
    """True where the owner of this (legal) plate may be looked up and rung."""
    found = classify(plate)
    return found is not None and found.dial


def normalize(plate: str) -> str:
    """The one spelling of a plate: half-width capitals, without dots, dashes and spaces."""
    if _NORMAL.fullmatch(plate):
        return plate
    return _NOISE.sub("", unicodedata.normalize("NFKC", plate)).upper()


def authority_weight(plate: str) -> float:
    """1 for an issuing letter that is known, less where it is unsure, least where the table lacks it."""
    return _authority_weight(plate[:1], plate[1:2])


def authority_place(plate: str) -> str:
    """The place that issued the plate, 新余 for 赣K, or "" where the table does not say."""
    return str(authorities(plate[:1]).get(plate[1:2], ""))


def authorities(province: str) -> Mapping[str, str]:
    """Issuing letter → place, of a province by its character; empty for what is none."""
    return data("authorities").get(province, {}).get("places", {}) if province in provinces() else {}


def mask(plate: str) -> str:
    """A plate for logs and screens of those who need not know it: 赣K***45."""
    return plate if len(plate) < 5 else plate[:2] + "*" * (len(plate) - 4) + plate[-2:]


def provinces() -> Mapping[str, Any]:
    """Province character → its names."""
    return data("provinces")["province"]


@functools.cache
def data(name: str) -> Mapping[str, Any]:
    """The table `name` of plate_parser/data, read once."""
    source = resources.files("plate_parser").joinpath("data", f"{name}.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


@functools.cache
def _authority_weight(province: str, letter: str) -> float:
    issuing = authorities(province)
    if not issuing or not letter.isalpha():
        return 1.0
    if letter not in issuing:
        return float(data("authorities")["unknown_weight"])
    unsure = letter in data("authorities")[province].get("unsure", "")
    return float(data("authorities")["unsure_weight"]) if unsure else 1.0


@functools.cache
def _rules() -> tuple[re.Pattern[str], Mapping[str, PlateClass]]:
    """All classes as one pattern, in which the group that matched is named as its class."""
    table = data("classes")
    parts = {
        "<province>": f"[{''.join(provinces())}]",
        "<authority>": f"[{table['authority']}]",
        "<char>": f"[{table['serial']}]",
        "<energy>": f"[{table['energy_electric']}{table['energy_other']}]",
    }
    patterns, classes = [], {}
    for row in table["class"]:
        pattern = row["pattern"].replace("(?P<serial>", f"(?={_few_letters(row)})(?:")
        for name, part in parts.items():
            pattern = pattern.replace(name, part)
        patterns.append(f"(?P<{row['name']}>{pattern})")
        classes[row["name"]] = PlateClass(row["name"], row["title"], row.get("dial", False))
    return re.compile("|".join(patterns)), classes


def _few_letters(row: Mapping[str, Any]) -> str:
    """What is ahead, to the end of the plate, has at most `max_letters`."""
    return f"[^A-Z]*(?:[A-Z][^A-Z]*){{0,{row['max_letters']}}}$" if "max_letters" in row else ""
