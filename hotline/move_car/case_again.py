"""A caller who dials again, or is called back: did the car move, and how far is it?"""

from __future__ import annotations

import math
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from dialer.queue.attempt_queue import OPEN, Request
from dialer.queue.attempts import PROMISED
from hotline.cases.casebook import OpenCase
from hotline.desk.desk import Desk
from hotline.owners.desk import OwnerDesk
from hotline.storage.database import reason
from ivr.flow.actions import action
from ivr.flow.conversation import Conversation

COMING_S, SOME_TIME_S = 300, 600
"""How long 马上来 may take, and an answer without minutes, until the owner is called again."""
DECLINED = {"refuses", "not-mine", "no-calls", "person"}


class CaseAgain:
    """The actions of one caller's conversation about a request of theirs that was made before.

    `afresh`: the owner's answer did not come true, so that it stands no more.
    """

    def __init__(self, desk: Desk, case: OpenCase, owners: OwnerDesk):
        self.afresh = False
        self._desk, self._case, self._owners = desk, case, owners
        self._earlier: list[str] = []
        self._request: Request | None = None

    @action("found", "none", sets={"plate": "plate"})
    async def find_open_case(self, conversation: Conversation) -> str:
        """Whether this caller asked for a car to be moved lately and has not said yet that it was; sets its `plate`."""
        try:
            earlier = [(case_id, plate, await self._owners.of_case(case_id)) for case_id, plate
                       in await self._case.earlier(conversation.call.remote, self._desk.case_life_s)]
        except SQLAlchemyError as error:
            conversation.log("earlier_not_known", error=reason(error))  # then it is a new request
            return "none"
        for case_id, plate, request in earlier:
            if request is None or (self._earlier and plate != conversation.values["plate"]):
                continue
            if not self._earlier:
                conversation.values["plate"], self._request = plate, request
            self._earlier.append(case_id)
        if not self._earlier:
            return "none"
        self._case.set_plate(conversation.values["plate"])
        conversation.log("dialled_again", about=self._earlier[0])
        return "found"

    def forget(self) -> None:
        """The caller means another car."""
        self.afresh, self._earlier, self._request = False, [], None

    @action("done")
    async def car_moved(self, conversation: Conversation) -> str:
        """The caller's word that the car has moved: nobody is called about it any more, nor sent a text; the cases are closed by it."""
        for case_id in (*self._earlier, self._case.id):
            await self._owners.withdraw(case_id, "the caller says that the car has moved")
            if self._desk.texts:
                await self._desk.texts.withdraw(case_id)
        called_back = conversation.call.leg.direction == "out"   # the call in which it was reported has long been over
        for case_id in (*self._earlier, *([self._case.id] if called_back else [])):
            self._case.settle(case_id, "moved")
        conversation.log("car_moved")
        return "done"

    @action("promised", "again", "goes-on", "declined", sets={"minutes": "minutes"})
    async def how_far(self, conversation: Conversation) -> str:
        """What became of the earlier request: `promised` sets `minutes` that are left; `again` where the time is
        over or nobody was reached; `goes-on` while calls are made; `declined` where the owner does not come."""
        branch, minutes = how_far(self._request, self._owners.queue.time(), self._owners.queue.policy.reminder_after_s)
        conversation.values["minutes"] = minutes
        conversation.log("request_so_far", branch=branch, minutes=minutes)
        self.afresh = branch == "again"
        return branch


def how_far(request: Request, now: float, reminder_after_s: Callable[[str], float]) -> tuple[str, str]:
    """The branch of the action of this name, and the minutes left of a promise, "" where none stands.

    `now`: seconds since 1970.
    """
    answer = request.answered or request.outcome
    if request.state in OPEN and not request.answered:
        return "goes-on", ""
    if answer in DECLINED:
        return "declined", ""
    if answer not in PROMISED:
        return "again", ""
    given_at = request.due_at - reminder_after_s(request.minutes) if request.state in OPEN else request.ended_at
    takes_s = int(request.minutes) * 60 if request.minutes.isdecimal() else SOME_TIME_S
    left_s = given_at + (COMING_S if answer == "coming" else takes_s) - now
    return ("promised", str(math.ceil(left_s / 60))) if left_s > 0 else ("again", "")
