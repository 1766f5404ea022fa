"""One owner, as a record of the register."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from dialer.register.secret import Secret

ADDRESSES = ("", "先生", "女士")
PACKED_BYTES = 126
"""No owner's record is longer, so that all can have one length: three numbers of 17 digits fit."""
_NUMBER = re.compile(r"\+?[0-9]([-.]?[0-9])*")
_FEWEST_DIGITS, _MOST_DIGITS = 5, 17  # E.164 §6: at most 15, and 00 before them
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")


@dataclass(frozen=True)
class Owner:
    """`numbers` in order of preference. `quiet`: hours not to be called, such as
    "22:00-07:00 12:00-14:00", or ""."""

    plate: str
    numbers: tuple[Secret, ...]
    address: str = ""
    language: str = "zh"
    quiet: str = ""

    def pack(self) -> bytes:
        """The record's plain bytes; only to be encrypted."""
        fields = [self.plate, [n.reveal() for n in self.numbers], self.address, self.language, self.quiet]
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    def fits(self) -> bool:
        """Whether the record is short enough to be sealed."""
        return len(self.pack()) <= PACKED_BYTES

    @classmethod
    def unpack(cls, plain: bytes) -> "Owner":
        plate, numbers, address, language, quiet = json.loads(plain)
        return cls(plate, tuple(map(Secret, numbers)), address, language, quiet)

    def is_quiet_at(self, minute_of_day: int) -> bool:
        """Whether the owner asked not to be called at this minute (0..1439, local time)."""
        return any(
            begin <= minute_of_day < end if begin < end else minute_of_day >= begin or minute_of_day < end
            for begin, end in quiet_spans(self.quiet) or ()
        )


def quiet_spans(quiet: str) -> list[tuple[int, int]] | None:
    """(begin, end) in minutes of the day; None where `quiet` is not written as it should be."""
    spans = []
    for span in quiet.split():
        found = _QUIET.fullmatch(span)
        if not found:
            return None
        a, b, c, d = map(int, found.groups())
        spans.append((a * 60 + b, c * 60 + d))
    return None if any(begin == end for begin, end in spans) else spans


def field_problems(row: dict[str, str]) -> list[str]:
    """What is wrong with the fields of a row beside its plate; never repeats a value."""
    found = []
    numbers = [row.get("phone", ""), row.get("phone2", ""), row.get("phone3", "")]
    if not numbers[0]:
        found.append("phone is empty")
    if any(number and not _NUMBER.fullmatch(number) for number in numbers):
        found.append("a phone number has other signs than digits, a + in front, and - or . between digits")
    given = [re.sub(r"[+.-]", "", number) for number in numbers if number]
    if not all(_FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS for digits in given):
        found.append(f"a phone number must have {_FEWEST_DIGITS} to {_MOST_DIGITS} digits")
    if len(set(given)) < len(given):
        found.append("the same phone number is given twice")
    if row.get("address", "") not in ADDRESSES:
        found.append("address must be 先生, 女士 or empty")
    if row.get("language") and not _LANGUAGE.fullmatch(row["language"]):
        found.append("language must be a code such as zh, en or yue")
    if row.get("quiet") and quiet_spans(row["quiet"]) is None:
        found.append("quiet must be written 22:00-07:00 or left empty")
    return found
