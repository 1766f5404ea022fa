"""Sentence templates into a network of states: the part of a grammar that reads its rules."""

from __future__ import annotations

import functools
import math
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from asr.recognizer import GrammarError
from asr.units import LETTERS, UNITS

_HALF = math.log(0.5)
GARBAGE = len(UNITS)               # a pseudo unit: any sound
UNIT_NAMES = (*UNITS, "*")
_PINYIN = Path(__file__).parent / "data" / "pinyin.tsv"
_TOKEN = re.compile(r"\{[^}]*\}|@[\d.]+|[()\[\]|]|\S")
_SLOT = re.compile(r"\{(\w+)\}")


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


class Builder:
    """Grows the network; ``rule`` and ``template`` lay themselves between two states."""

    def __init__(self, rules: dict, source: str):
        self._rules, self._source = rules, source
        self._count = 0
        self._open: list[str] = []
        self.nodes: list[Node] = []
        self.units_from: dict[int, list[int]] = defaultdict(list)
        self.moves_from: dict[int, list[Move]] = defaultdict(list)

    def state(self) -> int:
        self._count += 1
        return self._count - 1

    def move(self, start: int, end: int, log_weight: float = 0.0, output: str = "") -> None:
        self.moves_from[start].append(Move(end, log_weight, output))

    def hear(self, start: int, end: int, unit: int, text: str) -> None:
        self.units_from[start].append(len(self.nodes))
        self.nodes.append(Node(unit, text, end))

    def rule(self, name: str, start: int, end: int, log_weight: float = 0.0,
             mute: bool = False) -> None:
        if name in self._open:
            raise GrammarError(f"{self._source}: rule `{name}` contains itself.")
        if name not in self._rules:
            raise GrammarError(f"{self._source}: there is no rule `{name}`.")
        self._open.append(name)
        body = self._rules[name]
        if isinstance(body, dict) and "sequence" in body:
            self._sequence(body["sequence"], start, end, log_weight)
        else:
            self._alternatives(self._listed(name), start, end, log_weight, mute)
        self._open.pop()

    def _listed(self, name: str) -> list[dict]:
        body = self._rules[name]
        if isinstance(body, dict):
            body = [{"say": str(say), "value": str(value)} for value, say in body.items()]
        for entry in body:
            if not isinstance(entry, dict) or "say" not in entry:
                raise GrammarError(f"{self._source}: an alternative of `{name}` has no `say`.")
            if "value" in entry and not isinstance(entry["value"], str):
                raise GrammarError(f"{self._source}: `{name}`: write value {entry['value']!r} in "
                                   "quotes, YAML reads it as a number.")
        return body

    def _alternatives(self, entries, start: int, end: int, log_weight: float, mute: bool) -> None:
        total = sum(float(entry.get("weight", 1.0)) for entry in entries)
        for entry in entries:
            share = log_weight + math.log(float(entry.get("weight", 1.0)) / total)
            self._entry(entry, start, end, share, mute)

    def _entry(self, entry: dict, start: int, end: int, log_weight: float, mute: bool) -> None:
        say, value = str(entry["say"]), entry.get("value")
        if value is None:
            self._laid(say, start, end, log_weight, None if not mute else set(), {})
            return
        wanted = _SLOT.findall(value)
        literals = _SLOT.split(value)[::2]
        if mute:
            wanted, literals = [], [""]
        slots = [name for name in _SLOT.findall(say) if name in wanted]
        if slots == wanted:
            after = dict(zip(wanted, literals[1:], strict=True))
            self._laid(say, start, end, log_weight, set(wanted), after, literals[0])
        else:
            self._expanded(entry, slots, start, end, log_weight)

    def _expanded(self, entry: dict, slots, start: int, end: int, log_weight: float) -> None:
        """A slot named twice in the value: one alternative for each of its own alternatives."""
        name = slots[0]
        choices = self._listed(name)
        total = sum(float(choice.get("weight", 1.0)) for choice in choices)
        for choice in choices:
            chosen = {"say": entry["say"].replace("{" + name + "}", f"({choice['say']})"),
                      "value": entry["value"].replace("{" + name + "}", choice["value"])}
            share = log_weight + math.log(float(choice.get("weight", 1.0)) / total)
            self._entry(chosen, start, end, share, False)

    def _laid(self, say, start, end, log_weight, heard, after, before="") -> None:
        inner = self.state()
        self.move(start, inner, log_weight, before)
        parser = _Template(self, say, heard, after, self._source)
        parser.lay(inner, end)

    def _sequence(self, body: dict, start: int, end: int, log_weight: float) -> None:
        """A trie of the patterns' places, with runs of one thing said as 三个八."""
        classes, patterns = body["classes"], body["patterns"]
        total = sum(patterns.values())
        counts: dict[str, float] = defaultdict(float)
        for pattern, weight in patterns.items():
            for size in range(len(pattern) + 1):
                counts[pattern[:size]] += weight / total
        states = {prefix: self.state() for prefix in counts}
        self.move(start, states[""], log_weight)
        for pattern in patterns:
            self.move(states[pattern], end)
        repeated = float(body.get("repeat_weight", 0.0))
        for prefix, weight in counts.items():
            if not prefix:
                continue
            stem = states[prefix[:-1]]
            self.rule(classes[prefix[-1]], stem, states[prefix],
                      math.log(weight / counts[prefix[:-1]]))
            for words, run in body.get("repeats", {}).items():
                if len(prefix) >= run and len(set(prefix[-run:])) == 1:
                    origin = prefix[:-run]
                    share = math.log(repeated * weight / counts[origin] / len(body["repeats"]))
                    thing = "{" + classes[prefix[-1]] + "}"
                    self._entry({"say": f"({words}){thing}", "value": thing * run},
                                states[origin], states[prefix], share, False)


class _Template:
    """Recursive descent over one template's tokens."""

    def __init__(self, builder: Builder, say: str, heard: set | None, after: dict, source: str):
        self._builder, self._say, self._source = builder, say, source
        self._heard, self._after = heard, after
        self._tokens = _TOKEN.findall(say)
        self._place = 0

    def lay(self, start: int, end: int) -> None:
        self._choice(start, end)
        if self._place != len(self._tokens):
            raise GrammarError(f"{self._source}: `{self._say}`: a bracket too many.")

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
                weight = float(token[1:])
                self._builder.move(start, after)
            else:
                self._item(token, start, after)
            start = after
        self._builder.move(start, end)
        return weight

    def _item(self, token: str, start: int, end: int) -> None:
        if token in "([":
            inner = self._builder.state()
            self._builder.move(start, inner, _HALF if token == "[" else 0.0)
            self._choice(inner, end)
            if self._peek() != {"(": ")", "[": "]"}[token]:
                raise GrammarError(f"{self._source}: `{self._say}`: a bracket is not closed.")
            self._place += 1
            if token == "[":
                self._builder.move(start, end, _HALF)
        elif token == "{...}":
            self._builder.hear(start, end, GARBAGE, "")
        elif token[0] == "{":
            self._slot(token[1:-1], start, end)
        else:
            for unit in units_of(token, self._source):
                self._builder.hear(start, end, unit, token)

    def _slot(self, name: str, start: int, end: int) -> None:
        mute = self._heard is not None and name not in self._heard
        after = self._builder.state()
        self._builder.rule(name, start, after, 0.0, mute)
        self._builder.move(after, end, 0.0, self._after.get(name, ""))

    def _peek(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None


def units_of(character: str, source: str = "grammar") -> list[int]:
    """The units (indices) that a character may be heard as."""
    if character in LETTERS:
        return [UNITS.index(character)]
    try:
        return pinyin()[character]
    except KeyError:
        raise GrammarError(f"{source}: no reading is known for {character!r}.") from None


@functools.cache
def pinyin() -> dict[str, list[int]]:
    """Character → unit indices, from ``data/pinyin.tsv``."""
    index = {unit: number for number, unit in enumerate(UNITS)}
    lines = (line.split("\t") for line in _PINYIN.read_text("utf-8").splitlines()
             if not line.startswith("#"))
    return {character: [index[unit] for unit in readings.split(",")]
            for character, readings in lines}
