"""Whisper's output as text for people: characters from its tokens, simplified, no loops, no numbers."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

DIGITS = "0-9０-９零〇一二三四五六七八九幺两"
MASK = "＊"
_NUMBER = re.compile(rf"[{DIGITS}](?:[\s,，、。.·\-—]*[A-Za-z{DIGITS}])+")
_DIGIT = re.compile(f"[{DIGITS}]")
_LETTER = re.compile("[A-Za-z]")
_LOOP = re.compile(rf"([^{DIGITS}]|.{{2,12}}?)\1{{3,}}")
LOOP_SHARE = 0.5                   # of a text that is one thing said over and over: nobody said it


def text_of(tokens: Sequence[str]) -> str:
    """Byte-level tokens (GPT-2's alphabet) → simplified Chinese; special tokens are left out."""
    letters = _byte_of_letter()
    data = b"".join(bytes(letters[letter] for letter in token) for token in tokens
                    if not token.startswith("<|"))
    return simplified(data.decode("utf-8", "ignore")).strip()


def simplified(text: str) -> str:
    """Whisper mixes traditional characters in: 車牌 → 车牌."""
    return _converter().convert(text)


def unlooped(text: str) -> str:
    """Without what is said more than three times on end; "" where that is most of the text."""
    once = _LOOP.sub(r"\1", text)
    return once if len(once) > LOOP_SHARE * len(text) or len(text) < 8 else ""


def masked(text: str) -> str:
    """Digits of telephone numbers and plates, in figures or characters, become ＊; 两三分钟 stays.

    A number is three digits on end, or two with letters among them, whatever stands between (spaces,
    commas, dots).
    """
    return _NUMBER.sub(_masked_number, text)


def _masked_number(match: re.Match) -> str:
    said = match.group()
    digits = len(_DIGIT.findall(said))
    if digits < (2 if _LETTER.search(said) else 3):
        return said
    return _DIGIT.sub(MASK, said)


@functools.cache
def _converter():
    from opencc import OpenCC
    return OpenCC("t2s")


@functools.cache
def _byte_of_letter() -> dict[str, int]:
    """GPT-2 writes each byte as a visible letter: those that are one stand for themselves."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {**{chr(byte): byte for byte in visible},
            **{chr(256 + place): byte for place, byte in enumerate(hidden)}}
