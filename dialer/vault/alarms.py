"""Patterns of lookups that no row of blocked drivers makes; each is told once an hour.

`strangers`: most of an hour's matches found nobody: somebody tries plates. `many-plates`: one caller
found many cars in a day. `one-plate`: one car was asked for in many calls of a day: somebody seeks
its owner. `in-order`: plates that follow each other. `refusals`: budgets are hit again and again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dialer.vault.limits import DAY_S, HOUR_S, Window
from plate_parser import rules

_LOOKED_AT = 12
_STEP = 2  # from one to the next


@dataclass(frozen=True)
class Patterns:
    """`strangers_from` matches in an hour, of which `strangers_share` found nobody; more than
    `plates_a_caller` cars found by a caller in a day; more than `calls_a_plate` calls for a car in a day;
    `in_order` plates near to one another; `refusals` in an hour."""

    strangers_from: int = 30
    strangers_share: float = 0.8
    plates_a_caller: int = 5
    calls_a_plate: int = 8
    in_order: int = 5
    refusals: int = 5


class Alarms:
    """Takes what the vault answered; gives the names of the alarms that are new. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float], patterns: Patterns = Patterns()) -> None:
        self._clock, self._patterns = clock, patterns
        self._results, self._refusals = Window(HOUR_S), Window(HOUR_S)
        self._found, self._told = Window(DAY_S), Window(HOUR_S)
        self._last: deque[tuple[str, int]] = deque(maxlen=_LOOKED_AT)

    def matched(self, case: str, result: str, caller: str | None, plate: str, age_s: float = 0.0) -> list[str]:
        """A match of `age_s` seconds ago; `caller` and `plate` are the audit's marks, "" for none."""
        now, raised = self._clock() - age_s, []
        self._results.add(now, result)
        none = self._results.total(now, "none")
        every = none + self._results.total(now, "match") + self._results.total(now, "ask")
        if every >= self._patterns.strangers_from and none >= self._patterns.strangers_share * every:
            raised += self._tell(now, "strangers")
        if plate and self._is_new(now, f"case {case} {plate}"):
            self._found.add(now, f"plate {plate}")
            if self._found.total(now, f"plate {plate}") > self._patterns.calls_a_plate:
                raised += self._tell(now, "one-plate", plate)
        if plate and caller and self._is_new(now, f"pair {caller} {plate}"):
            self._found.add(now, f"caller {caller}")
            if self._found.total(now, f"caller {caller}") > self._patterns.plates_a_caller:
                raised += self._tell(now, "many-plates", caller)
        return raised

    def in_order(self, heard: Sequence[tuple[str, float]]) -> list[str]:
        """What was heard, likeliest first or not; nothing of it is kept but the last few numbers."""
        best = max(heard, key=lambda reading: reading[1], default=("", 0.0))[0]
        plate = rules.normalize(best)
        digits = "".join(filter(str.isdecimal, plate[1:]))
        if not digits:
            return []
        this = plate[:2], int(digits)
        near = {number for head, number in self._last if head == this[0] and 0 < abs(number - this[1]) <= _STEP * self._patterns.in_order}
        self._last.append(this)
        return self._tell(self._clock(), "in-order") if len(near) >= self._patterns.in_order else []

    def refused(self, age_s: float = 0.0) -> list[str]:
        """A lookup that was refused `age_s` seconds ago."""
        now = self._clock() - age_s
        self._refusals.add(now, "")
        return self._tell(now, "refusals") if self._refusals.total(now, "") >= self._patterns.refusals else []

    def _is_new(self, now: float, key: str) -> bool:
        """Whether it is the first of its kind today."""
        new = not self._found.total(now, key)
        self._found.add(now, key)
        return new

    def _tell(self, now: float, name: str, subject: str = "") -> list[str]:
        key = f"{name} {subject}"
        if self._told.total(now, key):
            return []
        self._told.add(now, key)
        return [name]
