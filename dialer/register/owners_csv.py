"""The owners' list as the police write it: CSV in UTF-8, read row by row, problems named by line.

Columns: `plate` and `phone`; if wanted `phone2` and `phone3` (called in this order), `address`
(先生 or 女士), `language`, and `quiet` (hours not to be called, such as 22:00-07:00 or 22:00-07:00 12:00-14:00).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dialer.errors import RegisterProblem
from dialer.register.owner import Owner, field_problems
from dialer.register.secret import Secret
from plate_parser import rules

COLUMNS = ("plate", "phone", "phone2", "phone3", "address", "language", "quiet")
_MOST_SHOWN = 10
_EVERY = 10_000


class Problems:
    """What is wrong with a list; the first ten are kept, the rest counted. Never a row's content."""

    def __init__(self, source: Path) -> None:
        self.source, self.count = source, 0
        self._shown: list[str] = []

    def add(self, line: int, text: str) -> None:
        self.count += 1
        if len(self._shown) < _MOST_SHOWN:
            self._shown.append(f"{self.source}:{line}: {text}")

    def raise_any(self) -> None:
        """Raises `RegisterProblem` if there was one."""
        if self.count:
            more = [f"and {self.count - len(self._shown)} more"] if self.count > len(self._shown) else []
            raise RegisterProblem("\n".join(self._shown + more))


def read_rows(
    source: Path, problems: Problems, progress: Callable[[str, int, int], None]
) -> Iterator[tuple[int, Owner]]:
    """(line, owner) of each row that is right; what is wrong goes to `problems`.

    Raises:
        RegisterProblem: the file cannot be read as CSV at all.
    """
    reader = None
    try:
        with open(source, encoding="utf-8-sig", newline="") as file:
            reader, size = csv.reader(file), os.fstat(file.fileno()).st_size
            names = [name.strip() for name in next(reader, [])]
            if set(names) - set(COLUMNS) or not {"plate", "phone"} <= set(names) or len(set(names)) < len(names):
                raise RegisterProblem(f"{source}:1: the first line must name the columns {', '.join(COLUMNS)}")
            for number, fields in enumerate(reader):
                if number % _EVERY == 0:
                    progress("sealing", file.buffer.tell(), size)
                if fields:
                    owner, found = _owner(names, fields)
                    for problem in found:
                        problems.add(reader.line_num, problem)
                    if not found:
                        yield reader.line_num, owner
    except UnicodeDecodeError:
        raise RegisterProblem(f"{source} is not UTF-8: save it as CSV UTF-8") from None
    except csv.Error as error:
        raise RegisterProblem(f"{source}:{reader.line_num if reader else 1}: this is not CSV ({error})") from None
    except FileNotFoundError as error:
        raise RegisterProblem(f"{source}: {error.strerror}: give the owners' CSV file") from None
    except (IsADirectoryError, PermissionError) as error:
        raise RegisterProblem(f"{source}: {error.strerror}: give the owners' CSV file") from None


def _owner(names: list[str], fields: list[str]) -> tuple[Owner | None, list[str]]:
    if len(fields) != len(names):  # which field is which is not known, so nothing more is said
        return None, [f"the line has {len(fields)} of the {len(names)} fields that the first line names"]
    text = dict(zip(names, map(str.strip, fields)))
    problems = []
    plate = rules.normalize(text["plate"])
    if rules.classify(plate) is None:
        problems.append("plate is not a legal number plate")
    problems += field_problems(text)
    numbers = tuple(Secret(n) for n in (text.get("phone"), text.get("phone2"), text.get("phone3")) if n)
    owner = Owner(plate, numbers, text.get("address", ""), text.get("language") or "zh", text.get("quiet", ""))
    if not problems and not owner.fits():
        problems.append("the fields are too long together: give fewer or shorter numbers")
    return owner, problems
