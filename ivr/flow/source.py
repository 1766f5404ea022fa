"""YAML's nodes as text with positions, so that every message can name file, line and column.

Scalars stay the text that was written: `012`, `no`, `1e3` and `12:30` are never numbers,
truth values or times.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ivr.flow.mistypings import NO_SPACE, WIDE_OPENERS, unspaced, wide_mark


@dataclass(frozen=True)
class Where:
    """A place in a file; line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class FlowError(Exception):
    """A file that cannot be used: where, what is wrong, and what to write instead."""

    def __init__(self, where: Where, message: str):
        super().__init__(f"{where}: {message}")
        self.where, self.message = where, message


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the closest known word, else the list of known words."""
    known = sorted(known)
    close = get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if known else ""


class Item:
    """One YAML node with its position; `key` is the node that names it in a mapping."""

    def __init__(self, node: Node, path: Path, key: "Item | None" = None):
        self.node, self.path, self.key = node, path, key

    @property
    def where(self) -> Where:
        mark = self.node.start_mark
        return Where(str(self.path), mark.line + 1, mark.column + 1)

    def error(self, message: str) -> FlowError:
        return FlowError(self.where, message)

    def text(self) -> str:
        self._require_something("its value after the colon")
        if not isinstance(self.node, ScalarNode):
            raise self.error("expected a single value here, not a list or a mapping")
        if self.node.value[:1] in WIDE_OPENERS:
            self.require_half_width()
        if not self.node.value.isascii() and any("\ud800" <= mark <= "\udfff" for mark in self.node.value):
            raise self.error("half a character stands here, written as \\ud800 to \\udfff; write the character itself")
        return self.node.value

    @property
    def is_empty(self) -> bool:
        """Nothing was written, not even quotes."""
        return isinstance(self.node, ScalarNode) and not self.node.value and self.node.style is None

    def _require_something(self, instead: str) -> None:
        if self.is_empty and self.key:
            raise self.key.error(f"'{self.key.node.value.rstrip(':')}' is empty; write {instead}, or take it out")
        if self.is_empty:
            raise self.error("this entry is empty; write its value, or take it out")

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, SequenceNode)

    @property
    def is_quoted(self) -> bool:
        """Written between quotes, or as a block."""
        return isinstance(self.node, ScalarNode) and self.node.style is not None

    def inside(self, offset: int) -> Where:
        """The place `offset` characters into a single value that stands on one line."""
        where = self.where
        return Where(where.path, where.line, where.column + offset + (1 if self.is_quoted else 0))

    def number(self) -> int:
        written = self.text()
        if not (written.isascii() and written.isdigit()):
            raise self.error(f"expected a whole number, not '{written}'")
        return int(written)

    def count(self, most: int) -> int:
        """A whole number from 1 to `most`. Raises `FlowError`."""
        number = self.number()
        if not 1 <= number <= most:
            raise self.error(f"{number} is out of range; write a number from 1 to {most}")
        return number

    def decimal(self) -> float:
        written = self.text()
        try:
            return float(written)
        except ValueError:
            raise self.error(f"expected a number such as 2 or 1.5, not '{written}'") from None

    def yes_or_no(self) -> bool:
        written = self.text().lower()
        if written not in ("yes", "no", "true", "false"):
            raise self.error(f"expected yes or no, not '{written}'")
        return written in ("yes", "true")

    def items(self) -> list["Item"]:
        self._require_something("a list such as [first, second]")
        if not isinstance(self.node, SequenceNode):
            raise self.error("expected a list here, such as [first, second]")
        entries = [Item(node, self.path) for node in self.node.value]
        for entry in entries:
            entry.require_half_width()
        return entries

    def entries(self) -> list["Item"]:
        """As `items`; one alone needs no brackets."""
        return [self] if isinstance(self.node, ScalarNode) else self.items()

    def texts(self) -> tuple[str, ...]:
        """Of `entries`, each as it is written."""
        return tuple(item.text() for item in self.entries())

    def require_half_width(self) -> None:
        """Raises `FlowError` at a full-width mark in what is not quoted."""
        if isinstance(self.node, ScalarNode) and not self.is_quoted and (found := wide_mark(self.node.value)):
            raise FlowError(self.inside(found[0]), found[1])

    def fields(self, known: Iterable[str] | None = None) -> dict[str, "Item"]:
        """The mapping's entries by key. Raises `FlowError` for a key twice or, if `known`, unknown."""
        self._require_something("a mapping such as {name: value}")
        if not isinstance(self.node, MappingNode):
            self.require_half_width()
            raise self.error("expected a mapping here, such as {name: value}")
        found: dict[str, Item] = {}
        for key_node, value_node in self.node.value:
            key = Item(key_node, self.path)
            name = key.text()
            key.require_half_width()
            if not key.is_quoted and unspaced(name):
                raise FlowError(key.inside(name.index(":") + 1), NO_SPACE)
            if name in found:
                raise key.error(f"'{name}' is given twice; keep one of them")
            if name == "<<":
                raise key.error("'<<' does not merge here; write the entries out, or repeat a whole list or mapping with *NAME")
            if known is not None and name not in known:
                raise key.error(f"'{name}' is not known here{nearest(name, known)}")
            found[name] = Item(value_node, self.path, key)
        return found
