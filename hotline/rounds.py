"""The rounds of a desk: it looks for what is due, starts it, and looks again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

LOOK_S = 0.5
"""How often a desk looks for what became due, or what another engine did."""


class Rounds:
    """One desk's rounds, and the work that they started, which ends with them.

    `look`: one round. It is made every `LOOK_S`, and at once when a change is told.
    """

    def __init__(self, look: Callable[[], Awaitable[None]], name: str) -> None:
        self._look, self._name = look, name
        self._changed = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How much of the work that was started goes on."""
        return len(self._under_way)

    def begin(self) -> None:
        self._looking = asyncio.create_task(self._go_round(), name=self._name)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do it beside the rounds."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def end(self) -> None:
        """No more rounds; what is under way is cut off."""
        tasks = [*self._under_way, *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def next_change(self) -> asyncio.Event:
        """To be taken before looking, so that what changes meanwhile is not missed."""
        return self._changed

    async def _go_round(self) -> None:
        while True:
            changed = self.next_change()
            await self._look()
            await within(changed, LOOK_S)


async def within(changed: asyncio.Event, limit_s: float) -> None:
    """Return at the change, or after so many seconds."""
    try:
        async with asyncio.timeout(limit_s):
            await changed.wait()
    except TimeoutError:
        pass
