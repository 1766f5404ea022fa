"""Makes the attempts that the queue allows, when it allows them, and tells what came of each.

Nothing rings that is not on disk as begun. Callers' conversations only watch their request: it
may be another caller's, another engine's, or go on when they have hung up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from dialer.client import LookupRefused, Match, Renewed, VaultUnavailable
from dialer.queue import LEASE_S, AttemptQueue, Begun, Request
from hotline.desk import Desk
from hotline.owner_call import OwnerAnswer, call_number
from ivr.sip.line import LineError

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often the queue is looked at for what became due, or what another engine did."""
MOST_AT_ONCE = 20


class Cases(Protocol):
    """The cases' logs, open or closed."""

    def note(self, case_id: str, side: str, kind: str, **details: object) -> None: ...

    async def plate(self, case_id: str) -> str: ...


class OwnerDesk:
    """The calls to owners of one engine. Use as an async context: entered, what is due is called."""

    def __init__(
        self, desk: Callable[[], Desk], queue: AttemptQueue, cases: Cases, run: Callable[..., Awaitable] = asyncio.to_thread
    ) -> None:
        """`desk`: what a call that begins now works with. `run`: where the queue's work is done; in a replay, which has its own time, at once."""
        self.queue, self._run = queue, run
        self._desk, self._cases = desk, cases
        self._changed = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "OwnerDesk":
        for request in await self._run(self.queue.recover):
            log.warning("owner_request_goes_on", extra={"fields": {"request": request.id}})
        self._looking = asyncio.create_task(self._look(), name="owner-desk")
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._attempts, *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(self, case_id: str, match: Match, *, emergency: bool = False, afresh: bool = False) -> Request:
        """Want this car moved; the request may be there already, or its answer, which `afresh` lets stand no more."""
        request = await self._run(
            lambda: self.queue.ask(case_id, match.car, match.owner, emergency=emergency, ticket=match.ticket, afresh=afresh))
        self._tell_change()
        return request

    async def of_case(self, case_id: str) -> Request | None:
        """The request of a case, open or over; None where no owner was asked."""
        return await self._run(self.queue.of_case, case_id)

    async def withdraw(self, case_id: str, why: str) -> None:
        """The case needs no call any more."""
        request = await self._run(self.queue.withdraw, case_id)
        if request:
            self._cases.note(case_id, "desk", "owner_call_withdrawn", why=why, request=request.state)
            self._tell_change()

    async def when(self, request_id: int, done: Callable[[Request], object], limit_s: float) -> Request:
        """The request once `done` holds of it, or as it is after `limit_s` seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + limit_s
        while True:
            changed = self._changed
            request = await self._run(self.queue.request, request_id)
            left = until - loop.time()
            if done(request) or left <= 0:
                return request
            try:
                async with asyncio.timeout(min(LOOK_S, left)):
                    await changed.wait()
            except TimeoutError:
                pass

    # --- making attempts ---

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _look(self) -> None:
        loop, renewed_s = asyncio.get_running_loop(), 0.0
        while True:
            changed = self._changed
            try:
                if loop.time() >= renewed_s + LEASE_S / 6:
                    await self._run(self.queue.still_here)
                    renewed_s = loop.time()
                due = await self._run(self.queue.claim, MOST_AT_ONCE - len(self._attempts))
            except SQLAlchemyError as error:
                log.error("owner_queue_unreachable", extra={"fields": {"error": type(error).__name__, "mend": "check [store] url and the disk"}})
                due = []
            for request in due:
                task = asyncio.create_task(self._attempt(request))
                self._attempts.add(task)
                task.add_done_callback(self._attempts.discard)
            try:
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()
            except TimeoutError:
                pass

    async def _attempt(self, request: Request) -> None:
        cases = await self._run(self.queue.cases, request.id)

        def note(kind: str, **details: object) -> None:
            self._cases.note(cases[0], "owner", kind, **details)

        try:
            owner = await self._owner(request, note)
            if owner is None:
                return
            begun = await self._run(self.queue.begin, request.id, len(owner.tokens))
            if not isinstance(begun, Begun):
                if begun.why not in ("calling", "over"):
                    note("held", why=begun.why)
                return
            note("attempt", number=begun.number + 1, of=len(owner.tokens), seq=begun.seq)
            plate = await self._cases.plate(cases[0])
            await self._ring(begun, owner, cases[0], plate, note)
            for other in cases[1:]:
                self._cases.note(other, "owner", "attempt_of_case", case=cases[0])
        except SQLAlchemyError as error:
            log.error("owner_queue_unreachable", extra={"fields": {"error": type(error).__name__, "mend": "check [store] url and the disk"}})
        finally:
            self._tell_change()

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
        self, begun: Begun, owner: Renewed, case_id: str, plate: str, note: Callable[..., None]
    ) -> None:
        """One attempt to its end, and the end on disk, whatever happens."""
        answer = OwnerAnswer("lost", rang=True)
        try:
            tail = owner.tail if begun.number == 0 else ""
            answer = await call_number(self._desk(), case_id, owner.tokens[begun.number], plate, note, tail=tail, reminder=begun.reminder)
        except LineError as error:
            note("trouble", error=str(error))
            answer = OwnerAnswer("unavailable", rang=False)
        except Exception as error:
            log.exception("owner_call_failed", extra={"fields": {"case": case_id}})
            note("trouble", error=type(error).__name__)
            answer = OwnerAnswer("failed", rang=True)
        finally:
            self.queue.end(begun, answer.outcome, minutes=answer.minutes, rang=answer.rang)
