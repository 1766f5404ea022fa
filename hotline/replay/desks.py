"""The desks of one replayed or typed conversation: owners' calls, texts and promises, on the loop's own time."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Engine

from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.promises import WAITING, CallBackPolicy, Promises
from dialer.texting.gateway import ask_gateway
from dialer.texting.outbox import Outbox
from dialer.texting.settings import Gateway
from hotline.desk.desk import Desk
from hotline.owners.desk import OwnerDesk
from hotline.promises.desk import PromiseDesk
from hotline.replay.case import ReplayCase
from hotline.replay.owners import changes_of, lone_pulse
from hotline.storage.rounds import Bell
from hotline.texting.desk import TextDesk
from ivr.replay.clock import for_real

LOOK_S = 1.0
IDLE_S = 5.0
"""How often desks look for what has become due where nothing changes: a queue waits for minutes."""

ask_for_real = partial(for_real, ask_gateway)
"""Asks the gateway over a socket, while the loop's clock stands still."""


class Desks:
    """Use as an async context: entered, `desk` is what conversations work with, and what is due is done."""

    def __init__(self, desk: Desk, case: ReplayCase, queue: AttemptQueue, database: Engine, gateway: Gateway | None):
        self.desk, self._case, self._queue = desk, case, queue
        self._database, self._gateway = database, gateway
        self._stack, self._promise_desk = AsyncExitStack(), None
        self._bell, self._changes = Bell(IDLE_S), changes_of(database)
        self.owners = OwnerDesk(lambda: self.desk, queue, case, self._at_once, bell=self._bell)

    async def __aenter__(self) -> "Desks":
        await self._stack.enter_async_context(self.owners)
        if self._gateway or self.desk.can_call_back:
            await self._begin_word_later()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _at_once(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Done here and now, not in a thread: what happens in one instant keeps its order. All desks look at what it
        changed; nobody else changes anything, so that they need not look again before something is due."""
        before = self._changes()
        try:
            return work(*arguments)
        finally:
            if self._changes() != before:
                self._bell.ring()

    async def _begin_word_later(self) -> None:
        outbox = Outbox(self._database, self._queue.time, lone_pulse(), same_id=True)
        texts = TextDesk(self._gateway, outbox, self._case, lambda: self.desk.vault, lambda: self.desk.text_templates,
                         quiet_s=self._queue.quiet_s, run=self._at_once, ask=ask_for_real, bell=self._bell)
        promises = Promises(self._database, CallBackPolicy(), self._queue.time, lone_pulse())
        self.desk = replace(self.desk, texts=texts, promises=promises, in_thread=self._at_once)
        await self._stack.enter_async_context(texts)
        self._promise_desk = await self._stack.enter_async_context(
            PromiseDesk(lambda: self.desk, promises, texts, self.owners, self._case, self._at_once, bell=self._bell))

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
