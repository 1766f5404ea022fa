"""How often, how soon and when an owner may be called: the rules that every attempt must keep."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from dialer.errors import ConfigProblem
from dialer.outcome import OUTCOMES
from dialer.register.owner import Owner, quiet_spans

AGAIN = {name for name, follows in OUTCOMES.items() if follows.then == "again"}
"""After these the same number may be tried again."""
NOT_THIS_NUMBER = {name for name, follows in OUTCOMES.items() if follows.then == "not-this-number"}
"""After these the number is not tried again for this request."""
PROMISED = {name for name, follows in OUTCOMES.items() if follows.then == "promised"}
"""The owner will come: if nobody came, one reminder follows."""
NEVER_REACHED = {name for name, follows in OUTCOMES.items() if follows.unspent}
"""The trunk or the vault failed before any phone rang: no attempt of the budget is spent."""
DAY_S = 86_400
_SHORTEST_WAIT_S = 5
_LONGEST_TRUNK_WAIT_S = 600


@dataclass(frozen=True)
class AttemptPolicy:
    """Settings of `[owners]`. Times in seconds.

    `attempts`: calls for one request, over all of the owner's numbers. `daily`: calls to one owner
    within 24 hours, over all requests. `…_wait_s`: until the same number is tried again, by what
    happened; `call_later_wait_s` where the owner asked for another time and named none. `no_calls_s`: for
    how long nobody calls an owner who asked for that. `keep_trying_s`: after this a request is given up. `answer_stands_s`: whoever asks for
    the same car within this time after the owner's answer is told that answer. `quiet`: hours in
    which no owner is called but for an emergency, as `22:00-07:00`, local time; "" for none.
    `remind_s`: how long after the promised minutes (or a plain 马上来) one reminder rings, unless the
    caller said that the car has moved; 0 for none.
    """

    attempts: int = 3
    daily: int = 6
    busy_wait_s: int = 60
    no_answer_wait_s: int = 300
    off_wait_s: int = 900
    trunk_wait_s: int = 30
    call_later_wait_s: int = 900
    no_calls_s: int = DAY_S
    keep_trying_s: int = 1800
    answer_stands_s: int = 120
    quiet: str = ""
    remind_s: int = 0

    def __post_init__(self) -> None:
        """Raises ConfigProblem for rules that cannot be meant: nobody is called then."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "quiet" and (type(value) is not int or value < 0):
                raise ConfigProblem(f"[owners] {field.name} must be a whole number, not {value!r}")
        for name, most in (("attempts", 10), ("daily", 1000)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigProblem(f"[owners] {name} must be 1 to {most}, not {getattr(self, name)}")
        for name in ("busy_wait_s", "no_answer_wait_s", "off_wait_s", "trunk_wait_s", "call_later_wait_s"):
            if not _SHORTEST_WAIT_S <= getattr(self, name) <= DAY_S:
                raise ConfigProblem(f"[owners] {name} must be {_SHORTEST_WAIT_S} to {DAY_S} seconds")
        if self.no_calls_s < 60:
            raise ConfigProblem("[owners] no_calls_s must be at least 60 seconds: who asks not to be called is not called")
        if not 60 <= self.keep_trying_s <= DAY_S:
            raise ConfigProblem(f"[owners] keep_trying_s must be 60 to {DAY_S} seconds")
        if self.remind_s and not _SHORTEST_WAIT_S <= self.remind_s <= DAY_S:
            raise ConfigProblem(f"[owners] remind_s must be 0 (no reminder) or {_SHORTEST_WAIT_S} to {DAY_S} seconds")
        if not isinstance(self.quiet, str) or self.quiet and quiet_spans(self.quiet) is None:
            raise ConfigProblem("[owners] quiet must be written 22:00-07:00 or left empty")

    def wait_s(self, outcome: str, failures: int = 1) -> float:
        """Seconds until the same number may be tried again; infinite where it may not.

        `failures`: how often in a row the trunk failed; each doubles the wait.
        """
        if outcome in NEVER_REACHED:
            return min(self.trunk_wait_s * 2 ** min(failures - 1, 16), _LONGEST_TRUNK_WAIT_S)
        if outcome not in AGAIN:
            return math.inf
        waits = {"busy": self.busy_wait_s, "off": self.off_wait_s, "unreachable": self.off_wait_s,
                 "call-later": self.call_later_wait_s}
        return waits.get(outcome, self.no_answer_wait_s)

    def call_later_s(self, minutes: str) -> float:
        """Seconds until an owner wants to be called again who named `minutes`, or "" for none."""
        named = int(minutes) * 60 if minutes.isdecimal() else 0
        return min(max(named, _SHORTEST_WAIT_S), DAY_S) if named else self.call_later_wait_s

    def reminder_after_s(self, minutes: str) -> float:
        """Seconds from an answer until the reminder."""
        return self.remind_s + (int(minutes) * 60 if minutes.isdecimal() else 0)

    def quiet_minutes(self, minute_of_day: int) -> int:
        """Minutes from `minute_of_day` (0..1439) until owners may be called; 0 for now."""
        rule = Owner("", (), quiet=self.quiet)
        later = (n for n in range(24 * 60) if not rule.is_quiet_at((minute_of_day + n) % (24 * 60)))
        return next(later, 24 * 60)
