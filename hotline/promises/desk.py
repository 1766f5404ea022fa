"""Brings the outcome to callers who were promised it: by a call, then a text, else on a person's list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from dialer.queue.promises import Promise, Promises
from hotline.cases.casebook import Casebook, OpenCase
from hotline.desk.desk import Desk
from hotline.move_car.actions import MoveCar
from hotline.owners.desk import OwnerDesk
from hotline.promises.call_back import call_back, spoken_outcome
from hotline.storage.database import Reach, reason
from hotline.storage.owed import Owed
from hotline.storage.rounds import Bell, Rounds
from hotline.texting.desk import TextDesk
from ivr.sip.line import LineError

log = logging.getLogger(__name__)

MOST_AT_ONCE = 4
RING_WITHIN_S = 10.0
"""A try that could not ring so soon after it was put on disk does not: this engine stood still, and another
may have taken it for dead."""


def once_of(case_id: str) -> str:
    """The outcome goes to a case's caller as one text at most."""
    return f"outcome {case_id}"


class PromiseDesk:
    """The promises of one engine. Use as an async context: entered, what is due is kept."""

    def __init__(
        self, desk: Callable[[], Desk], promises: Promises, texts: TextDesk, owners: OwnerDesk, cases: Casebook,
        run: Callable[..., Awaitable] = asyncio.to_thread, reach: Reach | None = None, bell: Bell | None = None,
    ) -> None:
        """`desk`: what a call that begins now works with. `run`: where the database's work is done. `reach`: who
        says that the database is away. `bell`: tells of changes, where desks share one."""
        self._reach = reach or Reach()
        self._owed = Owed(self._reach)
        self.promises = promises
        self._desk, self._texts, self._owners, self._cases, self._run = desk, texts, owners, cases, run
        self._rounds = Rounds(self._look, "promise-desk", bell)

    async def __aenter__(self) -> "PromiseDesk":
        try:
            for promise in await self._run(self.promises.recover):
                log.warning("promise_goes_on", extra={"fields": {"case": promise.case_id, "how": promise.how}})
        except SQLAlchemyError as error:
            self._reach.failed(error)  # they go on at a later round
        self._rounds.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rounds.end()
        await self._owed.settle("call_backs")

    @property
    def calls(self) -> int:
        """How many callers are being rung or told now."""
        return len(self._rounds)

    async def _look(self) -> None:
        try:
            if not await self._owed.pay():
                return
            for promise in await self._run(self.promises.claim, MOST_AT_ONCE - len(self._rounds)):
                self._take_up(promise)
            for promise in await self._run(self.promises.begun_texts):
                await self._text(promise)
        except SQLAlchemyError as error:
            self._reach.failed(error)

    def _take_up(self, promise: Promise) -> None:
        if promise.state == "unkept":
            self._tell_unkept(promise, "too late")
        if promise.state == "calling":
            self._rounds.start(self._call(promise))

    async def _call(self, promise: Promise) -> None:
        """One try to its end, and the end on disk, whatever happens."""
        case, number = self._cases.case(promise.case_id), ""
        ring_by = asyncio.get_running_loop().time() + RING_WITHIN_S
        try:
            number, plate = await self._cases.caller(case.id), await self._cases.plate(case.id)
            if asyncio.get_running_loop().time() > ring_by:
                case.note("caller", "stood_still")
                return
            desk = self._desk()
            await call_back(desk, case, MoveCar(desk, case, self._owners), promise, number, plate)
        except LineError as error:
            case.note("caller", "trouble", error=str(error))
        except SQLAlchemyError as error:
            self._reach.failed(error)
            case.note("caller", "trouble", error=reason(error))
        except Exception as error:
            log.exception("call_back_failed", extra={"fields": {"case": case.id}})
            case.note("caller", "trouble", error=type(error).__name__)
        finally:
            await self._owed.write(lambda: self._end_call(promise, case, number))

    async def _end_call(self, promise: Promise, case: OpenCase, number: str) -> None:
        text_instead = not number or self._texts.reaches(number)   # not known: found out when it is to be sent
        ended = await self._run(lambda: self.promises.missed(promise, text_instead=text_instead))
        if ended.state == "unkept":
            self._tell_unkept(ended, "not reached")
        elif ended.state == "kept":
            case.note("caller", "call_back_over")

    async def _text(self, promise: Promise) -> None:
        """Put the outcome into the outbox, and see what becomes of it."""
        case_id = promise.case_id
        text = await self._run(self._texts.outbox.text, once_of(case_id))
        if text is None and not await self._put(promise):
            await self._give_up(promise, "no text can be sent")
        elif text and text.state == "sent":
            await self._run(self.promises.kept, case_id)
            self._cases.note(case_id, "desk", "promise_kept", how="text")
        elif text and text.state == "withdrawn":
            await self._run(self.promises.cancelled, case_id)
        elif text and text.ended_at:
            await self._give_up(promise, f"the text is {text.state}")

    async def _put(self, promise: Promise) -> bool:
        case_id, templates = promise.case_id, self._desk().text_templates
        name = "caller_" + spoken_outcome(promise.outcome).replace("-", "_")
        number, plate = await self._cases.caller(case_id), await self._cases.plate(case_id)
        if not self._texts.reaches(number) or name not in templates:
            return False
        return await self._texts.put(templates[name], case_id, once_of(case_id), {"plate": plate, "minutes": promise.minutes})

    async def _give_up(self, promise: Promise, why: str) -> None:
        await self._run(self.promises.unkept, promise.case_id)
        self._tell_unkept(promise, why)

    def _tell_unkept(self, promise: Promise, why: str) -> None:
        self._cases.note(promise.case_id, "desk", "promise_unkept", how=promise.how, why=why)
        log.warning("promise_unkept", extra={"fields": {"case": promise.case_id, "why": why, "mend": "tell the caller: ivr case list --unkept"}})
