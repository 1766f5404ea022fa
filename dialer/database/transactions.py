"""Work in a database, one transaction each, by one of the engines that share it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import ColumnElement, Engine, inspect, select
from sqlalchemy.orm import Session

from dialer.database.pulse import Pulse

T = TypeVar("T")
Row = TypeVar("Row")


class Transactions:
    """Changes of one database, each on disk when it returns; from any thread, one at a time in this process.

    `time` gives seconds since 1970. `pulse`: this engine among those that work on the database. What one has begun
    (rows with its name as `engine`) is the others' only when it is dead: clocks say nothing about that.
    """

    def __init__(self, engine: Engine, time: Callable[[], float], pulse: Pulse | None = None) -> None:
        self.time = time
        self._engine = engine
        self._pulse = pulse or Pulse("engine")
        self._each_beat = self._pulse.each_beat()
        self._one_at_a_time = threading.Lock()
        self._under_way: set[tuple] = set()
        """Primary keys of what this process has begun and not ended."""

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

    def _left_to_us(self, session: Session, row: type[Row]) -> ColumnElement[bool]:
        """Rows that no other living engine has: this one's, nobody's, and those of the dead."""
        return row.engine.not_in(self._pulse.others_alive(session))

    def _cut_off(self, session: Session, row: type[Row], begun: ColumnElement[bool], *, lock: bool = True) -> list[Row]:
        """What was `begun` and nobody will end any more: a dead engine's, and any of this one's that it
        knows nothing of, from before it was started or whose beginning it never heard back."""
        query = select(row).where(begun, self._left_to_us(session, row)).order_by(*inspect(row).primary_key)
        found = session.scalars(query.with_for_update(skip_locked=True) if lock else query)
        return [each for each in found
                if each.engine != self._pulse.name or inspect(each).identity not in self._under_way]
