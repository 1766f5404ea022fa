"""What the database could not take, kept in a file beside the recordings until it can.

A case that was opened while the database was away must not go with the process that took the call.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Write:
    """One change that was asked for: a case opened, an entry of a case's log, or fields of a case."""

    kind: Literal["open", "entry", "update"]
    case_id: str
    fields: dict[str, str]


class Unstored:
    """The file `path`, one JSON object a line, readable for its owner only. Raises OSError.

    A last line that was torn by a crash is left out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Write]:
        """What the process before this one could not store."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                found.append(Write(**json.loads(line)))
            except (ValueError, TypeError):
                continue
        return found

    def add(self, writes: Iterable[Write]) -> None:
        """On disk when it returns."""
        text = "".join(json.dumps(asdict(write), ensure_ascii=False) + "\n" for write in writes)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)
