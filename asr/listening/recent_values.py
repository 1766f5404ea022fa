"""The last so many values and their percentiles, kept in order: one more costs a microsecond or two."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque


class RecentValues:
    """At most `most` numbers, the oldest of which makes room for the next."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._came: deque[float] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._came)

    def add(self, value: float) -> None:
        """Take one more."""
        if len(self._came) == self._most:
            del self._sorted[bisect_left(self._sorted, self._came.popleft())]
        self._came.append(value)
        insort(self._sorted, value)

    def drop_last(self, count: int) -> None:
        """Forget the newest `count` of them."""
        for _ in range(min(count, len(self._came))):
            del self._sorted[bisect_left(self._sorted, self._came.pop())]

    def percentile(self, share: float) -> float:
        """The value that `share` (0 to 1) of them lie under, between two of them in proportion, as numpy's.

        IndexError where there are none.
        """
        at = share * (len(self._sorted) - 1)
        below = int(at)
        over = self._sorted[min(below + 1, len(self._sorted) - 1)]
        return self._sorted[below] + (over - self._sorted[below]) * (at - below)
