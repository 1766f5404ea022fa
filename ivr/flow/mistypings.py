"""Marks that a hand types for others: full-width ones, and a colon without its space."""

import re

WIDE = {
    "：": ("colon", ": "), "，": ("comma", ", "), "、": ("comma", ", "), "｛": ("bracket", "{"), "｝": ("bracket", "}"),
    "［": ("bracket", "["), "］": ("bracket", "]"), "【": ("bracket", "["), "】": ("bracket", "]"), "“": ("quote", '"'),
    "”": ("quote", '"'), "‘": ("quote", "'"), "’": ("quote", "'"), "　": ("space", " "), "＃": ("comment sign", "#"),
}
"""Full-width marks, as Chinese keyboards type them: what they are, and what YAML knows instead."""
WIDE_OPENERS = frozenset("“”‘’｛［")
"""With these a quoted text, a mapping or a list was meant."""
UNSPACED = re.compile(r"(?:^\s*(?:- )?|[{,]\s*)[\w ]*\w:(?=[^\s:/,}\]])")
NO_SPACE = "a space is missing after ':'; write 'NAME: VALUE'"


def wide_mark(written: str) -> tuple[int, str] | None:
    """How many characters into an unquoted text a full-width mark stands, and what to write instead."""
    place = next((place for place, mark in enumerate(written) if mark in WIDE), None)
    return None if place is None else (place, told_wide(written[place]))


def unspaced(key: str) -> bool:
    """Whether an unquoted key is a key and a value with no space between: `say:hello`, but not 12:30."""
    return bool(UNSPACED.match(key)) and not key[0].isdigit()


def told_wide(mark: str) -> str:
    what, instead = WIDE[mark]
    return f"'{mark}' is a full-width {what}; write '{instead}', or put a text that holds it between quotes"
