"""Cases and their event logs in a database: SQLite, or PostgreSQL where several engines share it.

Writes go through one thread, in the order in which they were asked for, so that the engine's
loop never waits for a disk and a case's events never change places. What a database that is away
cannot take waits, in a file too, until it is back.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Engine, ForeignKey, func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from dialer.database.pulse import Pulse
from hotline.errors import CannotRun
from hotline.storage.database import LOST, Reach, connected, database_url, reason, shown
from hotline.storage.unstored import Unstored, Write

log = logging.getLogger(__name__)
MIGRATIONS = Path(__file__).parent / "migrations"
AGAIN_S = 1.0
"""A database that is away is asked again so often."""


class Base(DeclarativeBase):
    """The tables' common base."""


class Case(Base):
    """One request of one citizen. Times are ISO 8601 in UTC; `outcome` is "" while it is open.
    `engine`: the one that takes the call."""

    __tablename__ = "case"

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    opened_at: Mapped[str]
    closed_at: Mapped[str] = mapped_column(default="")
    caller: Mapped[str] = mapped_column(default="")
    plate: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    engine: Mapped[str] = mapped_column(default="")


class CaseEvent(Base):
    """One entry of a case's append-only log; `seq` counts from 1 within the case."""

    __tablename__ = "case_event"

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    side: Mapped[str]
    kind: Mapped[str]
    details: Mapped[str]


class Store(AbstractContextManager):
    """The case database. Raises `CannotRun` if it cannot be opened.

    `pulse`: the engine that works on it, for what takes calls. `unstored`: where to keep what the
    database cannot take; without it, in memory. `clock`: this machine's, seconds since 1970.
    """

    def __init__(
        self, url: URL | str, pulse: Pulse | None = None, unstored: Path | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self._clock = clock
        self.reach = Reach()
        self._url = database_url(url, Path()) if isinstance(url, str) else url
        self._engine = connected(self._url)
        self._shared = self._url.get_backend_name() == "postgresql"
        self._pulse = pulse
        self._unstored = Unstored(unstored) if unstored else None
        self._writer = ThreadPoolExecutor(1, "store")
        self._waiting: deque[Write] = deque()
        self._own: set[str] = set()
        self._again = self._ready = False
        self._not_before = 0.0

    @property
    def engine(self) -> Engine:
        """The database, for the queue of owners' calls, which has its tables beside the cases."""
        return self._engine

    @property
    def told(self) -> str:
        """Which database it is, for people: its kind, version and address, no password."""
        with self._engine.connect() as connection:
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
        kind = "PostgreSQL" if self._shared else "SQLite"
        return f"{kind} {version}, {shown(self._url)}"

    def time(self) -> float:
        """Seconds since 1970 by the database's clock, which is the same for all engines; else this machine's."""
        try:
            if self._shared and not self.reach.lost:
                with self._engine.connect() as connection:
                    return float(connection.scalar(select(func.extract("epoch", func.clock_timestamp()))))
        except SQLAlchemyError as error:
            self.reach.failed(error)
        return self._clock()

    def open(self, *, patient: bool = False) -> "Store":
        """Bring the tables to this version's form.

        `patient`: where nothing answers at the database's address, take calls all the same; the
        writes wait. Raises CannotRun.
        """
        if self._unstored:
            self._waiting.extend(self._unstored.read())
            self._again = bool(self._waiting)
        try:
            if not self._shared and self._url.database:
                Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
            self._migrate()
        except CommandError:
            raise CannotRun(f"the case database {shown(self._url)} was made by a newer version: install that one") from None
        except (SQLAlchemyError, OSError) as error:
            if patient and isinstance(error, LOST) and not self._refused(error):
                self._lost(error)
                return self
            raise CannotRun(
                f"the case database {shown(self._url)} cannot be opened ({reason(error)}); "
                "check [database] url in ivr.toml, docs/database.md"
            ) from error
        if self._again or self._pulse:
            self.retry()
        return self

    def close(self) -> None:
        """Finish what is queued and let go of the database."""
        self.retry()
        self._writer.shutdown(wait=True)
        if self._waiting:
            log.error("not_stored", extra={"fields": {"writes": len(self._waiting), "kept": self._unstored is not None}})
        self._engine.dispose()

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_case(self, case: Case) -> "Future[None]":
        self._own.add(case.id)
        fields = {name: getattr(case, name) for name in ("channel", "opened_at", "caller")}
        return self._ask(Write("open", case.id, fields))

    def add_event(self, entry: CaseEvent) -> "Future[None]":
        """Append an entry; its place in the case's log is given here, whoever else appends."""
        fields = {name: getattr(entry, name) for name in ("at", "side", "kind", "details")}
        return self._ask(Write("entry", entry.case_id, fields))

    def update_case(self, case_id: str, **fields: str) -> "Future[None]":
        return self._ask(Write("update", case_id, fields))

    def retry(self) -> "Future[None]":
        """Try what waits once more, and tell the others that this engine lives."""
        return self._writer.submit(self._drain, True)

    async def flushed(self) -> None:
        """Return when everything asked for so far is on disk, or the database is away (`reach.lost`)."""
        await asyncio.wrap_future(self._writer.submit(lambda: None))

    def close_interrupted(self, left_open: str = "") -> list[str]:
        """Cases that no engine that lives will close get an outcome that says so; their numbers.

        Of this engine's, those from before its start. Those of the channel `left_open` wait for people.
        """
        with Session(self._engine) as session:
            whose = or_(Case.engine == self._pulse.name, self._pulse.orphaned(session, Case.engine))
            open_ones = session.scalars(select(Case).where(Case.outcome == "", Case.channel != left_open, whose).with_for_update())
            found = [case for case in open_ones if case.id not in self._own]
            for case in found:
                case.outcome, case.closed_at = "interrupted", now_text()
            session.commit()
            return [case.id for case in found]

    def cases(self, limit: int = 20) -> list[Case]:
        """The newest cases, newest first."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(select(Case).order_by(Case.opened_at.desc()).limit(limit)))

    def open_cases(self) -> list[Case]:
        """Cases that have no outcome yet."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(select(Case).where(Case.outcome == "")))

    def cases_of(self, caller: str, since: datetime) -> list[Case]:
        """A caller's cases since then, newest first. Numbers begin with the time (`OpenCase.opened`)."""
        first = f"{since.astimezone(UTC):%Y%m%d-%H%M%S}"
        query = select(Case).where(Case.id >= first, Case.caller == caller).order_by(Case.id.desc())
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def case(self, case_id: str) -> Case | None:
        with Session(self._engine, expire_on_commit=False) as session:
            return session.get(Case, case_id)

    def events(self, case_id: str) -> list[tuple[CaseEvent, Mapping[str, Any]]]:
        """A case's log in order, each entry with its details."""
        query = select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.seq)
        with Session(self._engine, expire_on_commit=False) as session:
            return [(entry, json.loads(entry.details)) for entry in session.scalars(query)]

    # --- in the writer's thread ---

    def _ask(self, write: Write) -> "Future[None]":
        return self._writer.submit(self._write, write)

    def _write(self, write: Write) -> None:
        self._waiting.append(write)
        if self._again:
            self._keep([write])
        self._drain()

    def _drain(self, beat: bool = False) -> None:
        """Store what waits, in order; a write that the database refuses for what it is is left out."""
        if self._again and time.monotonic() < self._not_before:
            return
        failures = self.reach.failures
        try:
            if not self._ready:
                self._migrate()
            if self._pulse and (beat or self._again):
                self._transact(self._pulse.beat)
            while self._waiting:
                self._store_first()
        except LOST as error:
            self._lost(error)
        else:
            if self._again and self._unstored:
                self._unstored.clear()
            self._again = False
            self.reach.answered(failures)

    def _lost(self, error: Exception) -> None:
        self.reach.failed(error)
        self._not_before = time.monotonic() + AGAIN_S
        if not self._again:
            self._again = True
            self._keep(list(self._waiting))

    def _store_first(self) -> None:
        write = self._waiting[0]
        try:
            self._transact(lambda session: _apply(session, write, self._pulse.name if self._pulse else "", self._again))
        except LOST:
            raise
        except Exception as error:  # a defect of ours: what follows is still stored
            log.error("not_stored", extra={"fields": {"case": write.case_id, "error": reason(error)}})
        self._waiting.popleft()

    def _keep(self, writes: list[Write]) -> None:
        try:
            if self._unstored and writes:
                self._unstored.add(writes)
        except OSError as error:
            self.reach.failed(error)  # the same full disk: said already

    def _transact(self, change) -> None:
        with Session(self._engine) as session:
            change(session)
            session.commit()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        self._ready = True

    def _refused(self, error: Exception) -> bool:
        """Whether a server is there and did not let us in: settings, which no waiting mends."""
        if not self._shared:
            return True
        said = str(error.orig)
        return "FATAL" in said and "starting up" not in said and "shutting down" not in said


def _apply(session: Session, write: Write, engine: str, again: bool) -> None:
    """Make one change. `again`: it may have been made already, when the answer was lost."""
    match write.kind:
        case "open":
            if not (again and session.get(Case, write.case_id)):
                session.add(Case(id=write.case_id, engine=engine, closed_at="", plate="", outcome="", reason="",
                                 **write.fields))
        case "update":
            case = session.get(Case, write.case_id)
            for name, value in write.fields.items():
                setattr(case, name, value)
        case "entry":
            session.get(Case, write.case_id, with_for_update=True)  # of several engines, one appends at a time
            own = CaseEvent.case_id == write.case_id
            same = [getattr(CaseEvent, name) == value for name, value in write.fields.items()]
            if not (again and session.scalars(select(CaseEvent).where(own, *same)).first()):
                last = session.scalar(select(func.max(CaseEvent.seq)).where(own)) or 0
                session.add(CaseEvent(case_id=write.case_id, seq=last + 1, **write.fields))


def now_text() -> str:
    """The time as cases keep it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
