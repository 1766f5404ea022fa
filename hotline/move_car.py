"""What the 挪车 flows can do: match a plate, call its owner, put the caller through to a person."""

import asyncio
import logging
from collections.abc import Mapping

from hotline.casebook import OpenCase
from hotline.desk import Desk
from hotline.desk_actions import DeskActions
from hotline.owner_call import call_number
from hotline.plate_actions import PlateActions
from ivr.flow.actions import action, actions_of, declared
from ivr.flow.runner import Action, Conversation

log = logging.getLogger(__name__)

TOLD_AS = {
    "voicemail": "no-answer", "assistant": "no-answer", "forwarded": "no-answer",
    "fax": "off", "suspended": "off", "no-such-number": "off", "unreachable": "off",
}
"""What came of a call to a machine, by the name that the caller's flow knows."""
TRY_NEXT_NUMBER = {"no-answer", "busy", "off", *TOLD_AS}
"""After these the owner's next number is called, if there is one."""


class MoveCar:
    """The actions of one caller's conversation, with what they share."""

    def __init__(self, desk: Desk, case: OpenCase):
        self._desk, self._case = desk, case
        self._plates = PlateActions(desk, case)
        self._general = DeskActions(desk, case)
        self._owner: asyncio.Task[str] | None = None

    def actions(self) -> Mapping[str, Action]:
        """By the names that flows use."""
        return actions_of(self._plates, self._general, self)

    @action("coming", "later", "later-unknown", "not-mine", "refuses", "no-answer", "busy", "off", "person",
            "failed", sets={"minutes": "minutes"})
    async def call_owner(self, conversation: Conversation) -> str:
        """Call the owner and hold the owner's conversation; goes on if the caller hangs up."""
        self._owner = asyncio.create_task(self._owner_conversation(conversation.values))
        return await asyncio.shield(self._owner)

    async def owner_done(self) -> str:
        """The owner's answer, once there is one; "" if no owner was called."""
        return await self._owner if self._owner else ""

    @action("talked", "failed", needs=("reason",), person=True)
    async def transfer(self, conversation: Conversation) -> str:
        """Put the caller through to a seat; returns when that talk is over."""
        self._case.reason = self._case.reason or conversation.argument
        seat = await self._desk.seats.ring(self._case.id, self._case.reason, conversation.log,
                                           conversation.signals)
        if seat is None:
            return "failed"
        try:
            conversation.call.flush()  # a person is there: nobody waits for the end of a sentence
            conversation.call.bridge(seat)
            conversation.branch_if_hung_up = "talked"
            await seat.wait_ended()
            return "talked"
        finally:
            seat.hangup()

    async def close(self) -> None:
        """End an owner's call that is still on."""
        if self._owner:
            self._owner.cancel()
            await asyncio.gather(self._owner, return_exceptions=True)

    async def _owner_conversation(self, values: dict[str, str]) -> str:
        """The owner's answer by the name that the caller's flow knows; never raises."""
        def note(kind: str, **details) -> None:
            self._case.note("owner", kind, **details)

        match, outcome = self._plates.match, "failed"
        try:
            for token in (match.token, *match.more_tokens):
                tail = match.tail if token == match.token else ""
                answer = await call_number(
                    self._desk, self._case.id, token, values["plate"], note, tail=tail)
                outcome, values["minutes"] = answer.outcome, answer.minutes
                if outcome not in TRY_NEXT_NUMBER:
                    break
            return TOLD_AS.get(outcome, outcome)
        except Exception as error:
            log.exception("owner_call_failed", extra={"fields": {"case": self._case.id}})
            note("trouble", error=type(error).__name__)
            return "failed"


ACTIONS = declared(PlateActions, DeskActions, MoveCar)
"""All that flows of this desk may do, by name; the check holds every `do:` to it."""
