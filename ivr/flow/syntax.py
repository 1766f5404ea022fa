"""What is wrong with a text that is no YAML: where the mistake was made, and what to write instead.

A YAML reader stops where it can go on no more, often a line later, and says so in its own terms. Here
the text is looked at for what people mistype: tabs, full-width marks, quotes and brackets left open.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from ruamel.yaml.error import MarkedYAMLError

from ivr.flow.mistypings import NO_SPACE, UNSPACED, WIDE, WIDE_OPENERS, told_wide
from ivr.flow.source import nearest

_CLOSES = {"[": "]", "{": "}"}
NO_COLON = "this line has no ':'; write 'NAME: VALUE', or 'NAME:' where more lines follow"
MOST_KEY = 1024
"""YAML 1.2, 7.4: an implicit key is at most so long."""
_LONG_KEY = re.compile(rf"[^\s,{{\[:#][^:{{\[]{{{MOST_KEY - 1},}}:(?=\s|$)")
_BLANKS = {"\t": "a tab", "\u00a0": "a no-break space", "\u3000": "a full-width space"}
_KEYED = re.compile(r"\s*(?:- )?[^:#]+:(?:\s|$)")


@dataclass(frozen=True)
class Slip:
    """A mistake: line and column from 1, and one sentence."""

    line: int
    column: int
    message: str


@dataclass
class _Text:
    """What stands outside quotes and comments, and what was left open. Places are (line, column) from 0."""

    lines: list[str]
    outside: list[tuple[int, int, str]] = field(default_factory=list)
    open_quotes: list[tuple[int, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, line in enumerate(self.lines):
            self._scan(number, line)

    def _scan(self, number: int, line: str) -> None:
        column = 0
        while column < len(line):
            mark, before = line[column], line[column - 1] if column else " "
            if mark == "#" and before.isspace():
                return
            if mark in "\"'" and before in " \t[{,(":
                end = _closing(line, column)
                if end < 0:
                    self.open_quotes.append((number, column, mark))
                    return
                column = end
            else:
                self.outside.append((number, column, mark))
            column += 1

    def above(self, number: int) -> int:
        """The line before this one that says something."""
        return next((each for each in range(number - 1, -1, -1) if self.lines[each].split("#")[0].strip()), 0)

    def indent(self, number: int) -> int:
        return len(self.lines[number]) - len(self.lines[number].lstrip(" "))


def slip(written: str, error: MarkedYAMLError) -> Slip:
    """The mistake for which a YAML reader gave up with this error."""
    text = _Text(written.split("\n"))
    mark = error.context_mark if "expected ':'" in str(error.problem) else error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    line = min(line, len(text.lines) - 1)
    problem = error.problem or error.context or ""
    found = (_of_indents(text) or _of_wide_marks(text, line, WIDE_OPENERS) or _of_quotes(text, line) or _of_brackets(text)
             or _of_long_keys(text, line) or _of_wide_marks(text, line, WIDE) or _of_spaces(text, line)
             or _of_words(text, line, column, problem))
    where = found or (line, column, f"this is not YAML ({problem}); compare it with a line that works")
    return Slip(where[0] + 1, where[1] + 1, where[2])


def _closing(line: str, start: int) -> int:
    """Where the quote closes that opens here; -1 if it does not in this line."""
    quote, column = line[start], start + 1
    while column < len(line):
        if quote == '"' and line[column] == "\\":
            column += 1
        elif line[column] == quote:
            if quote == "'" and line[column + 1:column + 2] == "'":
                column += 1
            else:
                return column
        column += 1
    return -1


def _of_indents(text: _Text):
    """Tabs, and spaces that only look like one: pasted out of a document or typed in Chinese."""
    for number, line in enumerate(text.lines):
        indent = line[:len(line) - len(line.lstrip())]
        if line.strip() and (odd := next((mark for mark in indent if mark != " "), "")):
            name = _BLANKS.get(odd, "something that is no space")
            return number, indent.index(odd), f"{name} indents this line; write spaces instead, two for each level"
    return None


def _of_wide_marks(text: _Text, line: int, marks: Collection[str]):
    """The first one in the line where the reader stopped, else in the one above."""
    for number in (line, text.above(line)):
        if found := next((place for place in text.outside if place[0] == number and place[2] in marks), None):
            return found[0], found[1], told_wide(found[2])
    return None


def _of_quotes(text: _Text, line: int):
    for number, column, mark in text.open_quotes:
        if number <= line:
            return number, column, f"the quote that opens here is not closed; write {mark} at the end of the text"
    return None


def _of_brackets(text: _Text):
    opened: list[tuple[int, int, str]] = []
    for number, column, mark in text.outside:
        if mark in _CLOSES:
            opened.append((number, column, mark))
        elif mark in "]}":
            if not opened:
                return number, column, f"'{mark}' closes nothing; take it out"
            first, at, opener = opened.pop()
            if _CLOSES[opener] != mark and first == number:
                return number, column, (f"the '{opener}' in column {at + 1} is to be closed first; "
                                        f"write '{_CLOSES[opener]}' before this '{mark}'")
            if _CLOSES[opener] != mark:
                return _left_open(first, at, opener)
    return _left_open(*opened[0]) if opened else None


def _left_open(number: int, column: int, opener: str) -> tuple[int, int, str]:
    return number, column, f"this '{opener}' is not closed; write '{_CLOSES[opener]}' after its last entry"


def _of_long_keys(text: _Text, line: int):
    """A name before a colon is looked for in so many characters only."""
    for number in (line, text.above(line)):
        if found := _LONG_KEY.search(text.lines[number]):
            return number, found.start(), f"the name that begins here is over {MOST_KEY:,} characters long; give it a shorter one"
    return None


def _of_spaces(text: _Text, line: int):
    for number in (text.above(line), line):
        if found := UNSPACED.search(text.lines[number]):
            return number, found.end(), NO_SPACE
    return None


def _of_words(text: _Text, line: int, column: int, problem: str):
    """By what the reader itself says."""
    written = text.lines[line]
    if "mapping values are not allowed" in problem:
        return _of_colon(text, line, column)
    if "expected ':'" in problem:
        return _of_entry(text, line, column) or (line, column, NO_COLON)
    if "expected ',' or" in problem:
        word = re.search(r"[^\s,{\[:]+\s*$", written[:column])
        return line, word.start() if word else column, "a comma is missing before this; write {one: x, two: y} or [one, two]"
    if "<block end>" in problem:
        return _of_indent(text, line, column)
    if found := re.search(r"character '(.+)' that cannot start", problem):
        return line, column, f"a value cannot begin with '{found[1]}'; put it between quotes"
    if found := re.search(r"undefined alias '(.+)'", problem):
        near = nearest(found[1], re.findall(r"(?<=&)\w+", "\n".join(text.lines)))
        return line, column, f"'*{found[1]}' repeats what '&{found[1]}' names above, which is nowhere{near}"
    if "another document" in problem:
        return line, column, "'---' begins a second document here; a file holds one, so take it out"
    if found := re.search(r"unknown escape character '(.+)'", problem):
        return line, column, f"'\\{found[1]}' means nothing between double quotes; write single quotes, or two backslashes"
    return None


def _of_colon(text: _Text, line: int, column: int) -> tuple[int, int, str]:
    before = text.above(line)
    if ": " in text.lines[line][:column]:
        return line, column, "a second ':' stands in this line; put the value between quotes, or begin a new line"
    if not _KEYED.match(text.lines[before]):
        return before, text.indent(before), NO_COLON
    return _unlike(text, line)


def _of_indent(text: _Text, line: int, column: int) -> tuple[int, int, str]:
    indent = text.indent(line)
    if column > indent and not text.lines[line][indent:column].startswith("- "):
        return line, column, "nothing may follow here, behind a closed quote or bracket; take it out or begin a new line"
    return _of_entry(text, line, indent) or _unlike(text, line)


def _of_entry(text: _Text, line: int, column: int):
    """An entry of a list without its sign."""
    before = text.above(line)
    if text.lines[before].lstrip().startswith("- ") and text.indent(before) == column:
        return line, column, "the lines above are a list, so this needs '- ' too; else indent it as what the list belongs to"
    return None


def _unlike(text: _Text, line: int) -> tuple[int, int, str]:
    indent, above = text.indent(line), text.indent(text.above(line))
    return line, indent, f"this line is indented by {indent} spaces and the one above by {above}; lines that belong together begin alike"
