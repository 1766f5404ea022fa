"""Changes that must get on disk: now, or when the database is back."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from hotline.storage.database import Reach

log = logging.getLogger(__name__)

T = TypeVar("T")
Change = Callable[[], Awaitable[T]]


class Owed:
    """What one desk owes the database. `reach`: who says that the database is away."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._changes: deque[Change] = deque()

    def __len__(self) -> int:
        return len(self._changes)

    async def write(self, change: Change[T]) -> T | None:
        """Make a change now, else when `pay` can; its answer, None where it comes later. A change may be made
        twice, where the answer to the first was lost."""
        try:
            return await change()
        except SQLAlchemyError as error:
            self._reach.failed(error)
            self._changes.append(change)
            return None

    async def pay(self) -> bool:
        """Make what is owed, in order; False while the database does not take it."""
        while self._changes:
            try:
                await self._changes[0]()
            except SQLAlchemyError as error:
                self._reach.failed(error)
                return False
            self._changes.popleft()
        return True

    async def settle(self, what: str) -> None:
        """The last try: what the database still does not take is lost, and logged as so many of `what`."""
        if not await self.pay():
            log.error("not_stored", extra={"fields": {what: len(self)}})
