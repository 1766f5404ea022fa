"""Sentence templates into a network of states: the part of a grammar that reads its rules."""

from __future__ import annotations

import functools
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asr.grammars.sequence import Sequence
from asr.grammars.units import LETTERS, UNITS
from asr.recognizer import GrammarError

_HALF = math.log(0.5)
_AGAIN = 0.75                      # of `x+`: that one more follows
_USUAL_READING = 0.7               # of a character with several; the others share the rest
GARBAGE = len(UNITS)               # a pseudo unit: any sound
UNIT_NAMES = (*UNITS, "*")
_PINYIN = Path(__file__).parent.parent / "data" / "pinyin.tsv"
_TOKEN = re.compile(r"\{[^}]*\}|@[\d.]+|[()\[\]|+]|\S")
_SLOT = re.compile(r"\{(\w+)\}")
_PARAMETER = re.compile(r"\$([a-z_]+)(?:\.(\d))?")
_ENTRY_KEYS = ("say", "value", "weight", "if")


@dataclass(frozen=True)
class Node:
    """One unit to be heard, and the state after it."""

    unit: int
    text: str
    after: int


@dataclass(frozen=True)
class Move:
    """An empty move, with what it adds to the value."""

    to: int
    log_weight: float
    output: str


@dataclass(frozen=True)
class _Manner:
    """How a rule is laid: without its value, with its value so many times, only one alternative."""

    mute: bool = False
    times: int = 1
    only: str = ""


class Builder:
    """Grows the network; ``rule`` and ``phrase`` lay themselves between two states.

    ``places``: rule → file:line for messages; ``parameters`` stand for ``$name`` in the rules.
    """

    def __init__(self, rules: dict, source: str, places: Mapping[str, str] = {},
                 parameters: Mapping[str, str] = {}):
        self._rules, self._source = rules, source
        self._places, self._parameters = places, parameters
        self._count = 0
        self._open: list[str] = []
        self.nodes: list[Node] = []
        self.units_from: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self.moves_from: dict[int, list[Move]] = defaultdict(list)

    def state(self) -> int:
        self._count += 1
        return self._count - 1

    def move(self, start: int, end: int, log_weight: float = 0.0, output: str = "") -> None:
        self.moves_from[start].append(Move(end, log_weight, output))

    def hear(self, start: int, end: int, unit: int, text: str, log_weight: float = 0.0) -> None:
        self.units_from[start].append((len(self.nodes), log_weight))
        self.nodes.append(Node(unit, text, end))

    def error(self, rule: str, message: str) -> GrammarError:
        return GrammarError(f"{self._places.get(rule, self._source)}: `{rule}`: {message}.")

    def filled(self, text: str) -> str:
        """The text with its parameters: ``$home`` whole, ``$home.1`` its first character or nothing."""
        def value(found: re.Match) -> str:
            name, place = found.groups()
            if name not in self._parameters:
                rule = self._open[-1] if self._open else "start"
                raise self.error(rule, f"there is no parameter `{name}`")
            written = self._parameters[name]
            return written[int(place) - 1: int(place)] if place else written
        return _PARAMETER.sub(value, text)

    def rule(self, name: str, start: int, end: int, log_weight: float = 0.0, mute: bool = False,
             times: int = 1, only: str = "") -> None:
        """``times``: its value is written so often; ``only``: the alternative of that value."""
        if name in self._open:
            raise self.error(name, f"rule `{name}` contains itself")
        if name not in self._rules:
            asker = self._open[-1] if self._open else name
            raise self.error(asker, f"there is no rule `{name}`")
        self._open.append(name)
        body = self._rules[name]
        if isinstance(body, dict) and "sequence" in body:
            if mute or times > 1 or only:
                raise self.error(name, "a sequence stands for itself: it cannot be repeated, "
                                       "narrowed or left out of a value")
            try:
                Sequence(self, name, body["sequence"], start, end).lay(log_weight)
            except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError):
                raise self.error(name, "the sequence cannot be laid: classes are {D: digit}, patterns "
                                       "{DD: 0.5}, repeats {两个: 2}, and their weights leave "
                                       "something for single places") from None
        else:
            self._alternatives(name, start, end, log_weight, _Manner(mute, times, only))
        self._open.pop()

    def phrase(self, say: str, start: int, end: int, log_weight: float, rule: str) -> None:
        """A template that adds nothing to the value."""
        self._laid(rule, say, start, end, log_weight, set(), {}, "", _Manner(mute=True))

    def _listed(self, name: str) -> list[dict]:
        body = self._rules[name]
        if isinstance(body, dict):
            body = [{"say": str(say), "value": str(value)} for value, say in body.items()]
        if not isinstance(body, list) or not body:
            raise self.error(name, "a rule is a list of `{say: …}` or a mapping of values to what is said")
        return [entry for entry in body if self._stands(name, entry)]

    def _stands(self, name: str, entry: dict) -> bool:
        """Is this alternative there at all? Raises GrammarError for what it says wrongly."""
        if not isinstance(entry, dict) or "say" not in entry:
            raise self.error(name, f"an alternative of `{name}` has no `say`")
        for key in entry:
            if key not in _ENTRY_KEYS:
                raise self.error(name, f"an alternative has no `{key}`; it knows {', '.join(_ENTRY_KEYS)}")
        if "value" in entry and not isinstance(entry["value"], str):
            raise self.error(name, f"write value {entry['value']!r} in quotes, YAML reads it as a number")
        return "if" not in entry or bool(self.filled(str(entry["if"])))

    def _alternatives(self, name: str, start: int, end: int, log_weight: float, how: _Manner) -> None:
        entries = [entry for entry in self._listed(name)
                   if not how.only or entry.get("value") == how.only]
        if not entries:
            raise self.error(name, f"no alternative of `{name}` has the value `{how.only}`")
        total = sum(self._weight(name, entry) for entry in entries)
        for entry in entries:
            share = log_weight + math.log(self._weight(name, entry) / total)
            self._entry(name, entry, start, end, share, how)

    def _weight(self, name: str, entry: dict) -> float:
        try:
            weight = float(entry.get("weight", 1.0))
        except (TypeError, ValueError):
            weight = 0.0
        if weight <= 0 or not math.isfinite(weight):
            raise self.error(name, f"weight {entry['weight']!r} must be a number over 0")
        return weight

    def _entry(self, name: str, entry: dict, start: int, end: int, log_weight: float,
               how: _Manner) -> None:
        say, value = self.filled(str(entry["say"])), entry.get("value")
        if value is None:
            self._laid(name, say, start, end, log_weight, set() if how.mute else None, {}, "", how)
            return
        value = self.filled(value)
        wanted, literals = _SLOT.findall(value), _SLOT.split(value)[::2]
        if how.mute:
            wanted, literals = [], [""]
        if how.times > 1:
            if wanted:
                raise self.error(name, "a class that may be repeated needs values without slots")
            literals = [literals[0] * how.times]
        slots = [slot for slot in _SLOT.findall(say) if slot in wanted]
        if slots == wanted:
            after = dict(zip(wanted, literals[1:], strict=True))
            self._laid(name, say, start, end, log_weight, set(wanted), after, literals[0], how)
        elif not slots:
            raise self.error(name, f"value `{value}` names a slot that `{say}` does not say")
        else:
            self._expanded(name, entry, slots, start, end, log_weight)

    def _expanded(self, name, entry, slots, start: int, end: int, log_weight: float) -> None:
        """A slot named twice in the value: one alternative for each of its own alternatives."""
        slot = slots[0]
        choices = self._listed(slot)
        total = sum(self._weight(slot, choice) for choice in choices)
        for choice in choices:
            chosen = {"say": entry["say"].replace("{" + slot + "}", f"({choice['say']})"),
                      "value": entry["value"].replace("{" + slot + "}", choice["value"])}
            share = log_weight + math.log(self._weight(slot, choice) / total)
            self._entry(name, chosen, start, end, share, _Manner())

    def _laid(self, name, say, start, end, log_weight, heard, after, before, how: _Manner) -> None:
        inner = self.state()
        self.move(start, inner, log_weight, before)
        _Template(self, name, say, heard, after, how.times).lay(inner, end)


class _Template:
    """Recursive descent over one template's tokens."""

    def __init__(self, builder: Builder, rule: str, say: str, heard: set | None, after: dict,
                 times: int = 1):
        self._builder, self._rule, self._say = builder, rule, say
        self._heard, self._after, self._times = heard, after, times
        self._tokens = _TOKEN.findall(say)
        self._place = 0

    def lay(self, start: int, end: int) -> None:
        self._choice(start, end)
        if self._place != len(self._tokens):
            raise self._error("a bracket too many")

    def _error(self, message: str) -> GrammarError:
        return self._builder.error(self._rule, f"`{self._say}`: {message}")

    def _choice(self, start: int, end: int) -> None:
        entries = []
        while True:
            first, last = self._builder.state(), self._builder.state()
            weight = self._series(first, last)
            entries.append((first, last, weight))
            if self._peek() != "|":
                break
            self._place += 1
        total = sum(weight for _, _, weight in entries)
        for first, last, weight in entries:
            self._builder.move(start, first, math.log(weight / total))
            self._builder.move(last, end)

    def _series(self, start: int, end: int) -> float:
        weight = 1.0
        while (token := self._peek()) not in (None, "|", ")", "]"):
            self._place += 1
            after = self._builder.state()
            if token[0] == "@":
                weight = self._weight(token)
                self._builder.move(start, after)
            else:
                self._once_or_more(token, start, after)
            start = after
        self._builder.move(start, end)
        return weight

    def _weight(self, token: str) -> float:
        try:
            weight = float(token[1:])
        except ValueError:
            weight = 0.0
        if weight <= 0:
            raise self._error(f"`{token}` must be a number over 0, as in @0.2")
        return weight

    def _once_or_more(self, token: str, start: int, end: int) -> None:
        first, last = self._builder.state(), self._builder.state()
        self._builder.move(start, first)
        self._item(token, first, last)
        if self._peek() == "+":
            self._place += 1
            self._builder.move(last, first, math.log(_AGAIN))
            self._builder.move(last, end, math.log(1.0 - _AGAIN))
        else:
            self._builder.move(last, end)

    def _item(self, token: str, start: int, end: int) -> None:
        if token in "([":
            inner = self._builder.state()
            self._builder.move(start, inner, _HALF if token == "[" else 0.0)
            self._choice(inner, end)
            if self._peek() != {"(": ")", "[": "]"}[token]:
                raise self._error("a bracket is not closed")
            self._place += 1
            if token == "[":
                self._builder.move(start, end, _HALF)
        elif token == "{...}":
            self._builder.hear(start, end, GARBAGE, "")
        elif token[0] == "{":
            self._slot(token[1:-1], start, end)
        else:
            for unit, share in self._readings(token):
                self._builder.hear(start, end, unit, token, math.log(share))

    def _readings(self, character: str) -> Iterator[tuple[int, float]]:
        try:
            units = units_of(character)
        except GrammarError as error:
            raise self._error(str(error).removesuffix(".")) from None
        if len(units) == 1:
            yield units[0], 1.0
            return
        yield units[0], _USUAL_READING
        for unit in units[1:]:
            yield unit, (1.0 - _USUAL_READING) / (len(units) - 1)

    def _slot(self, written: str, start: int, end: int) -> None:
        name, _, only = written.partition("=")
        mute = self._heard is not None and name not in self._heard
        after = self._builder.state()
        self._builder.rule(name, start, after, 0.0, mute, 1 if mute else self._times, only)
        self._builder.move(after, end, 0.0, self._after.get(name, ""))

    def _peek(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None


def units_of(character: str, source: str = "") -> list[int]:
    """The units (indices) that a character may be heard as, the usual one first."""
    if character in LETTERS:
        return [UNITS.index(character)]
    try:
        return pinyin()[character]
    except KeyError:
        where = f"{source}: " if source else ""
        raise GrammarError(f"{where}no reading is known for {character!r}.") from None


@functools.cache
def pinyin() -> dict[str, list[int]]:
    """Character → unit indices, from ``data/pinyin.tsv``."""
    index = {unit: number for number, unit in enumerate(UNITS)}
    lines = (line.split("\t") for line in _PINYIN.read_text("utf-8").splitlines()
             if not line.startswith("#"))
    return {character: [index[unit] for unit in readings.split(",")]
            for character, readings in lines}
