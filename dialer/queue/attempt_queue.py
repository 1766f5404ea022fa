"""The queue of calls to owners: what is asked for, what was tried, and what may be tried now.

An attempt is written down as begun before anything rings. If the process dies then, the attempt
is spent, whatever the phone did: nobody is rung twice for one attempt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dialer.database.pulse import Pulse
from dialer.database.tables import OPEN, Attempt, Base, NoCalls, Request, RequestCase
from dialer.database.transactions import Transactions
from dialer.queue.attempts import (
    AGAIN,
    DAY_S,
    NEVER_REACHED,
    NOT_THIS_NUMBER,
    PROMISED,
    AttemptPolicy,
)
from dialer.queue.emergency import hurry, hurry_case
from dialer.queue.rows import CLAIM_S, attempts_of, close, set_back, unclaimed, was_promised

__all__ = ["Attempt", "AttemptQueue", "Base", "Begun", "Held", "OPEN", "Request"]

OTHER_CAR_S = 5.0
"""An owner who is being called about another car is not rung meanwhile."""


@dataclass(frozen=True)
class Begun:
    """An attempt that is on disk as begun: ring this number, once. `reminder`: the owner had said to come."""

    request_id: int
    seq: int
    number: int
    reminder: bool = False


@dataclass(frozen=True)
class Held:
    """Nothing may ring now. `until`: when to ask again, seconds since 1970; None: never for this request."""

    why: Literal["spaced", "quiet", "daily", "calling", "over", "no-calls"]
    until: float | None


class AttemptQueue(Transactions):
    """Requests and attempts in one database, kept to `policy`.

    Every method is one transaction, on disk when it returns; all may be called from any thread and
    block for as long as the disk takes. `now` gives the time of day, with its zone; `steady` seconds
    since 1970 that do not jump while the process lives, by which waits are counted (else `now`'s).
    `pulse`: this engine among those that work on the database.
    """

    def __init__(
        self, engine: Engine, policy: AttemptPolicy, now: Callable[[], datetime],
        steady: Callable[[], float] | None = None, pulse: Pulse | None = None,
    ) -> None:
        super().__init__(engine, steady or (lambda: now().timestamp()), pulse)
        self.policy = policy
        self._now = now

    def ask(
        self, case_id: str, car: str, owner: str, *, emergency: bool = False, ticket: str = "", afresh: bool = False
    ) -> Request:
        """Want `car` moved for a case; joins the request that is open, or whose answer still stands.

        `afresh`: the answer did not come true, so it stands no more and its reminder comes now.
        """
        try:
            return self._change(self._ask, case_id, car, owner, emergency, ticket, afresh)
        except IntegrityError:  # another process asked for the same car in this moment
            return self._change(self._ask, case_id, car, owner, emergency, ticket, afresh)

    def claim(self, most: int) -> list[Request]:
        """Up to `most` requests whose time has come, for this engine to make an attempt of each now.

        No other engine gets them meanwhile. What engines that died had begun is spent first.
        """
        return self._change(self._claim, most)

    def put_off(self, request_id: int, seconds: float) -> Request:
        """The attempt could not be made (the vault is down): nothing is spent, later again."""
        return self._change(self._later, request_id, seconds)

    def give_up(self, request_id: int, outcome: str) -> None:
        """No attempt can be made any more."""
        self._change(self._give_up, request_id, outcome)

    def begin(self, request_id: int, numbers: int) -> Begun | Held:
        """Begin the next attempt over the owner's `numbers` numbers, if the rules let it."""
        try:
            return self._change(self._begin, request_id, numbers, then=self._keep_in_mind)
        except IntegrityError:  # another process began it in this moment
            return Held("calling", self.time() + 1)

    def end(self, begun: Begun, outcome: str, *, minutes: str = "", rang: bool = True) -> Request:
        """How an attempt ended; says what becomes of the request. After `no-calls` the owner is left in peace.

        `rang`: whether a phone may have rung; only a trunk that failed before that spends nothing.
        """
        request = self._change(self._end, begun, outcome, minutes, rang)
        self._under_way.discard((begun.request_id, begun.seq))
        return request

    def withdraw(self, case_id: str) -> Request | None:
        """The case needs no call any more. The request is cancelled when no other case waits for it."""
        return self._change(self._withdraw, case_id)

    def cancelled(self, requests: Collection[int]) -> list[int]:
        """Those of the requests that nobody needs any more, whichever engine was told so."""
        with self._reading() as session:
            return list(session.scalars(select(Request.id).where(Request.id.in_(requests), Request.state == "cancelled")))

    def mark_emergency(self, case_id: str) -> Request | None:
        """The case is an emergency; None where no call waits for it. What only the night had ended begins anew."""
        return self._change(lambda session, now: hurry_case(session, now, case_id, self._ask))

    def quiet_s(self) -> float:
        """Seconds until owners may be disturbed, by the quiet hours."""
        clock = self._now()
        return 60.0 * self.policy.quiet_minutes(clock.hour * 60 + clock.minute)

    def recover(self) -> list[Request]:
        """After a start: attempts that a crash of this engine cut off are spent. Returns the requests that go on."""
        return self._change(self._recover)

    def request(self, request_id: int) -> Request | None:
        with self._reading() as session:
            return session.get(Request, request_id)

    def cases(self, request_id: int) -> list[str]:
        """The cases that wait for a request."""
        query = select(RequestCase.case_id).where(
            RequestCase.request_id == request_id, RequestCase.withdrawn.is_(False))
        with self._reading() as session:
            return list(session.scalars(query.order_by(RequestCase.case_id)))

    def of_case(self, case_id: str) -> Request | None:
        """The request that a case waits for, or waited."""
        with self._reading() as session:
            asked = session.get(RequestCase, case_id)
            return session.get(Request, asked.request_id) if asked else None

    def attempts(self, request_id: int) -> list[Attempt]:
        """All attempts of a request, in order."""
        with self._reading() as session:
            return attempts_of(session, request_id)

    # --- one transaction each ---

    def _keep_in_mind(self, begun: Begun | Held) -> None:
        if isinstance(begun, Begun):
            self._under_way.add((begun.request_id, begun.seq))

    def _ask(
        self, session: Session, now: float, case_id: str, car: str, owner: str, emergency: bool, ticket: str,
        afresh: bool,
    ) -> Request:
        same_car = select(Request).where(Request.car == car).order_by(Request.id.desc()).limit(1).with_for_update()
        found = session.scalars(same_car).first()
        if found and found.state in OPEN and self._expire(found, now):
            session.flush()
        if found and afresh and found.state == "waiting" and found.answered:
            close(found, now)
            session.flush()
        if not found or not (found.state in OPEN or (self._answer_stands(found, now) and not afresh)):
            found = Request(
                car=car, owner=owner, emergency=emergency, state="waiting", asked_at=now, ended_at=0.0,
                due_at=now, numbers=1, spent=0, outcome="", minutes="", ticket=ticket,
            )
            session.add(found)
            session.flush()
        if emergency:
            hurry(found, now)
        session.merge(RequestCase(case_id=case_id, request_id=found.id, withdrawn=False))
        return found

    def _answer_stands(self, request: Request, now: float) -> bool:
        answered = request.state == "done" and request.outcome in PROMISED
        return answered and 0 <= now - request.ended_at < self.policy.answer_stands_s

    def _begin(self, session: Session, now: float, request_id: int, numbers: int) -> Begun | Held:
        request = session.get(Request, request_id, with_for_update=True)
        now = max(now, self.time())  # another engine may have kept the row for a while
        if request is None or request.state not in OPEN:
            return Held("over", None)
        if request.state == "calling":
            return Held("calling", now + 1)
        if self._expire(request, now):
            return Held("over", None)
        tried = attempts_of(session, request_id)
        set_back(request, tried, now)
        request.numbers, request.claimed_until = max(1, numbers), 0.0
        due, number = self._next(request, tried)
        if held := self._held(session, request, due, now):
            return self._put_off(request, held, now)
        begun = Attempt(
            request_id=request_id, seq=len(tried) + 1, owner=request.owner, number=number, begun_at=now,
            ended_at=0.0, counted=True, outcome="", engine=self._pulse.name,
        )
        session.add(begun)
        self._pulse.beat(session)
        request.state, request.spent = "calling", request.spent + 1
        return Begun(request_id, begun.seq, number, bool(request.answered) or was_promised(session, request, now))

    def _next(self, request: Request, tried: Sequence[Attempt]) -> tuple[float, int]:
        """When, and which number. Whoever was reached is called again at the number that they answered."""
        if tried and tried[-1].outcome == "call-later":
            return request.due_at, min(tried[-1].number, request.numbers - 1)
        if request.answered:
            reached = [attempt.number for attempt in tried if attempt.outcome == request.answered]
            return request.due_at, min(reached[-1] if reached else 0, request.numbers - 1)
        return min((self._due(tried, n), n) for n in range(request.numbers))

    def _held(self, session: Session, request: Request, due: float, now: float) -> Held | None:
        forbidden = session.get(NoCalls, request.owner)
        if forbidden and now < forbidden.since + self.policy.no_calls_s:
            return Held("no-calls", forbidden.since + self.policy.no_calls_s)
        if due > now:
            return Held("spaced", due)
        self._alone_with(session, request.owner)
        if session.scalars(select(Attempt).where(Attempt.owner == request.owner, Attempt.outcome == "")).first():
            return Held("calling", now + OTHER_CAR_S)
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

    def _alone_with(self, session: Session, owner: str) -> None:
        """Until the transaction ends no other engine begins an attempt with this owner: a cap holds over all."""
        if self._engine.dialect.name == "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(func.hashtext(owner))))

    def _put_off(self, request: Request, held: Held, now: float) -> Held:
        """Until then, or for good where that is later than anyone would wait."""
        soon = held.until <= request.asked_at + self.policy.keep_trying_s
        if held.why == "calling" or (held.why != "no-calls" and soon):
            request.due_at = held.until
            return held
        request.outcome = held.why if held.why == "no-calls" else request.outcome or held.why
        close(request, now)
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
        request = session.get(Request, begun.request_id, with_for_update=True)
        attempt = session.get(Attempt, (begun.request_id, begun.seq))
        if attempt.outcome:
            return request
        attempt.outcome, attempt.ended_at = outcome, now
        if outcome == "no-calls":
            session.merge(NoCalls(owner=request.owner, since=now))
        if outcome in NEVER_REACHED and not rang:
            attempt.counted, request.spent = False, request.spent - 1
        session.flush()
        if request.state == "calling":
            request.state = "waiting"
            self._decide(session, request, outcome, minutes, now)
        return request

    def _decide(self, session: Session, request: Request, outcome: str, minutes: str, now: float) -> None:
        """Another attempt later, a reminder, or the end of the request."""
        if request.answered and outcome not in NEVER_REACHED:
            if outcome not in AGAIN | NOT_THIS_NUMBER:  # else the answer before it stands
                request.outcome, request.minutes = outcome, minutes
            close(request, now)
            return
        if request.answered:
            request.due_at = now + self.policy.trunk_wait_s
            return
        request.outcome, request.minutes = outcome, minutes
        if outcome in PROMISED and self.policy.remind_s and request.spent < self.policy.attempts:
            request.answered = outcome
            # What was asked for is asked again then: the time to keep trying begins anew.
            request.asked_at = request.due_at = now + self.policy.reminder_after_s(minutes)
            return
        if outcome not in AGAIN | NOT_THIS_NUMBER or request.spent >= self.policy.attempts:
            close(request, now)
            return
        if outcome == "call-later":    # the owner set the time: the time to keep trying begins then
            request.asked_at = request.due_at = now + self.policy.call_later_s(minutes)
            return
        tried = attempts_of(session, request.id)
        due = min(self._due(tried, n) for n in range(request.numbers))
        if math.isinf(due) or due > request.asked_at + self.policy.keep_trying_s:
            close(request, now)
        else:
            request.due_at = max(due, now)

    def _expire(self, request: Request, now: float) -> bool:
        """Give up what was asked for too long ago: nobody is called hours later about it."""
        if request.state == "waiting" and now > request.asked_at + self.policy.keep_trying_s:
            request.outcome = request.outcome or "no-answer"
            close(request, now)
            return True
        return False

    def _withdraw(self, session: Session, now: float, case_id: str) -> Request | None:
        asked = session.get(RequestCase, case_id)
        if asked is None:
            return None
        request = session.get(Request, asked.request_id, with_for_update=True)
        asked.withdrawn = True
        session.flush()
        waiting = select(func.count()).where(
            RequestCase.request_id == request.id, RequestCase.withdrawn.is_(False))
        if request.state in OPEN and not session.scalar(waiting):
            request.state, request.ended_at, request.outcome = "cancelled", now, "withdrawn"
        return request

    def _claim(self, session: Session, now: float, most: int) -> list[Request]:
        if self._each_beat():
            self._pulse.beat(session)
            self._take_over(session, now)
        due = select(Request).where(
            Request.state == "waiting", Request.due_at <= now, or_(Request.claimed_by == "", unclaimed(now)),
        ).order_by(Request.due_at).limit(most).with_for_update(skip_locked=True)
        found = list(session.scalars(due))
        for request in found:
            request.claimed_by, request.claimed_until = self._pulse.name, now + CLAIM_S
        return found

    def _later(self, session: Session, now: float, request_id: int, seconds: float) -> Request:
        request = session.get(Request, request_id, with_for_update=True)
        request.claimed_until = 0.0
        if request.state == "waiting":
            request.due_at, request.outcome = now + seconds, request.answered or "unavailable"
            self._expire(request, now)
        return request

    def _give_up(self, session: Session, now: float, request_id: int, outcome: str) -> None:
        request = session.get(Request, request_id, with_for_update=True)
        if request.state == "waiting":
            request.outcome = request.answered or outcome
            close(request, now)

    def _take_over(self, session: Session, now: float) -> None:
        """Attempts that nobody will end any more are spent."""
        for attempt in self._cut_off(session, Attempt, Attempt.outcome == "", lock=False):  # first its request
            request = session.get(Request, attempt.request_id, with_for_update=True)
            session.refresh(attempt)
            if attempt.outcome:
                continue  # another engine was first
            attempt.outcome, attempt.ended_at = "lost", now
            session.flush()
            if request.state == "calling":
                request.state = "waiting"
                self._decide(session, request, "lost", "", now)

    def _recover(self, session: Session, now: float) -> list[Request]:
        self._pulse.beat(session)
        self._take_over(session, now)
        session.execute(update(Request).where(Request.claimed_by == self._pulse.name).values(claimed_until=0.0))
        going_on = []
        for request in session.scalars(
            select(Request).where(Request.state.in_(OPEN)).order_by(Request.id).with_for_update()
        ):
            if not self._expire(request, now) and request.state in OPEN:
                going_on.append(request)
        return going_on
