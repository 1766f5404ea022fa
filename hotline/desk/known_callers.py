"""What is known of a caller before the first word: a list of numbers, and a header of the trunk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hotline.errors import CannotRun

NO = ("", "0", "no", "false")
"""Values of the trunk's header that say it does not hold."""


@dataclass(frozen=True)
class KnownCallers:
    """Numbers of callers who need patience, and the name of the header that says the same."""

    numbers: frozenset[str] = frozenset()
    header: str = ""

    @classmethod
    def load(cls, numbers: Path, header: str = "") -> KnownCallers:
        """`numbers` holds one number a line, `#` begins a remark; no file for `Path()`. Raises CannotRun."""
        if numbers == Path():
            return cls(header=header)
        try:
            lines = numbers.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CannotRun(f"[callers] numbers: {numbers} cannot be read ({type(error).__name__}); write one "
                            "number a line, or take the setting out") from None
        written = [line.partition("#")[0].strip() for line in lines]
        return cls(frozenset(map(_digits, filter(None, written))), header)

    def signals(self, remote: str, headers: Mapping[str, str]) -> list[str]:
        """The signs (`ivr.pace.SIGNALS`) in a call's number and headers."""
        named = {name.lower(): value.strip().lower() for name, value in headers.items()}
        signs = ["listed"] if _digits(remote) in self.numbers else []
        if self.header and named.get(self.header.lower(), "") not in NO:
            signs.append("trunk_header")
        return signs


def _digits(number: str) -> str:
    """Digits only, without the country's code: +86 139-0000-0001 → 13900000001."""
    digits = re.sub(r"\D", "", number)
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
