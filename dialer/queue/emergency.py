"""An emergency: what the queue of owners' calls does for it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import update
from sqlalchemy.orm import Session

from dialer.database.tables import OPEN, Request, RequestCase
from dialer.texting.table import Text


def hurry(request: Request, now: float) -> None:
    """Quiet hours hold the request no more; spacing and the daily cap still do, when it is begun."""
    if not request.emergency and request.state == "waiting" and not request.answered:
        request.due_at = now
    request.emergency = True


def hurry_case(session: Session, now: float, case_id: str, ask: Callable[..., Request]) -> Request | None:
    """The request of a case, hurried; one that was given up for quiet hours alone is asked for (`ask`) anew."""
    asked = session.get(RequestCase, case_id)
    if asked is None or asked.withdrawn:
        return None
    # A text that waits for the end of quiet hours: at once, by whatever clock.
    session.execute(update(Text).where(Text.case_id == case_id, Text.to == "owner", Text.state == "waiting").values(due_at=0.0))
    request = session.get(Request, asked.request_id, with_for_update=True)
    if request.state == "done" and request.outcome == "quiet":
        return ask(session, now, case_id, request.car, request.owner, True, request.ticket, False)
    if request.state not in OPEN:
        return None
    hurry(request, now)
    return request
