"""What keeps an engine from walking the register: lookup budgets and one-time tokens."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dialer.errors import LookupRefused
from dialer.owner import Owner

_HOUR_S = 3600.0
_CASE_LIFE_S = 86_400.0


class Budget:
    """Rounds of lookups a case, and lookups an hour over all cases. `clock` in seconds."""

    def __init__(self, rounds_per_case: int, lookups_per_hour: int, clock: Callable[[], float]) -> None:
        self._rounds_per_case, self._per_hour, self._clock = rounds_per_case, lookups_per_hour, clock
        self._rounds: dict[str, tuple[int, float]] = {}
        self._spent: deque[tuple[float, int]] = deque()
        self._in_hour = 0

    def spend(self, case: str, lookups: int) -> None:
        """Count one round of `lookups` for `case`.

        Raises:
            LookupRefused: it would go over; nothing is counted then.
        """
        now = self._clock()
        while self._spent and self._spent[0][0] <= now - _HOUR_S:
            self._in_hour -= self._spent.popleft()[1]
        if self._in_hour + lookups > self._per_hour:
            raise LookupRefused("hour", "this hour's lookups are spent: hand the call to a person")
        rounds, _ = self._rounds.get(case, (0, now))
        if rounds >= self._rounds_per_case:
            raise LookupRefused("case", "this case's lookups are spent: hand the call to a person")
        self._rounds[case] = (rounds + 1, now)
        self._spent.append((now, lookups))
        self._in_hour += lookups
        self._forget(now)

    def _forget(self, now: float) -> None:
        for case, (_, last) in list(self._rounds.items())[:4]:
            if last < now - _CASE_LIFE_S:
                del self._rounds[case]


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
