"""What was promised to callers who do not wait on the line: the outcome, by a call or a text.

A call-back is written down as begun before the caller's phone rings: if the process dies then, that try is
spent, and nobody is rung twice for one. Once the outcome was said, the promise is kept, whatever follows.
The engine that made a promise keeps it; another takes it up when that one is dead (`dialer.database.pulse`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from dialer.database.pulse import Pulse
from dialer.database.tables import OPEN, Base, Request, RequestCase
from dialer.database.transactions import Transactions

WAITING = ("waiting", "calling", "texting")


class Promise(Base):
    """A promise of one case. Times are seconds since 1970; the caller's number and the plate are the case's.

    `how`: `call` or `text`. `state`: `waiting` (for the outcome, or for the next try), `calling`, `texting`, or its
    end: `kept`, `unkept`, `cancelled`. `spent`: calls that were begun. `outcome`, `minutes`: what is to be told.
    `engine`: whose it is to keep.
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


@dataclass(frozen=True)
class CallBackPolicy:
    """Calls of one promise at most, seconds between them, and from the promise until it is a person's to keep."""

    tries: int = 3
    wait_s: float = 60.0
    keep_trying_s: float = 5400.0


class Promises(Transactions):
    """Promises in one database. Every method is one transaction, on disk when it returns, and may be called from
    any thread. `now` gives seconds since 1970. `pulse`: this engine among those that work on the database."""

    def __init__(
        self, engine: Engine, policy: CallBackPolicy, now: Callable[[], float], pulse: Pulse | None = None
    ) -> None:
        super().__init__(engine, now, pulse)
        self.policy = policy

    def make(self, case_id: str, request_id: int, how: str) -> Promise:
        """Promise a case's caller the outcome of a request; a later wish of theirs replaces the earlier."""
        return self._change(self._make, case_id, request_id, how)

    def claim(self, most: int) -> list[Promise]:
        """Up to `most` promises of this engine's whose outcome is there and whose time has come, each now `calling`,
        with the try on disk as begun, or `texting`; and those that nobody can keep any more, which are `unkept`.
        What engines that died had under way is spent first."""
        return self._change(self._claim, most, then=self._keep_in_mind)

    def begun_texts(self) -> list[Promise]:
        """Promises of this engine's that are kept once their text was sent."""
        with self._reading() as session:
            return list(session.scalars(select(Promise).where(Promise.state == "texting", self._left_to_us(session, Promise))))

    def kept(self, case_id: str) -> None:
        """The caller has heard the outcome, or it was sent."""
        self._change(self._end, case_id, "kept")

    def unkept(self, case_id: str) -> None:
        """It cannot be kept by call or text: a person's list has it."""
        self._change(self._end, case_id, "unkept")

    def cancelled(self, case_id: str) -> None:
        """The caller needs no word any more."""
        self._change(self._end, case_id, "cancelled")

    def missed(self, claimed: Promise, *, text_instead: bool) -> Promise:
        """The call of a claim has ended: unless it brought the outcome, later again; after the last, a text, or nothing."""
        promise = self._change(self._missed, claimed, text_instead)
        self._under_way.discard((claimed.case_id,))
        return promise

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

    def _keep_in_mind(self, claimed: list[Promise]) -> None:
        self._under_way.update((promise.case_id,) for promise in claimed if promise.state == "calling")

    def _make(self, session: Session, now: float, case_id: str, request_id: int, how: str) -> Promise:
        there = session.get(Promise, case_id, with_for_update=True)
        if there and there.state != "waiting":
            return there
        promise = there or Promise(case_id=case_id, state="waiting")
        promise.request_id, promise.how, promise.promised_at, promise.due_at = request_id, how, now, now
        promise.engine = self._pulse.name
        self._pulse.beat(session)
        session.add(promise)
        return promise

    def _claim(self, session: Session, now: float, most: int) -> list[Promise]:
        if self._each_beat():
            self._pulse.beat(session)
            self._take_over(session, now)
            self._set_back(session, now)
            session.flush()
        due = (select(Promise, Request, RequestCase.withdrawn).join(Request, Request.id == Promise.request_id)
               .outerjoin(RequestCase, RequestCase.case_id == Promise.case_id)
               .where(Promise.state == "waiting", Promise.due_at <= now, self._left_to_us(session, Promise))
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
        promise.state, promise.engine = "texting" if promise.how == "text" else "calling", self._pulse.name
        promise.spent += promise.state == "calling"
        return True

    def _end(self, session: Session, now: float, case_id: str, state: str) -> None:
        promise = session.get(Promise, case_id, with_for_update=True)
        if promise and promise.state in WAITING:
            promise.state, promise.ended_at = state, now

    def _missed(self, session: Session, now: float, claimed: Promise, text_instead: bool) -> Promise:
        promise = session.get(Promise, claimed.case_id, with_for_update=True)
        if (promise.state, promise.engine, promise.spent) == ("calling", self._pulse.name, claimed.spent):
            self._again(promise, now, text_instead)
        return promise

    def _again(self, promise: Promise, now: float, text_instead: bool) -> None:
        promise.state, promise.due_at = "waiting", now + self.policy.wait_s
        if promise.spent >= self.policy.tries:
            promise.how, promise.due_at = ("text", now) if text_instead else (promise.how, now)
            if not text_instead:
                promise.state, promise.ended_at = "unkept", now

    def _take_over(self, session: Session, now: float) -> None:
        """Calls that nobody will end any more are spent."""
        for promise in self._cut_off(session, Promise, Promise.state == "calling"):
            self._again(promise, now, text_instead=True)

    def _set_back(self, session: Session, now: float) -> None:
        """Where the clock was set back between two runs, waits begin anew: none lasts longer than it should."""
        ours = update(Promise).where(Promise.state == "waiting", self._left_to_us(session, Promise))
        session.execute(ours.where(Promise.promised_at > now).values(promised_at=now))
        session.execute(ours.where(Promise.due_at > now + self.policy.wait_s).values(due_at=now))

    def _recover(self, session: Session, now: float) -> list[Promise]:
        self._pulse.beat(session)
        self._take_over(session, now)
        session.flush()
        return list(session.scalars(select(Promise).where(Promise.state.in_(WAITING), self._left_to_us(session, Promise))))
