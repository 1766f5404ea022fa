"""Makes the attempts that the queue allows, when it allows them, and tells what came of each.

Nothing rings that is not on disk as begun. Callers' conversations only watch their request: it
may be another caller's, another engine's, or go on when they have hung up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from dialer.outcome import SAID
from dialer.queue.attempt_queue import AttemptQueue, Begun, Request
from dialer.vault.client import LookupRefused, Match, Renewed, VaultUnavailable
from hotline.desk.desk import Desk
from hotline.owners.call import OwnerAnswer, call_number, unrecorded
from hotline.owners.callers_words import CallersWords
from hotline.storage.database import Reach, reason
from hotline.storage.owed import Owed
from hotline.storage.rounds import Bell, Rounds, within
from ivr.sip.line import LineError
from tts.words import Words

log = logging.getLogger(__name__)

MOST_AT_ONCE = 20
AWAY_S = 8.0
"""A caller waits for so long for news when the database is away; then a person takes over."""
DIAL_WITHIN_S = 10.0
"""An attempt that could not be dialled so soon after it was put on disk is not dialled: this engine stood
still, and another may have taken it for dead."""

SILENT_WITHIN_S = 1.5
"""A phone that only rings has fallen silent so soon after a request was withdrawn."""


class Cases(Protocol):
    """The cases' logs, open or closed."""

    def note(self, case_id: str, side: str, kind: str, **details: object) -> None: ...

    async def kept(self) -> None: ...

    async def plate(self, case_id: str) -> str: ...


class OwnerDesk:
    """The calls to owners of one engine. Use as an async context: entered, what is due is called."""

    def __init__(
        self, desk: Callable[[], Desk], queue: AttemptQueue, cases: Cases,
        run: Callable[..., Awaitable] = asyncio.to_thread, reach: Reach | None = None, bell: Bell | None = None,
    ) -> None:
        """`desk`: what a call that begins now works with. `run`: where the queue's work is done; in a
        replay, which has its own time, at once. `reach`: who says that the database is away. `bell`: tells of
        changes, where desks share one."""
        self.queue, self._run = queue, run
        self._desk, self._cases, self._reach = desk, cases, reach or Reach()
        self._owed = Owed(self._reach)
        self._recovered = False
        self._rounds = Rounds(self._look, "owner-desk", bell)
        self._words = CallersWords()
        self._unwanted: dict[int, asyncio.Event] = {}
        """By the request about which a call is on: set when its phone shall stop ringing."""

    async def __aenter__(self) -> "OwnerDesk":
        await self._due(0)
        self._rounds.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rounds.end()
        await self._owed.settle("owner_calls")

    async def ask(self, case_id: str, match: Match, *, emergency: bool = False, afresh: bool = False) -> Request:
        """Want this car moved; the request may be there already, or its answer, which `afresh` lets stand no more.

        Raises SQLAlchemyError where it cannot be put on disk: nothing may be promised.
        """
        await self._cases.kept()  # another engine may be the one that calls about the case
        request = await self._run(
            lambda: self.queue.ask(case_id, match.car, match.owner, emergency=emergency, ticket=match.ticket, afresh=afresh))
        self._rounds.bell.ring()
        return request

    async def tell(self, case_id: str, words: Words) -> None:
        """What a caller says to the owner, who hears it from now on: at the beginning, or when they ask."""
        await self._words.keep(self._desk().recordings, case_id, words)

    async def of_case(self, case_id: str) -> Request | None:
        """The request of a case, open or over; None where no owner was asked."""
        return await self._run(self.queue.of_case, case_id)

    async def withdraw(self, case_id: str, why: str) -> bool:
        """The case needs no call any more; on disk as soon as the database takes it: False where that is later. A
        phone that rings for nobody else falls silent, whichever engine made it ring."""
        async def change() -> bool:
            if request := await self._run(self.queue.withdraw, case_id):
                self._cases.note(case_id, "desk", "owner_call_withdrawn", why=why, request=request.state)
            return True

        written = await self._owed.write(change)
        self._rounds.bell.ring()
        return bool(written)

    async def forget_words(self, case_id: str) -> None:
        """No owner hears any more what the caller of this case said."""
        await self._words.forget(self._desk().recordings, case_id)

    async def reached(self, request_id: int) -> bool:
        """Whether an owner has answered the phone about a request that was just withdrawn, or is on it still."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SILENT_WITHIN_S
        while True:
            changed = self._rounds.bell.next_ring()
            request = await self._run(self.queue.request, request_id)
            tried = [each.outcome for each in await self._run(self.queue.attempts, request_id)]
            if SAID.intersection(tried):
                return True
            if "" not in tried or request.state != "cancelled":    # nobody is called, or it rings for somebody else
                return False
            if (left := until - loop.time()) <= 0:
                return True
            await within(changed, min(self._rounds.bell.look_s, left))

    async def hurry(self, case_id: str) -> None:
        """The case is an emergency; on disk as soon as the database takes it."""
        await self._owed.write(lambda: self._run(self.queue.mark_emergency, case_id))
        self._rounds.bell.ring()

    async def when(self, request_id: int, done: Callable[[Request], object], limit_s: float) -> Request:
        """The request once `done` holds of it, or as it is after `limit_s` seconds.

        Raises SQLAlchemyError where the database is away for longer than `AWAY_S`.
        """
        loop = asyncio.get_running_loop()
        until, answered = loop.time() + limit_s, loop.time()
        while True:
            changed = self._rounds.bell.next_ring()
            left = until - loop.time()
            try:
                request = await self._run(self.queue.request, request_id)
                answered = loop.time()
                if done(request) or left <= 0:
                    return request
            except SQLAlchemyError as error:
                self._reach.failed(error)
                if loop.time() - answered > AWAY_S or left <= 0:
                    raise
            await within(changed, min(self._rounds.bell.look_s, left))

    # --- making attempts ---

    async def _look(self) -> None:
        for request in await self._due(MOST_AT_ONCE - len(self._rounds)):
            self._rounds.start(self._attempt(request))
        await self._silence_what_is_cancelled()

    async def _silence_what_is_cancelled(self) -> None:
        try:
            for request_id in await self._run(self.queue.cancelled, list(self._unwanted)) if self._unwanted else ():
                if request_id in self._unwanted:
                    self._unwanted[request_id].set()
        except SQLAlchemyError as error:
            self._reach.failed(error)

    async def _due(self, most: int) -> list[Request]:
        """Requests to make an attempt of now; first what an earlier time left behind is brought to an end."""
        try:
            if not await self._owed.pay():
                return []
            if not self._recovered:
                for request in await self._run(self.queue.recover):
                    log.warning("owner_request_goes_on", extra={"fields": {"request": request.id}})
                self._recovered = True
            return await self._run(self.queue.claim, most) if most else []
        except SQLAlchemyError as error:
            self._reach.failed(error)
            return []

    async def _attempt(self, request: Request) -> None:
        cases: list[str] = []

        def note(kind: str, **details: object) -> None:
            self._cases.note(cases[0], "owner", kind, **details)

        try:
            cases += await self._run(self.queue.cases, request.id)
            owner = await self._owner(request, note)
            if owner is None:
                return
            asked_at = asyncio.get_running_loop().time()
            begun = await self._run(self.queue.begin, request.id, len(owner.tokens))
            if not isinstance(begun, Begun):
                if begun.why not in ("calling", "over"):
                    note("held", why=begun.why)
                return
            seq = await self._run(unrecorded, self._desk().recordings, cases[0], begun.seq)
            note("attempt", number=begun.number + 1, of=len(owner.tokens), seq=seq)
            await self._ring(begun, owner, cases, asked_at + DIAL_WITHIN_S, note, seq)
            for other in cases[1:]:
                self._cases.note(other, "owner", "attempt_of_case", case=cases[0])
        except SQLAlchemyError as error:
            self._reach.failed(error)
        finally:
            self._rounds.bell.ring()

    async def _callers_words(self, request_id: int) -> Words | None:
        """The first that a caller said who waits for this request; others may join while the owner is on the line."""
        try:
            cases = await self._run(self.queue.cases, request_id)
        except SQLAlchemyError as error:
            self._reach.failed(error)
            return None
        return await self._words.first_of(self._desk().recordings, cases)

    async def _plate(self, cases: Sequence[str]) -> str:
        """The plate that all these cases are about; a caller may have taken it back just now."""
        for case_id in cases:
            if plate := await self._cases.plate(case_id):
                return plate
        return ""

    async def _owner(self, request: Request, note: Callable[..., None]) -> Renewed | None:
        try:
            return await self._desk().vault.renew(request.ticket)
        except LookupRefused as refused:
            note("given_up", why=refused.kind)
            await self._run(self.queue.give_up, request.id, "failed")
        except VaultUnavailable as error:
            note("vault_unavailable", error=str(error))
            await self._run(self.queue.put_off, request.id, self.queue.policy.trunk_wait_s)
        return None

    async def _ring(
        self, begun: Begun, owner: Renewed, cases: Sequence[str], dial_by: float, note: Callable[..., None], seq: int
    ) -> None:
        """One attempt to its end, and the end on disk, whatever happens. `seq`: the number of its recording."""
        case_id = cases[0]
        answer = OwnerAnswer("lost", rang=True)
        unwanted = self._unwanted[begun.request_id] = asyncio.Event()
        try:
            plate = await self._plate(cases)
            if asyncio.get_running_loop().time() > dial_by:
                note("stood_still")
                return
            tail = owner.tail if begun.number == 0 else ""
            answer = await call_number(self._desk(), case_id, owner.tokens[begun.number], plate, note, unwanted,
                                       tail=tail, reminder=begun.reminder,
                                       callers_words=lambda: self._callers_words(begun.request_id), seq=seq)
        except (LineError, SQLAlchemyError) as error:  # nothing was dialled
            note("trouble", error=str(error) if isinstance(error, LineError) else reason(error))
            answer = OwnerAnswer("unavailable", rang=False)
        except Exception as error:
            log.exception("owner_call_failed", extra={"fields": {"case": case_id}})
            note("trouble", error=type(error).__name__)
            answer = OwnerAnswer("failed", rang=True)
        finally:
            del self._unwanted[begun.request_id]
            await self._owed.write(lambda: self._run(lambda: self.queue.end(
                begun, answer.outcome, minutes=answer.minutes, rang=answer.rang)))
