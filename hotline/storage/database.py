"""The database's address and connections: SQLite for one engine, PostgreSQL for several."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
)

from hotline.errors import CannotRun

log = logging.getLogger(__name__)

LOST = (OperationalError, InterfaceError, InternalError)
"""What a database raises that is away, full, read-only or in trouble: the same may work later."""
MEND = "see that the database runs and has disk space: ivr doctor, docs/database.md"
_POSTGRES = "postgresql+psycopg"
_PATIENCE = {
    "connect_timeout": 3,          # s
    "tcp_user_timeout": 5000,      # ms until a host that is gone is given up; the kernel's own is 15 minutes
    "options": "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s",
    "application_name": "ivr",
}


def database_url(written: str, folder: Path) -> URL:
    """`[database] url` as SQLAlchemy takes it: an SQLite file, from `folder`, or `postgresql://…`.

    Raises:
        CannotRun: it is neither.
    """
    if "://" not in written:
        return URL.create("sqlite", database=str((folder / written).resolve()))
    try:
        url = make_url(written)
    except (ArgumentError, ValueError):
        raise CannotRun("[database] url is no address; write postgresql://user@host/name, or an SQLite file") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername=_POSTGRES)
    if url.get_backend_name() == "sqlite":
        return url
    raise CannotRun(f"[database] url: '{url.drivername}' is not supported; write postgresql://user@host/name, "
                    "or an SQLite file")


def shown(url: URL) -> str:
    """The address as people may read it: no password."""
    if url.get_backend_name() == "sqlite":
        return url.database or "memory"
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def connected(url: URL) -> Engine:
    """Connections to the database, made when they are needed. Raises CannotRun without its driver."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url)
        event.listen(engine, "connect", _make_sqlite_durable)
        return engine
    try:
        return create_engine(url, connect_args=_PATIENCE, pool_pre_ping=True)
    except (ImportError, NoSuchModuleError):
        raise CannotRun("the driver for PostgreSQL is not installed: make setup") from None


def reason(error: BaseException) -> str:
    """Why a database refused, in its own first words; no address and no statement."""
    cause = getattr(error, "orig", None) or error
    first = next(iter(str(cause).strip().splitlines()), "")
    return first.rpartition("FATAL:")[2].strip() or type(cause).__name__


class Reach:
    """Whether the database answers. Says once that it does not, and once that it does again.

    From any thread. A server that shuts down refuses one connection while another still gets its
    answer: work that began before a failure does not tell that the database is back.
    """

    def __init__(self) -> None:
        self.lost = False
        self.failures = 0
        self._lock = threading.Lock()

    def failed(self, error: BaseException) -> None:
        with self._lock:
            was, self.lost = self.lost, True
            self.failures += 1
        if not was:
            log.error("database_lost", extra={"fields": {"error": reason(error), "mend": MEND}})

    def answered(self, failures: int) -> None:
        """Work was done that began after so many failures."""
        with self._lock:
            was = self.lost and failures == self.failures
            self.lost = self.lost and not was
        if was:
            log.warning("database_back")


def _make_sqlite_durable(connection, _record) -> None:
    """Readers beside the writer, and a full sync at each commit: a promise outlives a power cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
