"""Cases and their event logs in a database: SQLite by default.

Writes go through one thread, in the order in which they were asked for, so that the engine's
loop never waits for a disk and a case's events never change places.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, ForeignKey, create_engine, event, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from hotline.errors import CannotRun

MIGRATIONS = Path(__file__).parent / "migrations"


class Base(DeclarativeBase):
    """The tables' common base."""


class Case(Base):
    """One request of one citizen. Times are ISO 8601 in UTC; `outcome` is "" while it is open."""

    __tablename__ = "case"

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    opened_at: Mapped[str]
    closed_at: Mapped[str] = mapped_column(default="")
    caller: Mapped[str] = mapped_column(default="")
    plate: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")


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
    """The case database. Raises `CannotRun` if it cannot be opened."""

    def __init__(self, url: str):
        self._url = url
        self._engine = create_engine(url)
        if url.startswith("sqlite"):
            event.listen(self._engine, "connect", _make_sqlite_durable)
        self._writer = ThreadPoolExecutor(1, "store")

    @property
    def engine(self) -> Engine:
        """The database, for the queue of owners' calls, which has its tables beside the cases."""
        return self._engine

    def open(self) -> "Store":
        """Bring the tables to this version's form."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("sqlalchemy.url", self._url.replace("%", "%%"))
        try:
            if self._url.startswith("sqlite:///"):
                Path(self._url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            command.upgrade(config, "head")
        except (SQLAlchemyError, OSError) as error:
            raise CannotRun(
                f"the case database {self._url} cannot be opened ({error.__class__.__name__}); "
                "check [store] url in ivr.toml and the folder's rights"
            ) from error
        return self

    def close(self) -> None:
        """Finish what is queued and let go of the database."""
        self._writer.shutdown(wait=True)
        self._engine.dispose()

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_case(self, case: Case) -> "Future[None]":
        return self._writer.submit(self._run, lambda session: session.add(case))

    def add_event(self, entry: CaseEvent) -> "Future[None]":
        """Append an entry; its place in the case's log is given here, whoever else appends."""
        def add(session: Session) -> None:
            last = select(func.max(CaseEvent.seq)).where(CaseEvent.case_id == entry.case_id)
            entry.seq = (session.scalar(last) or 0) + 1
            session.add(entry)

        return self._writer.submit(self._run, add)

    def update_case(self, case_id: str, **fields: str) -> "Future[None]":
        def change(session: Session) -> None:
            case = session.get(Case, case_id)
            for name, value in fields.items():
                setattr(case, name, value)

        return self._writer.submit(self._run, change)

    async def flushed(self) -> None:
        """Return when everything asked for so far is on disk."""
        await asyncio.wrap_future(self._writer.submit(lambda: None))

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

    def _run(self, change) -> None:
        with Session(self._engine) as session:
            change(session)
            session.commit()


def now_text() -> str:
    """The time as cases keep it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _make_sqlite_durable(connection, _record) -> None:
    """Readers beside the writer, and a full sync at each commit: a promise outlives a power cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
