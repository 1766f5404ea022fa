"""Reads a YAML file of people's hands as nodes with places: bounded in size, its mistakes told plainly."""

import re
import warnings
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from ivr.flow.source import FlowError, Item, Where
from ivr.flow.syntax import slip

MOST_BYTES = 1_000_000
MOST_DEPTH = 20
MOST_ENTRIES = 100_000
"""Everything that is written, what `*name` repeats counted each time."""
TAG = re.compile(r"(?:&\S+\s+)?(?P<tag>!\S*)")


def read_yaml(path: Path) -> Item:
    """The root of a YAML file. Raises `FlowError` if it cannot be read."""
    text = _text(path)
    top = Where(str(path), 1, 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)     # `_Bounds` tells it, with its place
            root = YAML(typ="rt").compose(text)
    except MarkedYAMLError as error:
        found = slip(text, error)
        raise FlowError(Where(str(path), found.line, found.column), found.message) from None
    except YAMLError as error:
        raise FlowError(_place_of_control(path, text), "a control character stands here; take it out and save as plain text") from error
    except RecursionError:
        raise FlowError(top, f"its brackets are nested too deeply; a flow needs {MOST_DEPTH} levels at most") from None
    if root is None:
        raise FlowError(top, "the file is empty")
    _Bounds(path, text.split("\n")).count(root)
    return Item(root, path)


def _text(path: Path) -> str:
    top = Where(str(path), 1, 1)
    try:
        with path.open("rb") as file:
            written = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise FlowError(top, "there is no such file") from None
    except OSError as error:
        raise FlowError(top, f"it cannot be read ({error.strerror}); name a YAML file") from None
    if len(written) > MOST_BYTES:
        raise FlowError(top, "the file is over 1 MB; make flows of its parts and run them: run: NAME")
    try:
        return written.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start)
        raise FlowError(Where(str(path), line + 1, 1), "the file is not UTF-8 text; save it as UTF-8") from None


def _place_of_control(path: Path, text: str) -> Where:
    before = next((text[:place] for place, mark in enumerate(text) if not mark.isprintable() and mark not in "\n\t\r"), "")
    return Where(str(path), before.count("\n") + 1, len(before) - before.rfind("\n"))


class _Bounds:
    """Counts what a file unfolds to, and refuses tags, of which a flow has none."""

    def __init__(self, path: Path, lines: list[str]):
        self._path, self._lines = path, lines
        self._counted: dict[int, int] = {}
        self._named: dict[str, Node] = {}
        self._inside: set[int] = set()

    def count(self, node: Node, depth: int = 1) -> int:
        """Raises `FlowError` for a file that is too deep, too large or without end."""
        self._check(node)
        if not isinstance(node, CollectionNode):
            return 1
        if id(node) in self._inside:
            self._refuse(node, f"'&{node.anchor}' holds itself as '*{node.anchor}'; write it out instead")
        if depth > MOST_DEPTH:
            self._refuse(node, f"its brackets are nested too deeply; a flow needs {MOST_DEPTH} levels at most")
        if id(node) not in self._counted:
            self._inside.add(id(node))
            entries = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
            self._counted[id(node)] = 1 + sum(self.count(entry, depth + 1) for entry in entries)
            self._inside.discard(id(node))
        if self._counted[id(node)] > MOST_ENTRIES:
            self._refuse(node, f"with what '*' repeats, this holds over {MOST_ENTRIES:,} entries; repeat less")
        return self._counted[id(node)]

    def _check(self, node: Node) -> None:
        if tag := self._tag(node):
            self._refuse(node, f"'{tag}' is a tag of YAML's, and means nothing here: all is text as it is written; take it "
                               "out, or put a text that begins with '!' between quotes")
        if node.anchor and self._named.setdefault(node.anchor, node) is not node:
            line = self._named[node.anchor].start_mark.line + 1
            self._refuse(node, f"'&{node.anchor}' names something in line {line} already; give this another name")

    def _tag(self, node: Node) -> str:
        """The tag that is written before a node, after its name or before it; "" for none."""
        line = self._lines[node.start_mark.line] if node.start_mark.line < len(self._lines) else ""
        found = TAG.match(line, node.start_mark.column)
        return found["tag"] if found else ""

    def _refuse(self, node: Node, message: str) -> None:
        raise FlowError(Where(str(self._path), node.start_mark.line + 1, node.start_mark.column + 1), message)
