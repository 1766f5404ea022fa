"""Which engines live: each counts on in the database, and the others watch it count.

Nobody compares clocks: an engine is dead when this one has seen it stand still for so long by
its own steady time. What it had under way may then be taken over.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from dialer.database.tables import EngineLife

BEAT_S = 1.0
TAKE_OVER_S = 30.0
"""An engine that stands still for so long is taken for dead. Calls to owners last about as long."""


class Pulse:
    """This engine's own beats, and what it has seen of the others'. From any thread.

    `name`: of this engine, which no other process may have meanwhile (`hotline.engine_folder`).
    `steady`: seconds that only go forward.
    """

    def __init__(
        self, name: str, take_over_s: float = TAKE_OVER_S, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._take_over_s, self._steady = take_over_s, steady
        self._seen: dict[str, tuple[int, float]] = {}
        self._beaten_at = -math.inf
        self._lock = threading.Lock()

    def each_beat(self) -> Callable[[], bool]:
        """A question whose answer is True once in `BEAT_S`: to beat, and to look after what the dead left."""
        looked_at = -math.inf

        def is_due() -> bool:
            nonlocal looked_at
            now = self._steady()
            if now - looked_at < BEAT_S:
                return False
            looked_at = now
            return True

        return is_due

    def beat(self, session: Session) -> None:
        """This engine lives; written once in `BEAT_S`, however often it is said."""
        now = self._steady()
        if now - self._beaten_at < BEAT_S:
            return
        self._beaten_at = now
        own = update(EngineLife).where(EngineLife.name == self.name).values(beats=EngineLife.beats + 1)
        if not session.execute(own).rowcount:
            session.execute(insert(EngineLife).values(name=self.name, beats=1))

    def others_alive(self, session: Session) -> list[str]:
        """The other engines that were seen to count on not too long ago."""
        now = self._steady()
        counted = dict(session.execute(select(EngineLife.name, EngineLife.beats).where(EngineLife.name != self.name)).all())
        with self._lock:
            self._seen = {
                name: (beats, self._seen[name][1] if self._seen.get(name, ("",))[0] == beats else now)
                for name, beats in counted.items()
            }
            return [name for name, (_, since) in self._seen.items() if now - since < self._take_over_s]

    def orphaned(self, session: Session, engine: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        """Rows whose engine is neither this one nor alive."""
        return engine.not_in([self.name, *self.others_alive(session)])
