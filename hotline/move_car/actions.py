"""What the 挪车 flows can do: match a plate, call its owner, put the caller through to a person."""

import asyncio
from collections.abc import Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from dialer.outcome import OUTCOMES
from dialer.queue.attempt_queue import OPEN, Request
from hotline.cases.casebook import OpenCase
from hotline.desk.actions import DeskActions
from hotline.desk.desk import Desk
from hotline.desk.put_through import put_through
from hotline.move_car.caller_promises import CallerPromises
from hotline.move_car.case_again import CaseAgain
from hotline.move_car.plate_actions import PlateActions
from hotline.owners.actions import OwnerActions
from hotline.owners.desk import OwnerDesk
from hotline.owners.news import STILL_OPEN, Seen, news
from hotline.storage.database import reason
from ivr.flow.actions import action, actions_of, declared
from ivr.flow.conversation import Action, Conversation, Ending
from tts.words import Words

OWNER_NEWS = (*sorted({follows.told for follows in OUTCOMES.values()}), *STILL_OPEN)
OWNER_ENDS = tuple(each for each in OWNER_NEWS if each not in STILL_OPEN or each in ("call-later", "long-wait"))
PLATE_FOUND = ("match_plate", "take_keys", "confirm_plate")
OWNER_ASKED = ("call_owner", "ask_owner")
NOT_WANTED = ("cancelled", "moved")
"""Outcomes of a call after which no owner is called for it."""
LONGEST_HOLD_S = 3600.0
"""No caller holds for so long; only keeps a wait from being endless."""


class MoveCar:
    """The actions of one caller's conversation, with what they share."""

    def __init__(self, desk: Desk, case: OpenCase, owners: OwnerDesk):
        self._desk, self._case, self._owners = desk, case, owners
        self._plates = PlateActions(desk, case)
        self._general = DeskActions(desk, case)
        self._again = CaseAgain(desk, case, owners)
        self._promises = CallerPromises(desk, case, self._plates, lambda: self._request_id)
        self._request_id, self._seen, self._hold_until = 0, Seen(), 0.0
        self._emergency = False

    def actions(self) -> Mapping[str, Action]:
        """By the names that flows use."""
        return actions_of(self._plates, self._general, self._again, self._promises, self)

    @action(*OWNER_NEWS, "joined", after=PLATE_FOUND, sets={"minutes": "minutes"})
    async def call_owner(self, conversation: Conversation) -> str:
        """Want the owner called; the first news of it. Goes on if the caller hangs up.

        `failed` where that cannot be put on disk: what is not kept is not promised.
        """
        try:
            asked = await self.ask_owner(conversation)
        except SQLAlchemyError as error:
            conversation.log("owner_call_not_kept", error=reason(error))
            return "failed"
        return asked if asked == "joined" else await self.follow_owner(conversation)

    @action("done", "called")
    async def mark_emergency(self, conversation: Conversation) -> str:
        """The caller has confirmed an emergency: the owner is called in quiet hours too; `called` where they are already."""
        self._emergency = True
        conversation.log("emergency", confirmed_by="caller")
        if not self._request_id:
            return "done"
        await self._owners.hurry(self._case.id)
        return "called"

    @action("asked", "joined", after=PLATE_FOUND)
    async def ask_owner(self, conversation: Conversation) -> str:
        """Want the owner called, and go on at once; `joined`: they are called for somebody else already."""
        request = await self._owners.ask(self._case.id, self._plates.match, afresh=self._again.afresh,
                                           emergency=self._emergency)
        self._hold_until = asyncio.get_running_loop().time() + self._desk.hold_s
        self._request_id = request.id
        if request.state == "calling":
            conversation.log("joined_request")
            return "joined"
        return "asked"

    @action("stopped", "reached", "failed", needs=("why",), after=OWNER_ASKED)
    async def call_off(self, conversation: Conversation) -> str:
        """The owner need not be called for this caller, who may ask for another; a phone that rings for nobody else
        falls silent. `reached`: the owner has answered it; `failed`: it cannot be put on disk now."""
        request_id = self._request_id
        try:
            if not await self._owners.withdraw(self._case.id, f"the caller says: {conversation.argument}"):
                return "failed"
            reached = await self._owners.reached(request_id)
        except SQLAlchemyError as error:
            conversation.log("owner_call_not_known", error=reason(error))
            return "failed"
        self._request_id, self._seen = 0, Seen()
        self._again.forget()
        await self._owners.forget_words(self._case.id)
        return "reached" if reached else "stopped"

    @action("done", needs=("words",), after=OWNER_ASKED)
    async def tell_owner(self, conversation: Conversation) -> str:
        """Let the owner hear what the caller said, from now on: `with: "{words}"`."""
        words = conversation.argument
        if isinstance(words, Words):
            await self._owners.tell(self._case.id, words)
        return "done"

    @action(*OWNER_ENDS, after=OWNER_ASKED, sets={"minutes": "minutes"})
    async def wait_for_owner(self, conversation: Conversation) -> str:
        """Wait for what comes of the owner's call, without news on the way; `long-wait`: it will be long."""
        loop = asyncio.get_running_loop()

        def told(request: Request) -> str:
            known = Seen(request.spent, "" if request.outcome == "call-later" else request.outcome)
            return news(request, known, self._owners.queue.time(), self._hold_until - loop.time())

        return await self._told(conversation, told)

    @action(*OWNER_NEWS, after=OWNER_ASKED, sets={"minutes": "minutes"})
    async def follow_owner(self, conversation: Conversation) -> str:
        """The next news of the owner's call."""
        loop = asyncio.get_running_loop()

        def told(request: Request) -> str:
            now = self._owners.queue.time()
            return news(request, self._seen, now, self._hold_until - loop.time())

        return await self._told(conversation, told)

    async def _told(self, conversation: Conversation, told: Callable[[Request], str]) -> str:
        try:
            request = await self._owners.when(self._request_id, told, LONGEST_HOLD_S)
        except SQLAlchemyError as error:
            conversation.log("owner_call_not_known", error=reason(error))
            return "failed"
        branch = told(request)
        self._seen = Seen(request.spent, request.outcome)
        conversation.values["minutes"] = request.minutes
        conversation.log("owner_news", news=branch, **({"hold_s": self._desk.hold_s} if branch == "long-wait" else {}))
        return branch

    @action(*OWNER_NEWS, sets={"minutes": "minutes"})
    async def hold_on(self, conversation: Conversation) -> str:
        """The caller rather waits on the line, for the next attempt at least; the next news of the owner's call."""
        request = await self._owners.when(self._request_id, lambda _: True, 0)
        until_next_s = max(0.0, request.due_at - self._owners.queue.time())
        self._hold_until = asyncio.get_running_loop().time() + until_next_s + self._desk.hold_s
        return await self.follow_owner(conversation)

    async def owner_done(self, ending: Ending) -> str:
        """The owner's answer, once the call that is on has ended; "" if no owner is called any more or yet. Who hung up
        with the word that nobody need be called is taken at it."""
        if ending.hung_up and ending.outcome in NOT_WANTED:
            await self._call_nobody()
        if not self._request_id:
            return ""
        try:
            request = await self._owners.when(self._request_id, self._rests, LONGEST_HOLD_S)
        except SQLAlchemyError:
            return ""  # the queue goes on when the database is back
        return request.answered or ("" if request.state in OPEN else request.outcome)

    async def _call_nobody(self) -> None:
        try:
            request = await self._owners.of_case(self._case.id)
            over = request is None or request.state not in OPEN
        except SQLAlchemyError:
            over = False
        if not over:
            await self._owners.withdraw(self._case.id, "the caller said so and hung up")
            self._request_id = 0

    def _rests(self, request: Request) -> bool:
        """No owner hears the bot now, nor at once."""
        due = request.state == "waiting" and request.due_at <= self._owners.queue.time()
        return request.state != "calling" and not due

    @action("talked", "failed", needs=("reason",), person=True)
    async def transfer(self, conversation: Conversation) -> str:
        """Put the caller through to a seat; returns when that talk is over."""
        self._case.reason = self._case.reason or conversation.argument
        return await put_through(self._desk, self._case.id, self._case.reason, conversation, self._person_is_there)

    async def _person_is_there(self) -> None:
        if self._request_id:
            await self._owners.withdraw(self._case.id, "a person has taken over")


ACTIONS = declared(OwnerActions, PlateActions, DeskActions, CaseAgain, CallerPromises, MoveCar)
"""All that flows of this desk may do, by name; the check holds every `do:` to it."""
