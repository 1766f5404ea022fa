"""Conditions and sums of a flow: `weekday in mon to fri and time in 08:30 to 17:30`, `tries + 1`.

Read by a parser of this file and nothing else, so that a flow can compare and count, and no more.

    expression   or | and | not | (…)
    comparison   = != < <= > >=, `in A to B`, `is given`, `is missing`
    sum          a + 1, a - 1
    literals     12, 'text', 08:30, 2026-10-01, mon … sun
    names        the flow's values, and time, weekday, date, turns

Types are checked when the flow is loaded. A range takes in both ends, but of times the last (08:30 to
17:30 ends as the clock shows 17:30); times and weekdays may go round: `time in 22:00 to 06:00`.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from ivr.flow.source import nearest
from ivr.flow.values import NUMBERS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = {"time": "time", "weekday": "weekday", "date": "date", "turns": "number"}
"""Names that every flow knows, with their types."""
LONGEST = 300
_TOKEN = re.compile(r"""\s*(?:(?P<date>\d{4}-\d\d-\d\d)|(?P<time>\d{1,2}:\d\d)|(?P<number>\d+)
                        |(?P<text>'[^']*'|"[^"]*")|(?P<word>\w+)|(?P<mark><=|>=|!=|==|[<>=+()-]))""", re.VERBOSE)
_COMPARE = {"=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
            ">": operator.gt, ">=": operator.ge}
_ORDERED = ("number", "time", "date")
_WORDS = ("and", "or", "not", "in", "to", "is", "given", "missing")
RESERVED = frozenset({*CLOCK, *DAYS, *_WORDS})
"""Words that no value may be called by."""


class ExpressionError(Exception):
    """What is wrong, and how many characters into the expression."""

    def __init__(self, message: str, offset: int):
        super().__init__(message)
        self.message, self.offset = message, offset


@dataclass(frozen=True)
class Scope:
    """What an expression sees: the call's values, the clock, and how often the caller was asked."""

    values: Mapping[str, str]
    now: datetime
    turns: int = 0


@dataclass(frozen=True)
class Expression:
    """`type` is truth, number, text, time, weekday or date; `names` are the values that it reads; `given_if` and
    `given_unless` those that surely have a value where a condition holds, and where it does not."""

    text: str
    type: str
    names: frozenset[str]
    evaluate: Callable[[Scope], Any]
    given_if: frozenset[str] = frozenset()
    given_unless: frozenset[str] = frozenset()


def parse(text: str, kinds: Mapping[str, str]) -> Expression:
    """Read an expression over values of these kinds. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"a condition has at most {LONGEST} characters; make several lines of it", LONGEST)
    return _Parser(text, kinds).whole()


def constant(text: str) -> Expression:
    """A text that stands for itself."""
    return Expression(text, "text", frozenset(), lambda scope: text)


@dataclass(frozen=True)
class _Part:
    type: str
    evaluate: Callable[[Scope], Any]
    at: int
    given_if: frozenset[str] = frozenset()
    given_unless: frozenset[str] = frozenset()


class _Parser:
    """Recursive descent; one method a level of the grammar."""

    def __init__(self, text: str, kinds: Mapping[str, str]):
        self.text, self.kinds = text, kinds
        self.tokens, self.place = _tokens(text), 0
        self.names: set[str] = set()

    def whole(self) -> Expression:
        part = self._either()
        kind, written, at = self._peek()
        if kind != "end":
            raise ExpressionError(f"'{written}' does not belong here; join conditions with 'and' or 'or'", at)
        return Expression(self.text, part.type, frozenset(self.names), part.evaluate, part.given_if, part.given_unless)

    def _either(self) -> _Part:
        return self._joined("or", self._both, any)

    def _both(self) -> _Part:
        return self._joined("and", self._negated, all)

    def _joined(self, word: str, below: Callable[[], _Part], how: Callable) -> _Part:
        first = self._with_given(below)
        parts = [first]
        while self._took(word):
            parts.append(self._with_given(below))
        if len(parts) == 1:
            return first
        for part in parts:
            self._must_be(part, "truth", f"'{word}' joins conditions")
        if_all, if_one = (frozenset.union, frozenset.intersection)[::1 if word == "and" else -1]
        return _Part("truth", lambda scope: how(part.evaluate(scope) for part in parts), first.at,
                     if_all(*(part.given_if for part in parts)), if_one(*(part.given_unless for part in parts)))

    def _with_given(self, below: Callable[[], _Part]) -> _Part:
        """A part, and what it says of the one value that it asks about: it is given where it would not hold of none."""
        begin = self.place
        part = below()
        words = {written for kind, written, _ in self.tokens[begin: self.place] if kind == "word"}
        asked = words & self.kinds.keys()
        if part.type != "truth" or len(asked) != 1 or words & CLOCK.keys():
            return part
        holds_of_none = part.evaluate(Scope({}, datetime.min))
        given = {"given_unless" if holds_of_none else "given_if": frozenset(asked)}
        return replace(part, given_if=given.get("given_if", part.given_if), given_unless=given.get("given_unless", part.given_unless))

    def _negated(self) -> _Part:
        at = self._peek()[2]
        if not self._took("not"):
            return self._compared()
        part = self._negated()
        self._must_be(part, "truth", "'not' turns a condition round")
        return _Part("truth", lambda scope: not part.evaluate(scope), at)

    def _compared(self) -> _Part:
        left = self._sum()
        _, written, at = self._peek()
        if self._took("is"):
            return self._given(left)
        if self._took("in"):
            return self._range(left)
        if written not in _COMPARE:
            return left
        self.place += 1
        right = self._sum()
        self._alike(left, right)
        if written not in ("=", "==", "!=") and left.type not in _ORDERED:
            raise ExpressionError(f"a {left.type} has no order; compare it with = or !=", at)
        compare = _COMPARE[written]
        return _Part("truth", lambda scope: compare(left.evaluate(scope), right.evaluate(scope)), left.at)

    def _given(self, left: _Part) -> _Part:
        _, name, _ = self.tokens[self.place - 2]
        _, word, at = self._peek()
        if name not in self.kinds or word not in ("given", "missing"):
            raise ExpressionError("write VALUE is given, or VALUE is missing", at)
        self.place += 1
        wanted = word == "given"
        return _Part("truth", lambda scope: bool(scope.values.get(name)) == wanted, left.at)

    def _range(self, value: _Part) -> _Part:
        low = self._sum()
        if not self._took("to"):
            raise ExpressionError("a range needs 'to': 08:30 to 17:30, mon to fri", self._peek()[2])
        high = self._sum()
        self._alike(value, low)
        self._alike(value, high)
        within = {"time": _time_between, "weekday": _day_between}.get(value.type, lambda a, b, c: b <= a <= c)
        return _Part("truth", lambda scope: within(
            value.evaluate(scope), low.evaluate(scope), high.evaluate(scope)), value.at)

    def _sum(self) -> _Part:
        left = self._operand()
        while self._peek()[1] in ("+", "-") and self._peek()[0] == "mark":
            sign = operator.add if self._next()[1] == "+" else operator.sub
            right, before = self._operand(), left
            self._must_be(before, "number", "only numbers are added")
            self._must_be(right, "number", "only numbers are added")
            left = _Part("number", lambda scope, a=before, b=right, f=sign: f(a.evaluate(scope), b.evaluate(scope)),
                         before.at)
        return left

    def _operand(self) -> _Part:
        kind, written, at = self._next()
        if written == "(" and kind == "mark":
            part = self._either()
            if self._next()[1] != ")":
                raise ExpressionError("a bracket is not closed; add )", at)
            return part
        if kind == "word" and written not in _WORDS:
            return self._name(written, at)
        if kind in ("mark", "word", "end"):
            missing = "something is missing at the end" if kind == "end" else f"'{written}' cannot stand here"
            raise ExpressionError(f"{missing}; write a value, a number, a time or 'text'", at)
        value = _literal(kind, written, at)
        return _Part(kind, lambda scope: value, at)

    def _name(self, name: str, at: int) -> _Part:
        if name in DAYS:
            return _Part("weekday", lambda scope: DAYS.index(name), at)
        if name in CLOCK:
            return _Part(CLOCK[name], _CLOCK_READERS[name], at)
        if name not in self.kinds:
            known = self.kinds if get_close_matches(name, self.kinds) else [*self.kinds, *CLOCK]
            raise ExpressionError(f"'{name}' is no value of this flow{nearest(name, known)}", at)
        self.names.add(name)
        if self.kinds[name] in NUMBERS:
            return _Part("number", lambda scope: int(scope.values.get(name) or 0), at)
        return _Part("text", lambda scope: scope.values.get(name, ""), at)

    def _alike(self, left: _Part, right: _Part) -> None:
        if left.type != right.type:
            raise ExpressionError(f"a {left.type} cannot be compared with a {right.type}; write a {left.type} here", right.at)

    def _must_be(self, part: _Part, wanted: str, why: str) -> None:
        if part.type != wanted:
            raise ExpressionError(f"{why}, and this is a {part.type}", part.at)

    def _peek(self) -> tuple[str, str, int]:
        return self.tokens[self.place]

    def _next(self) -> tuple[str, str, int]:
        token = self.tokens[self.place]
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def _took(self, word: str) -> bool:
        kind, written, _ = self._peek()
        if kind == "word" and written == word:
            self.place += 1
            return True
        return False


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if not match:
            raise ExpressionError(f"'{text[place:].strip()[:1]}' means nothing in a condition; write = != < > + - ( ), and, or, not, in … to, "
                                  "is given",
                                  place + len(text[place:]) - len(text[place:].lstrip()))
        kind = match.lastgroup
        found.append((kind, match[kind], match.start(kind)))
        place = match.end()
    return [*found, ("end", "", len(text.rstrip()))]


def _literal(kind: str, written: str, at: int) -> Any:
    if kind == "number":
        return int(written)
    if kind == "text":
        return written[1:-1]
    try:
        if kind == "date":
            return date.fromisoformat(written)
        hours, minutes = (int(part) for part in written.split(":"))
        if minutes > 59 or hours * 60 + minutes > 24 * 60:
            raise ValueError
        return hours * 60 + minutes
    except ValueError:
        raise ExpressionError(f"'{written}' is no {kind}; write 08:30 or 2026-10-01", at) from None


def _time_between(now: int, low: int, high: int) -> bool:
    return low <= now < high if low <= high else now >= low or now < high


def _day_between(day: int, low: int, high: int) -> bool:
    return low <= day <= high if low <= high else day >= low or day <= high


_CLOCK_READERS: dict[str, Callable[[Scope], Any]] = {
    "time": lambda scope: scope.now.hour * 60 + scope.now.minute,
    "weekday": lambda scope: scope.now.weekday(),
    "date": lambda scope: scope.now.date(),
    "turns": lambda scope: scope.turns,
}
