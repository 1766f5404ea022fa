"""Small questions to the queue's rows, and small changes of them, within a transaction of `attempt_queue`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dialer.database.tables import Attempt, Request
from dialer.queue.attempts import PROMISED

PROMISE_LIVES_S = 7200.0
"""Who said so long ago that they would come is asked as if for the first time."""
CLAIM_S = 60.0
"""So long an engine has to begin an attempt of a request that it claimed."""


def attempts_of(session: Session, request_id: int) -> list[Attempt]:
    return list(session.scalars(
        select(Attempt).where(Attempt.request_id == request_id).order_by(Attempt.seq)))


def was_promised(session: Session, request: Request, now: float) -> bool:
    """Whether the owner said lately, when this car was asked for before, that they would come."""
    before = session.scalars(select(Request).where(Request.car == request.car, Request.id < request.id)
                             .order_by(Request.id.desc()).limit(1)).first()
    return before is not None and before.outcome in PROMISED and now - before.ended_at < PROMISE_LIVES_S


def unclaimed(now: float):
    return or_(Request.claimed_until <= now, Request.claimed_until > now + 2 * CLAIM_S)


def close(request: Request, now: float) -> None:
    request.state, request.ended_at, request.answered = "done", now, ""


def set_back(request: Request, tried: Sequence[Attempt], now: float) -> None:
    """Where the clock was set back, waits begin anew: none lasts longer than it should."""
    request.asked_at = min(request.asked_at, now)
    for attempt in tried:
        attempt.ended_at = min(attempt.ended_at, now)
