"""What keeps an engine from walking the register: lookup budgets and one-time tokens."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from dialer.errors import LookupRefused
from dialer.register.owner import Owner

HOUR_S = 3600.0
DAY_S = 86_400.0
WITHHELD = ""
_WITHHELD_SHARE = 10
"""Callers who withhold their number share the budget of so many callers."""


class Window:
    """Amounts by key over the last `length_s` seconds. Times in seconds, given in no strict order."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._entries: deque[tuple[float, str, int]] = deque()
        self._totals: Counter[str] = Counter()

    def add(self, at: float, key: str, amount: int = 1) -> None:
        self._entries.append((at, key, amount))
        self._totals[key] += amount

    def total(self, now: float, key: str) -> int:
        """What `key` has in the window that ends `now`."""
        while self._entries and self._entries[0][0] <= now - self._length_s:
            _, old, amount = self._entries.popleft()
            self._totals[old] -= amount
            if not self._totals[old]:
                del self._totals[old]
        return self._totals[key]


class Budget:
    """Rounds of lookups a case and a caller may have in a day, and lookups an hour over all.

    `clock` in seconds, one that is never set: a jump of the time of day gives nothing back.
    """

    def __init__(
        self, rounds_per_case: int, rounds_per_caller: int, lookups_per_hour: int, clock: Callable[[], float]
    ) -> None:
        self._per_case, self._per_caller, self._per_hour = rounds_per_case, rounds_per_caller, lookups_per_hour
        self._clock = clock
        self._cases, self._callers, self._hour = Window(DAY_S), Window(DAY_S), Window(HOUR_S)

    def spend(self, case: str, caller: str | None, lookups: int) -> None:
        """Count one round of `lookups` for `case` and `caller` (None: nobody told; "": withheld).

        Raises:
            LookupRefused: it would go over; nothing is counted then.
        """
        now = self._clock()
        if self._hour.total(now, "") + lookups > self._per_hour:
            raise LookupRefused("hour", "this hour's lookups are spent: hand the call to a person")
        if self._cases.total(now, case) >= self._per_case:
            raise LookupRefused("case", "this case's lookups are spent: hand the call to a person")
        most = self._per_caller * (_WITHHELD_SHARE if caller == WITHHELD else 1)
        if caller is not None and self._callers.total(now, caller) >= most:
            raise LookupRefused("caller", "this caller's lookups of today are spent: hand the call to a person")
        self.restore(0.0, case, caller, lookups)

    def restore(self, age_s: float, case: str, caller: str | None, lookups: int) -> None:
        """Count what was spent `age_s` seconds ago, by a vault that was here before."""
        at = self._clock() - age_s
        self._hour.add(at, "", lookups)
        self._cases.add(at, case)
        if caller is not None:
            self._callers.add(at, caller)


@dataclass(frozen=True)
class Ticket:
    """What a token stands for: number `which` of `owner`, for one case."""

    case: str
    owner: Owner
    which: int
    expires_at: float


class Tokens:
    """Random, single-use tokens that expire after `life_s` seconds."""

    def __init__(self, life_s: float, clock: Callable[[], float]) -> None:
        self._life_s, self._clock = life_s, clock
        self._tickets: dict[str, Ticket] = {}

    def issue(self, case: str, owner: Owner) -> tuple[str, ...]:
        """One token for each of the owner's numbers; the case's older tokens are void."""
        now = self._clock()
        self._tickets = {
            t: ticket for t, ticket in self._tickets.items()
            if ticket.expires_at > now and ticket.case != case
        }  # fmt: skip
        tokens = tuple(secrets.token_urlsafe(24) for _ in owner.numbers)
        for which, token in enumerate(tokens):
            self._tickets[token] = Ticket(case, owner, which, now + self._life_s)
        return tokens

    def take(self, token: str) -> Ticket | None:
        """What the token stands for, once; None if it is unknown, used or expired."""
        ticket = self._tickets.pop(token, None)
        return ticket if ticket and ticket.expires_at > self._clock() else None
