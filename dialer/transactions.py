"""Work in a database, one transaction each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

T = TypeVar("T")


class Transactions:
    """Changes of one database, each on disk when it returns; from any thread, one at a time in this process.

    `time` gives seconds since 1970.
    """

    def __init__(self, engine: Engine, time: Callable[[], float]) -> None:
        self.time = time
        self._engine = engine
        self._one_at_a_time = threading.Lock()

    def _change(self, work: Callable[..., T], *arguments: object, then: Callable[[T], None] | None = None) -> T:
        """What `work(session, time, *arguments)` finds. `then` hears of it before the next change begins."""
        with self._one_at_a_time:
            with self._reading() as session:
                found = work(session, self.time(), *arguments)
                session.commit()
            if then:
                then(found)
            return found

    def _reading(self) -> Session:
        """A session to close again; what it found may be used afterwards."""
        return Session(self._engine, expire_on_commit=False)
