"""One owner, as a record of the register."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from dialer.secret import Secret

ADDRESSES = ("", "先生", "女士")
_NUMBER = re.compile(r"\+?[0-9A-Za-z*#._-]{2,32}")
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")


@dataclass(frozen=True)
class Owner:
    """`numbers` in order of preference. `quiet`: "22:00-07:00", hours not to be called, or ""."""

    plate: str
    numbers: tuple[Secret, ...]
    address: str = ""
    language: str = "zh"
    quiet: str = ""

    def pack(self) -> bytes:
        """The record's plain bytes; only to be encrypted."""
        fields = [self.plate, [n.reveal() for n in self.numbers], self.address, self.language, self.quiet]
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, plain: bytes) -> "Owner":
        plate, numbers, address, language, quiet = json.loads(plain)
        return cls(plate, tuple(map(Secret, numbers)), address, language, quiet)

    def is_quiet_at(self, minute_of_day: int) -> bool:
        """Whether the owner asked not to be called at this minute (0..1439, local time)."""
        found = _QUIET.fullmatch(self.quiet)
        if not found:
            return False
        a, b, c, d = map(int, found.groups())
        begin, end = a * 60 + b, c * 60 + d
        if begin <= end:
            return begin <= minute_of_day < end
        return minute_of_day >= begin or minute_of_day < end


def field_problems(row: dict[str, str]) -> list[str]:
    """What is wrong with the fields of a row beside its plate; never repeats a value."""
    found = []
    numbers = [row.get("phone", ""), row.get("phone2", "")]
    if not numbers[0]:
        found.append("phone is empty")
    if any(number and not _NUMBER.fullmatch(number) for number in numbers):
        found.append("a phone number has a character that cannot be dialled, or over 32 of them")
    if row.get("address", "") not in ADDRESSES:
        found.append("address must be 先生, 女士 or empty")
    if row.get("language") and not _LANGUAGE.fullmatch(row["language"]):
        found.append("language must be a code such as zh, en or yue")
    if row.get("quiet") and not _QUIET.fullmatch(row["quiet"]):
        found.append("quiet must be written 22:00-07:00 or left empty")
    return found
