"""What a caller who holds the line is told of the request: the answer, the next step, or that it takes long."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.outcome import OUTCOMES
from dialer.queue.attempt_queue import OPEN, Request
from dialer.queue.attempts import NEVER_REACHED

AGAIN = {"busy": "again-busy", "off": "again-off", "unreachable": "again-off", "hung-up": "again-hung-up"}
"""What was, where the same number is tried again within the time that a caller holds."""
STILL_OPEN = ("call-later", "again-busy", "again-no-answer", "again-off", "again-hung-up", "next-number", "long-wait")
"""News of a request that goes on; the others are what `dialer.outcome` tells of one that is over."""
SOON_S = 2.0
"""Another number is called at once."""


@dataclass(frozen=True)
class Seen:
    """What the caller knows of the request."""

    spent: int = 0
    outcome: str = ""


def news(request: Request, seen: Seen, now: float, hold_left_s: float) -> str:
    """The branch to follow, or "" while there is nothing to say.

    `now`: seconds since 1970. `hold_left_s`: how long the caller may still be kept on the line.
    """
    if request.answered or request.state not in OPEN:
        outcome = request.answered or request.outcome
        return OUTCOMES[outcome].told if outcome in OUTCOMES else outcome
    if request.state == "waiting" and (request.spent, request.outcome) != (seen.spent, seen.outcome):
        if request.outcome in NEVER_REACHED:
            return "failed"
        if request.outcome == "call-later":
            return "call-later"
        wait_s = request.due_at - now
        if wait_s > hold_left_s:
            return "long-wait"
        if wait_s <= SOON_S and request.outcome != "hung-up":
            return "next-number"
        return AGAIN.get(request.outcome, "again-no-answer")
    waits_long = request.state == "waiting" and request.due_at - now > hold_left_s
    return "long-wait" if waits_long or hold_left_s <= 0 else ""
