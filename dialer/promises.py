"""What was promised to callers who do not wait on the line: the outcome, by a call or a text.

A call-back is written down as begun before the caller's phone rings: if the process dies then, that try is
spent, and nobody is rung twice for one. Once the outcome was said, the promise is kept, whatever follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dialer.queue_tables import OPEN, Base, Request, RequestCase
from dialer.transactions import Transactions

LEASE_S = 300.0
"""Longer than a call-back lasts before the outcome is said: who has not said it by then is dead."""
WAITING = ("waiting", "calling", "texting")


class Promise(Base):
    """A promise of one case. Times are seconds since 1970; the caller's number and the plate are the case's.

    `how`: `call` or `text`. `state`: `waiting` (for the outcome, or for the next try), `calling`, `texting`, or its
    end: `kept`, `unkept`, `cancelled`. `spent`: calls that were begun. `outcome`, `minutes`: what is to be told.
    `engine`, `lease_until`: who is calling.
    """

    __tablename__ = "caller_promise"

    case_id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(index=True)
    how: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    promised_at: Mapped[float]
    due_at: Mapped[float]
    spent: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str] = mapped_column(default="")
    minutes: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[float] = mapped_column(default=0.0)
    engine: Mapped[str] = mapped_column(default="")
    lease_until: Mapped[float] = mapped_column(default=0.0)


@dataclass(frozen=True)
class CallBackPolicy:
    """Calls of one promise at most, seconds between them, and from the promise until it is a person's to keep."""

    tries: int = 3
    wait_s: float = 60.0
    keep_trying_s: float = 5400.0


class Promises(Transactions):
    """Promises in one database. Every method is one transaction, on disk when it returns, and may be called from
    any thread. `now` gives seconds since 1970. `name`: the engine's, one of several on the database."""

    def __init__(self, engine: Engine, policy: CallBackPolicy, now: Callable[[], float], name: str = "engine") -> None:
        super().__init__(engine, now)
        self.policy, self.name = policy, name

    def make(self, case_id: str, request_id: int, how: str) -> Promise:
        """Promise a case's caller the outcome of a request; a later wish of theirs replaces the earlier."""
        return self._change(self._make, case_id, request_id, how)

    def claim(self, most: int) -> list[Promise]:
        """Up to `most` promises whose outcome is there and whose time has come, each now `calling`, with the try on
        disk as begun, or `texting`; and those that nobody can keep any more, which are `unkept`."""
        return self._change(self._claim, most)

    def begun_texts(self) -> list[Promise]:
        """Promises that are kept once their text was sent."""
        with self._reading() as session:
            return list(session.scalars(select(Promise).where(Promise.state == "texting")))

    def kept(self, case_id: str) -> None:
        """The caller has heard the outcome, or it was sent."""
        self._change(self._end, case_id, "kept")

    def unkept(self, case_id: str) -> None:
        """It cannot be kept by call or text: a person's list has it."""
        self._change(self._end, case_id, "unkept")

    def missed(self, case_id: str, *, text_instead: bool) -> Promise:
        """A call that did not bring the outcome: later again; after the last, a text, or nothing."""
        return self._change(self._missed, case_id, text_instead)

    def recover(self) -> list[Promise]:
        """After a start: calls that a crash of this engine cut off are spent. Returns the promises still to keep."""
        return self._change(self._recover)

    def of_case(self, case_id: str) -> Promise | None:
        with self._reading() as session:
            return session.get(Promise, case_id)

    def left_unkept(self) -> list[Promise]:
        """Those that are a person's to keep, oldest first."""
        query = select(Promise).where(Promise.state == "unkept").order_by(Promise.promised_at)
        with self._reading() as session:
            return list(session.scalars(query))

    # --- one transaction each ---

    def _make(self, session: Session, now: float, case_id: str, request_id: int, how: str) -> Promise:
        there = session.get(Promise, case_id, with_for_update=True)
        if there and there.state != "waiting":
            return there
        promise = there or Promise(case_id=case_id, state="waiting")
        promise.request_id, promise.how, promise.promised_at, promise.due_at = request_id, how, now, now
        session.add(promise)
        return promise

    def _claim(self, session: Session, now: float, most: int) -> list[Promise]:
        self._take_over(session, now, or_(Promise.lease_until < now, Promise.lease_until > now + 2 * LEASE_S))
        session.flush()
        due = (select(Promise, Request, RequestCase.withdrawn).join(Request, Request.id == Promise.request_id)
               .outerjoin(RequestCase, RequestCase.case_id == Promise.case_id)
               .where(Promise.state == "waiting", Promise.due_at <= now)
               .order_by(Promise.due_at).with_for_update(skip_locked=True, of=Promise))
        claimed = []
        for promise, request, withdrawn in session.execute(due):
            if withdrawn and not promise.outcome:
                promise.state, promise.ended_at = "cancelled", now    # it has moved, or a person took over
            elif len(claimed) < most and self._take(promise, request, now):
                claimed.append(promise)
        return claimed

    def _take(self, promise: Promise, request: Request, now: float) -> bool:
        """Whether there is something to do about it now."""
        settled = bool(request.answered) or request.state not in OPEN
        if not promise.outcome and settled:
            promise.outcome, promise.minutes = request.answered or request.outcome, request.minutes
        if now > promise.promised_at + self.policy.keep_trying_s and not (settled and promise.how == "text"):
            promise.state, promise.ended_at = "unkept", now
            return True
        if not promise.outcome:
            return False
        promise.state = "texting" if promise.how == "text" else "calling"
        if promise.state == "calling":
            promise.spent, promise.engine, promise.lease_until = promise.spent + 1, self.name, now + LEASE_S
        return True

    def _end(self, session: Session, now: float, case_id: str, state: str) -> None:
        promise = session.get(Promise, case_id, with_for_update=True)
        if promise and promise.state in WAITING:
            promise.state, promise.ended_at = state, now

    def _missed(self, session: Session, now: float, case_id: str, text_instead: bool) -> Promise:
        promise = session.get(Promise, case_id, with_for_update=True)
        if promise.state == "calling":
            self._again(promise, now, text_instead)
        return promise

    def _again(self, promise: Promise, now: float, text_instead: bool) -> None:
        promise.state, promise.due_at = "waiting", now + self.policy.wait_s
        if promise.spent >= self.policy.tries:
            promise.how, promise.due_at = ("text", now) if text_instead else (promise.how, now)
            if not text_instead:
                promise.state, promise.ended_at = "unkept", now

    def _take_over(self, session: Session, now: float, whose) -> list[Promise]:
        """Calls that nobody will end any more are spent."""
        cut_off = list(session.scalars(select(Promise).where(Promise.state == "calling", whose)))
        for promise in cut_off:
            self._again(promise, now, text_instead=True)
        return cut_off

    def _recover(self, session: Session, now: float) -> list[Promise]:
        self._take_over(session, now, Promise.engine == self.name)
        session.flush()
        return list(session.scalars(select(Promise).where(Promise.state.in_(WAITING))))
