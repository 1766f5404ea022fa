"""What a text sounds like, without tones."""

from __future__ import annotations

from string import ascii_uppercase

from asr.grammars.templates import pinyin
from asr.grammars.units import UNITS

Syllables = tuple[frozenset[str], ...]


def readings_of(text: str) -> Syllables:
    """Of hanzi all readings, and letters; digits and signs are left out."""
    readings = pinyin()
    return tuple(frozenset(UNITS[unit].rstrip("1234") for unit in readings[character]) if character in readings
                 else frozenset(character)
                 for character in text.upper() if character in readings or character in ascii_uppercase)


def syllables_of(text: str) -> tuple[str, ...]:
    """One reading of each character: toneless syllables, and letters."""
    return tuple(min(syllable) for syllable in readings_of(text))
