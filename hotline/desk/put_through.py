"""Puts whoever is on the line through to a person at a seat, for as long as they talk."""

from collections.abc import Awaitable, Callable

from hotline.desk.desk import Desk
from ivr.flow.conversation import Conversation


async def put_through(
    desk: Desk, case_id: str, reason: str, conversation: Conversation, begun: Callable[[], Awaitable[None]] | None = None
) -> str:
    """Ring the seats; `talked` when that talk is over, `failed` where no seat answers.

    `begun` is awaited once they hear each other.
    """
    seat = await desk.seats.ring(case_id, reason, conversation.log, conversation.signals)
    if seat is None:
        return "failed"
    try:
        conversation.call.flush()  # a person is there: nobody waits for the end of a sentence
        conversation.call.bridge(seat)
        conversation.branch_if_hung_up = "talked"
        if begun:
            await begun()
        await seat.wait_ended()
        return "talked"
    finally:
        seat.hangup()
