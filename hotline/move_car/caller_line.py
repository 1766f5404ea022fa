"""What a caller's line shows of how word can be brought to them later."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

WITHHELD = {"", "anonymous", "unknown", "restricted", "unavailable", "private", "withheld"}
"""What trunks put where a number is withheld (RFC 3323 §4.1.1.3 and their own words)."""
_NUMBER = re.compile(r"\+?[0-9]{5,16}")

Ways = Literal["call-or-text", "call", "text", "none"]


def ways_back(remote: str, headers: Mapping[str, str], *, takes_texts: Callable[[str], bool], can_call: bool) -> Ways:
    """`remote`: the caller's number as the trunk gives it. A landline can be called, a withheld number neither."""
    named = {name.lower(): value.lower() for name, value in headers.items()}
    if remote.lower() in WITHHELD or not _NUMBER.fullmatch(remote) or "id" in named.get("privacy", "").split(";"):
        return "none"
    if takes_texts(remote):
        return "call-or-text" if can_call else "text"
    return "call" if can_call else "none"
