"""How a state takes turns, as it is written in a flow: interruptions and keys."""

import re

from asr.grammars.grammar_file import GrammarName
from ivr.flow.source import Item
from ivr.keying import Keys
from ivr.turn import Listening

DELAYED = re.compile(r"after (\d+) ms")
SHARE = re.compile(r"(\d{1,3}) ?%")
KEY = re.compile(r"[0-9*#A-D]")
LENGTH = re.compile(r"(\d+)(?:-(\d+))?")
MOST_KEYS = 40
"""Nobody keys more at a time."""


def barge_in(item: Item | None) -> tuple[bool, int]:
    """Whether the caller may interrupt, and from how many ms of the prompt on. Raises `FlowError`."""
    if item is None:
        return True, 0
    if delayed := DELAYED.fullmatch(item.text()):
        return True, int(delayed[1])
    if item.text() not in ("yes", "no", "true", "false"):
        raise item.error(f"'{item.text()}' does not say when a caller may interrupt; "
                         "write yes, no, or after 1500 ms")
    return item.yes_or_no(), 0


def question_share(item: Item | None) -> float:
    """How much of the prompt must be out before a "yes" answers it. Raises `FlowError`."""
    if item is None:
        return Listening.question_share
    share = SHARE.fullmatch(item.text())
    if not share or int(share[1]) > 100:
        raise item.error(f"'{item.text()}' is no share of the prompt; write 60%: a yes that begins before "
                         "so much was said is no answer to it")
    return int(share[1]) / 100


def keys(item: Item | None, grammar: str) -> Keys | None:
    """How several keys are collected; None where the first one ends the turn. As many as the grammar's digits, unless
    it is written otherwise. Raises `FlowError`."""
    if item is None:
        return None
    fields = item.fields(("at_least", "at_most", "end", "delete", "between", "at_once"))
    for name in ("end", "delete"):
        if name in fields and not KEY.fullmatch(fields[name].text()):
            raise fields[name].error(f"'{fields[name].text()}' is no key; write one of 0-9, '*' and '#'")
    if "at_once" in fields and not re.fullmatch(f"({KEY.pattern})+", fields["at_once"].text()):
        raise fields["at_once"].error(f"'{fields['at_once'].text()}' are no keys; write '0'")
    named: dict[str, str | int] = {name: fields[name].text() for name in ("end", "delete", "at_once") if name in fields}
    fewest, most = _spoken_digits(grammar)
    at_most = fields["at_most"].count(MOST_KEYS) if "at_most" in fields else most
    at_least = fields["at_least"].count(MOST_KEYS) if "at_least" in fields else min(fewest, at_most)
    if at_least > at_most:
        raise fields["at_least"].error(f"{at_most} keys end the turn, so {at_least} are never pressed; write at_least: {at_most}, or "
                                       f"at_most: {at_least} beside it")
    named |= {"at_least": at_least, "at_most": at_most}
    if "between" in fields:
        named["between_ms"] = fields["between"].number()
    return Keys(**named)


def _spoken_digits(grammar: str) -> tuple[int, int]:
    """How many keys a grammar's answer has at least and at most: `digits(length=6)`, `digits(length=5-8)`."""
    name = GrammarName.parse(grammar)
    length = LENGTH.fullmatch(name.parameters.get("length", "")) if name.file == "digits" else None
    if not length:
        return Keys.at_least, Keys.at_most
    fewest, most = int(length[1]), int(length[2] or length[1])
    return (fewest, most) if 1 <= fewest <= most <= MOST_KEYS else (Keys.at_least, Keys.at_most)
