"""An asyncio loop with a clock of its own: where nothing is left to do, time jumps to the next timer.

A minute of silence costs nothing, and what is due in which order never depends on the machine. Work
in threads takes real time and no virtual time: clock and loop stand still until it is done.
"""

import asyncio
import concurrent.futures
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

SPINS = 200_000
"""So many rounds of the loop at one instant are no conversation but a circle."""
THREAD_S = 60.0
"""Real seconds that work in a thread may take."""


class Stuck(Exception):
    """The conversation waits for what can never come, or goes round without time passing."""


def run(conversation: Coroutine[Any, Any, T]) -> T:
    """Run to the end on virtual time, from second 0. Raises `Stuck`, and what is raised inside."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(conversation)
    finally:
        _end_all(loop)
        loop.close()


async def for_real(work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
    """What `work(*arguments)` comes to in a loop of its own: sockets know no virtual time."""
    return await asyncio.to_thread(lambda: asyncio.run(work(*arguments)))


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is in virtual seconds since the loop was made."""

    def __init__(self) -> None:
        self.now_s, self.stuck = 0.0, ""
        self._threads = concurrent.futures.ThreadPoolExecutor(1, "virtual-time")
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now_s

    def run_in_executor(self, executor, func, *args):
        """As asyncio's, but done when it returns: whatever else is due at this instant comes after it."""
        work = (executor or self._threads).submit(func, *args)
        if not concurrent.futures.wait([work], THREAD_S).done:
            self.stuck = f"work in a thread took over {THREAD_S:.0f} s"
        return asyncio.wrap_future(work, loop=self)

    def close(self) -> None:
        self._threads.shutdown(wait=False)
        super().close()


class _Jump(selectors.DefaultSelector):
    """Waits for nothing: a timer that is awaited is due at once."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop, self._spins = loop, 0

    def select(self, timeout: float | None = None):
        if why := self._loop.stuck:
            self._loop.stuck = ""
            raise Stuck(why)
        if timeout is None:
            raise Stuck("the conversation waits for something that can never come")
        self._spins = 0 if timeout > 0 else self._spins + 1
        if self._spins > SPINS:
            raise Stuck("the conversation goes round in a circle in which no time passes")
        ready = super().select(0)
        if not ready and timeout > 0:
            self._loop.now_s += timeout
        return ready


def _end_all(loop: VirtualLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
