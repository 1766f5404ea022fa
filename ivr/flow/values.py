"""The kinds of a flow's values. In a call every value is text; its kind says which text it may be."""

import re

from plate_parser.rules import classify

LONGEST_TEXT = 500
_FORMS = {
    "symbols": re.compile(r"\w{1,9}"),
    "place": re.compile(r"[1-9]"),
    "digits": re.compile(r"[0-9]{1,32}"),
    "minutes": re.compile(r"[0-9]{1,4}"),
    "number": re.compile(r"-?[0-9]{1,12}"),
}
KINDS = ("plate", "symbols", "place", "minutes", "digits", "text", "number", "words")
"""`symbols`: some of a plate's characters; `place`: which of its places, from 1; `words`: what somebody said, as recorded."""
EXAMPLES = {"plate": "赣KA1234", "symbols": "赣K", "place": "3", "minutes": "15", "digits": "0042", "number": "-3", "words": "车停在东门口",
            "text": f"a line of at most {LONGEST_TEXT} characters"}
NUMBERS = ("minutes", "number")
"""Kinds that expressions count with; the others are compared as text."""
_FROM = {
    "plate": ("plate",),
    "symbols": ("symbols", "place", "digits", "plate"),
    "place": ("place", "digits", "symbols"),
    "digits": ("digits", "place", "symbols"),
}


def may_hold(kind: str, other: str) -> bool:
    """Whether a value of a kind may be copied from one of another kind, both of which are text or both numbers."""
    return other in _FROM.get(kind, KINDS)


def fits(kind: str, written: str) -> bool:
    """Whether a text can be a value of that kind."""
    if kind == "plate":
        return classify(written) is not None
    if kind in ("text", "words"):
        return len(written) <= LONGEST_TEXT
    return _FORMS[kind].fullmatch(written) is not None
