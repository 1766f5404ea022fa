"""What the queue of owners' calls keeps, as tables."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OPEN = ("waiting", "calling")


class Base(DeclarativeBase):
    """The tables of the queue and of the promises to callers; hotline/storage/migrations makes them."""


class Request(Base):
    """A car that is to be moved. Times are seconds since 1970.

    `car` and `owner` are blind marks. `state`: `waiting`, `calling`, `done` or `cancelled`.
    `numbers`: how many the owner has, as far as is known. `spent`: attempts that count.
    `outcome` and `minutes`: what came of the last attempt. `ticket`: what the vault gives tokens for.
    `answered`: the answer that stands while a reminder waits for its time. `claimed_…`: the engine
    that is about to make an attempt.
    """

    __tablename__ = "owner_request"
    __table_args__ = (
        Index("one_open_request_per_car", "car", unique=True,
              sqlite_where=text("state IN ('waiting', 'calling')"),
              postgresql_where=text("state IN ('waiting', 'calling')")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    car: Mapped[str]
    owner: Mapped[str]
    emergency: Mapped[bool]
    state: Mapped[str]
    asked_at: Mapped[float]
    ended_at: Mapped[float]
    due_at: Mapped[float]
    numbers: Mapped[int]
    spent: Mapped[int]
    outcome: Mapped[str]
    minutes: Mapped[str]
    ticket: Mapped[str] = mapped_column(default="")
    answered: Mapped[str] = mapped_column(default="")
    claimed_by: Mapped[str] = mapped_column(default="")
    claimed_until: Mapped[float] = mapped_column(default=0.0)


class EngineLife(Base):
    """An engine that works on this database; `beats` goes up while it lives."""

    __tablename__ = "engine_life"

    name: Mapped[str] = mapped_column(primary_key=True)
    beats: Mapped[int]


class NoCalls(Base):
    """An owner, by mark, who asked not to be called."""

    __tablename__ = "owner_no_calls"

    owner: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[float]


class RequestCase(Base):
    """A case that waits for a request: several callers may ask for one car."""

    __tablename__ = "owner_request_case"

    case_id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("owner_request.id"), index=True)
    withdrawn: Mapped[bool]


class Attempt(Base):
    """One call of one of the owner's numbers; `number` counts from 0. `outcome` is "" while it lasts.

    `engine`: which engine makes it.
    """

    __tablename__ = "owner_attempt"

    request_id: Mapped[int] = mapped_column(ForeignKey("owner_request.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    number: Mapped[int]
    begun_at: Mapped[float]
    ended_at: Mapped[float]
    counted: Mapped[bool]
    outcome: Mapped[str]
    engine: Mapped[str] = mapped_column(default="")
