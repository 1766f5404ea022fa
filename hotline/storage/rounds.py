"""The rounds of a desk: it looks for what is due, starts it, and looks again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

LOOK_S = 0.5
"""How often a desk looks for what became due, or what another engine did."""


class Bell:
    """Rings when something changed. Desks that share one look whenever any of them changes something.

    `look_s`: how often to look without a ring.
    """

    def __init__(self, look_s: float = LOOK_S) -> None:
        self.look_s = look_s
        self._changed = asyncio.Event()

    def ring(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def next_ring(self) -> asyncio.Event:
        """To be taken before looking, so that what changes meanwhile is not missed."""
        return self._changed


class Rounds:
    """One desk's rounds, and the work that they started, which ends with them.

    `look`: one round. It is made as often as the bell says, and at once when it rings.
    """

    def __init__(self, look: Callable[[], Awaitable[None]], name: str, bell: Bell | None = None) -> None:
        self._look, self._name = look, name
        self.bell = bell or Bell()
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

    async def _go_round(self) -> None:
        while True:
            changed = self.bell.next_ring()
            await self._look()
            await within(changed, self.bell.look_s)


async def within(changed: asyncio.Event, limit_s: float) -> None:
    """Return at the change, or after so many seconds."""
    try:
        async with asyncio.timeout(limit_s):
            await changed.wait()
    except TimeoutError:
        pass
