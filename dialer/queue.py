"""The queue of calls to owners: what is asked for, what was tried, and what may be tried now.

An attempt is written down as begun before anything rings. If the process dies then, the attempt
is spent, whatever the phone did: nobody is rung twice for one attempt.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine, ForeignKey, Index, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from dialer.attempts import AGAIN, DAY_S, NEVER_REACHED, NOT_THIS_NUMBER, AttemptPolicy

OPEN = ("waiting", "calling")


class Base(DeclarativeBase):
    """The queue's tables; hotline/migrations makes them."""


class Request(Base):
    """A car that is to be moved. Times are seconds since 1970.

    `car` and `owner` are blind marks. `state`: `waiting`, `calling`, `done` or `cancelled`.
    `numbers`: how many the owner has, as far as is known. `spent`: attempts that count.
    `outcome` and `minutes`: what came of the last attempt.
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


class RequestCase(Base):
    """A case that waits for a request: several callers may ask for one car."""

    __tablename__ = "owner_request_case"

    case_id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("owner_request.id"), index=True)
    withdrawn: Mapped[bool]


class Attempt(Base):
    """One call of one of the owner's numbers; `number` counts from 0. `outcome` is "" while it lasts."""

    __tablename__ = "owner_attempt"

    request_id: Mapped[int] = mapped_column(ForeignKey("owner_request.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    number: Mapped[int]
    begun_at: Mapped[float]
    ended_at: Mapped[float]
    counted: Mapped[bool]
    outcome: Mapped[str]


@dataclass(frozen=True)
class Begun:
    """An attempt that is on disk as begun: ring this number, once."""

    request_id: int
    seq: int
    number: int


@dataclass(frozen=True)
class Held:
    """Nothing may ring now. `until`: when to ask again, seconds since 1970; None: never for this request."""

    why: Literal["spaced", "quiet", "daily", "calling", "over"]
    until: float | None


class AttemptQueue:
    """Requests and attempts in one database, kept to `policy`.

    Every method is one transaction, on disk when it returns; all may be called from any thread and
    block for as long as the disk takes. `now` gives the time of day, with its zone.
    """

    def __init__(self, engine: Engine, policy: AttemptPolicy, now: Callable[[], datetime]) -> None:
        self.policy = policy
        self._engine, self._now = engine, now
        self._one_at_a_time = threading.Lock()

    def ask(self, case_id: str, car: str, owner: str, *, emergency: bool = False) -> Request:
        """Want `car` moved for a case; joins the request that is open, or whose answer still stands."""
        try:
            return self._change(self._ask, case_id, car, owner, emergency)
        except IntegrityError:  # another process asked for the same car in this moment
            return self._change(self._ask, case_id, car, owner, emergency)

    def begin(self, request_id: int, numbers: int) -> Begun | Held:
        """Begin the next attempt over the owner's `numbers` numbers, if the rules let it."""
        try:
            return self._change(self._begin, request_id, numbers)
        except IntegrityError:  # another process began it in this moment
            return Held("calling", self._now().timestamp() + 1)

    def end(self, begun: Begun, outcome: str, *, minutes: str = "", rang: bool = True) -> Request:
        """How an attempt ended; says what becomes of the request.

        `rang`: whether a phone may have rung; only a trunk that failed before that spends nothing.
        """
        return self._change(self._end, begun, outcome, minutes, rang)

    def withdraw(self, case_id: str) -> Request | None:
        """The case needs no call any more. The request is cancelled when no other case waits for it."""
        return self._change(self._withdraw, case_id)

    def recover(self) -> list[Request]:
        """After a start: attempts that a crash cut off are spent. Returns the requests that go on."""
        return self._change(self._recover)

    def request(self, request_id: int) -> Request | None:
        with Session(self._engine, expire_on_commit=False) as session:
            return session.get(Request, request_id)

    def cases(self, request_id: int) -> list[str]:
        """The cases that wait for a request."""
        query = select(RequestCase.case_id).where(
            RequestCase.request_id == request_id, RequestCase.withdrawn.is_(False))
        with Session(self._engine) as session:
            return list(session.scalars(query.order_by(RequestCase.case_id)))

    def attempts(self, request_id: int) -> list[Attempt]:
        """All attempts of a request, in order."""
        with Session(self._engine, expire_on_commit=False) as session:
            return _attempts(session, request_id)

    # --- one transaction each ---

    def _change(self, work, *arguments):
        with self._one_at_a_time, Session(self._engine, expire_on_commit=False) as session:
            found = work(session, self._now().timestamp(), *arguments)
            session.commit()
            return found

    def _ask(self, session: Session, now: float, case_id: str, car: str, owner: str, emergency: bool) -> Request:
        same_car = select(Request).where(Request.car == car).order_by(Request.id.desc()).limit(1)
        found = session.scalars(same_car).first()
        if found and found.state in OPEN and self._expire(found, now):
            session.flush()
        if not found or not (found.state in OPEN or self._answer_stands(found, now)):
            found = Request(
                car=car, owner=owner, emergency=emergency, state="waiting", asked_at=now, ended_at=0.0,
                due_at=now, numbers=1, spent=0, outcome="", minutes="",
            )
            session.add(found)
            session.flush()
        found.emergency = found.emergency or emergency
        session.merge(RequestCase(case_id=case_id, request_id=found.id, withdrawn=False))
        return found

    def _answer_stands(self, request: Request, now: float) -> bool:
        answered = request.state == "done" and request.outcome in ("coming", "later", "later-unknown")
        return answered and 0 <= now - request.ended_at < self.policy.answer_stands_s

    def _begin(self, session: Session, now: float, request_id: int, numbers: int) -> Begun | Held:
        request = session.get(Request, request_id)
        if request is None or request.state not in OPEN:
            return Held("over", None)
        if request.state == "calling":
            return Held("calling", now + 1)
        if self._expire(request, now):
            return Held("over", None)
        tried = _attempts(session, request_id)
        _set_back(request, tried, now)
        request.numbers = max(1, numbers)
        due, number = min((self._due(tried, n), n) for n in range(request.numbers))
        if held := self._held(session, request, due, now):
            return self._put_off(request, held, now)
        begun = Attempt(
            request_id=request_id, seq=len(tried) + 1, owner=request.owner, number=number, begun_at=now,
            ended_at=0.0, counted=True, outcome="",
        )
        session.add(begun)
        request.state, request.spent = "calling", request.spent + 1
        return Begun(request_id, begun.seq, number)

    def _held(self, session: Session, request: Request, due: float, now: float) -> Held | None:
        if due > now:
            return Held("spaced", due)
        clock = self._now()
        quiet = self.policy.quiet_minutes(clock.hour * 60 + clock.minute)
        if quiet and not request.emergency:
            return Held("quiet", now - now % 60 + quiet * 60)
        # An attempt "in the future" was made before the clock was set back: it counts.
        recent = select(Attempt.begun_at).where(
            Attempt.owner == request.owner, Attempt.counted, Attempt.begun_at > now - DAY_S
        ).order_by(Attempt.begun_at)
        times = list(session.scalars(recent))
        if len(times) >= self.policy.daily:
            return Held("daily", max(now + 1, times[-self.policy.daily] + DAY_S))
        return None

    def _put_off(self, request: Request, held: Held, now: float) -> Held:
        """Until then, or for good where that is later than anyone would wait."""
        if held.until <= request.asked_at + self.policy.keep_trying_s:
            request.due_at = held.until
            return held
        request.outcome = request.outcome or held.why
        _close(request, now)
        return Held(held.why, None)

    def _due(self, tried: Sequence[Attempt], number: int) -> float:
        """When a number may be tried (again), by how its last attempt ended."""
        own = [attempt for attempt in tried if attempt.number == number]
        if not own:
            return 0.0
        failures = 0
        for attempt in reversed(own):
            if attempt.outcome not in NEVER_REACHED:
                break
            failures += 1
        return own[-1].ended_at + self.policy.wait_s(own[-1].outcome, max(1, failures))

    def _end(self, session: Session, now: float, begun: Begun, outcome: str, minutes: str, rang: bool) -> Request:
        attempt = session.get(Attempt, (begun.request_id, begun.seq))
        request = session.get(Request, begun.request_id)
        if attempt.outcome:
            return request
        attempt.outcome, attempt.ended_at = outcome, now
        if outcome in NEVER_REACHED and not rang:
            attempt.counted, request.spent = False, request.spent - 1
        session.flush()
        if request.state == "calling":
            request.state = "waiting"
            self._decide(session, request, outcome, minutes, now)
        return request

    def _decide(self, session: Session, request: Request, outcome: str, minutes: str, now: float) -> None:
        """Another attempt later, or the end of the request."""
        request.outcome, request.minutes = outcome, minutes
        if outcome not in AGAIN | NOT_THIS_NUMBER or request.spent >= self.policy.attempts:
            _close(request, now)
            return
        tried = _attempts(session, request.id)
        due = min(self._due(tried, n) for n in range(request.numbers))
        if math.isinf(due) or due > request.asked_at + self.policy.keep_trying_s:
            _close(request, now)
        else:
            request.due_at = max(due, now)

    def _expire(self, request: Request, now: float) -> bool:
        """Give up what was asked for too long ago: nobody is called hours later about it."""
        if request.state == "waiting" and now > request.asked_at + self.policy.keep_trying_s:
            request.outcome = request.outcome or "no-answer"
            _close(request, now)
            return True
        return False

    def _withdraw(self, session: Session, now: float, case_id: str) -> Request | None:
        asked = session.get(RequestCase, case_id)
        if asked is None:
            return None
        asked.withdrawn = True
        session.flush()
        request = session.get(Request, asked.request_id)
        waiting = select(func.count()).where(
            RequestCase.request_id == request.id, RequestCase.withdrawn.is_(False))
        if request.state in OPEN and not session.scalar(waiting):
            request.state, request.ended_at, request.outcome = "cancelled", now, "withdrawn"
        return request

    def _recover(self, session: Session, now: float) -> list[Request]:
        session.execute(update(Attempt).where(Attempt.outcome == "").values(outcome="lost", ended_at=now))
        going_on = []
        for request in session.scalars(select(Request).where(Request.state.in_(OPEN))):
            if request.state == "calling":
                request.state = "waiting"
                self._decide(session, request, "lost", "", now)
            if not self._expire(request, now) and request.state in OPEN:
                going_on.append(request)
        return going_on


def _attempts(session: Session, request_id: int) -> list[Attempt]:
    return list(session.scalars(
        select(Attempt).where(Attempt.request_id == request_id).order_by(Attempt.seq)))


def _close(request: Request, now: float) -> None:
    request.state, request.ended_at = "done", now


def _set_back(request: Request, tried: Sequence[Attempt], now: float) -> None:
    """Where the clock was set back, waits begin anew: none lasts longer than it should."""
    request.asked_at = min(request.asked_at, now)
    for attempt in tried:
        attempt.ended_at = min(attempt.ended_at, now)
