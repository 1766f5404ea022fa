"""The desks of one replayed or typed conversation: owners' calls, texts and promises, on the loop's own time."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from sqlalchemy import Engine

from dialer.promises import WAITING, CallBackPolicy, Promises
from dialer.queue import AttemptQueue
from dialer.texting.gateway import ask_gateway
from dialer.texting.outbox import Outbox
from dialer.texting.settings import Gateway
from hotline.desk import Desk
from hotline.owner_desk import OwnerDesk
from hotline.promise_desk import PromiseDesk
from hotline.replay.case import ReplayCase
from hotline.replay.owners import at_once
from hotline.text_desk import TextDesk
from ivr.replay.clock import for_real

LOOK_S = 1.0

ask_for_real = partial(for_real, ask_gateway)
"""Asks the gateway over a socket, while the loop's clock stands still."""


class Desks:
    """Use as an async context: entered, `desk` is what conversations work with, and what is due is done."""

    def __init__(self, desk: Desk, case: ReplayCase, queue: AttemptQueue, database: Engine, gateway: Gateway | None):
        self.desk, self._case, self._queue = desk, case, queue
        self._database, self._gateway = database, gateway
        self._stack, self._promise_desk = AsyncExitStack(), None
        self.owners = OwnerDesk(lambda: self.desk, queue, case, at_once)

    async def __aenter__(self) -> "Desks":
        await self._stack.enter_async_context(self.owners)
        if self._gateway or self.desk.can_call_back:
            await self._begin_word_later()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _begin_word_later(self) -> None:
        outbox = Outbox(self._database, self._queue.time, same_id=True)
        texts = TextDesk(self._gateway, outbox, self._case, lambda: self.desk.vault, lambda: self.desk.text_templates,
                         quiet_s=self._queue.quiet_s, run=at_once, ask=ask_for_real)
        promises = Promises(self._database, CallBackPolicy(), self._queue.time)
        self.desk = replace(self.desk, texts=texts, promises=promises, in_thread=at_once)
        await self._stack.enter_async_context(texts)
        self._promise_desk = await self._stack.enter_async_context(
            PromiseDesk(lambda: self.desk, promises, texts, self.owners, self._case, at_once))

    async def until_kept(self, unless: Callable[[], object] = lambda: False) -> None:
        """Return when nothing that was promised to the caller waits any more and no call back is on; at once where
        nothing was promised."""
        while not unless() and self._waits():
            await asyncio.sleep(LOOK_S)

    def _waits(self) -> bool:
        if self._promise_desk is None:
            return False
        promise = self._promise_desk.promises.of_case(self._case.id)
        return bool(promise and promise.state in WAITING or self._promise_desk.calls)
