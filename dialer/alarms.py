"""Patterns of lookups that no row of blocked drivers makes; each is told once an hour.

`strangers`: most of an hour's matches found nobody: somebody tries plates. `many-plates`: one caller
found many cars in a day. `one-plate`: one car was asked for in many calls of a day: somebody seeks
its owner. `in-order`: plates that follow each other. `refusals`: budgets are hit again and again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from dialer.limits import DAY_S, HOUR_S, Window
from plate_parser import rules

STRANGERS_FROM = 30
STRANGERS_SHARE = 0.8
PLATES_A_CALLER = 5
CALLS_A_PLATE = 8
IN_ORDER = 5
REFUSALS = 5
_LOOKED_AT = 12
_STEP = 2  # from one to the next


class Alarms:
    """Takes what the vault answered; gives the names of the alarms that are new. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._results, self._refusals = Window(HOUR_S), Window(HOUR_S)
        self._found, self._told = Window(DAY_S), Window(HOUR_S)
        self._last: deque[tuple[str, int]] = deque(maxlen=_LOOKED_AT)

    def matched(self, case: str, result: str, caller: str | None, plate: str, age_s: float = 0.0) -> list[str]:
        """A match of `age_s` seconds ago; `caller` and `plate` are the audit's marks, "" for none."""
        now, raised = self._clock() - age_s, []
        self._results.add(now, result)
        none = self._results.total(now, "none")
        every = none + self._results.total(now, "match") + self._results.total(now, "ask")
        if every >= STRANGERS_FROM and none >= STRANGERS_SHARE * every:
            raised += self._tell(now, "strangers")
        if plate and self._is_new(now, f"case {case} {plate}"):
            self._found.add(now, f"plate {plate}")
            if self._found.total(now, f"plate {plate}") > CALLS_A_PLATE:
                raised += self._tell(now, "one-plate", plate)
        if plate and caller and self._is_new(now, f"pair {caller} {plate}"):
            self._found.add(now, f"caller {caller}")
            if self._found.total(now, f"caller {caller}") > PLATES_A_CALLER:
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
        near = {number for head, number in self._last if head == this[0] and 0 < abs(number - this[1]) <= _STEP * IN_ORDER}
        self._last.append(this)
        return self._tell(self._clock(), "in-order") if len(near) >= IN_ORDER else []

    def refused(self, age_s: float = 0.0) -> list[str]:
        """A lookup that was refused `age_s` seconds ago."""
        now = self._clock() - age_s
        self._refusals.add(now, "")
        return self._tell(now, "refusals") if self._refusals.total(now, "") >= REFUSALS else []

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
