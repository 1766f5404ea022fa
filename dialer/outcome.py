"""What can come of a call to an owner: by what name, what follows of it, and what the caller is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dialer.answer.verdict import OUTCOMES as OF_MACHINES


@dataclass(frozen=True)
class Follows:
    """What follows when an attempt ended so.

    `then`: `again` where the same number may be tried again, `not-this-number`, `promised` where the
    owner will come (if nobody came, one reminder follows), or `over`. `told`: the branch of the
    caller's flow when no attempt follows. `unspent`: it counts only where a phone may have rung.
    """

    then: Literal["again", "not-this-number", "promised", "over"]
    told: str
    unspent: bool = False


OUTCOMES = {
    # what the owner said
    "coming": Follows("promised", "coming"),
    "later": Follows("promised", "later"),
    "later-unknown": Follows("promised", "later-unknown"),
    "moved": Follows("over", "moved"),
    "not-mine": Follows("over", "not-mine"),
    "refuses": Follows("over", "refuses"),
    "told": Follows("over", "told"),                 # who drives the car is told of it
    "keys-there": Follows("over", "keys-there"),     # a guard has the keys
    "unclear": Follows("over", "unclear"),           # somebody spoke, and was not understood
    "hung-up": Follows("again", "hung-up"),          # somebody spoke, and gave no answer
    "call-later": Follows("again", "not-now"),
    "no-calls": Follows("over", "no-calls"),
    "person": Follows("over", "person"),
    # nobody, or something else, was there
    "busy": Follows("again", "busy"),
    "no-answer": Follows("again", "no-answer"),
    "voicemail": Follows("again", "no-answer"),
    "assistant": Follows("again", "no-answer"),
    "forwarded": Follows("again", "no-answer"),
    "lost": Follows("again", "no-answer"),           # an attempt that a crash cut off
    "off": Follows("again", "off"),
    "unreachable": Follows("again", "off"),
    "no-such-number": Follows("not-this-number", "off"),
    "suspended": Follows("not-this-number", "off"),
    "fax": Follows("not-this-number", "off"),
    # the trunk or the vault failed
    "failed": Follows("again", "failed", unspent=True),
    "unavailable": Follows("again", "failed", unspent=True),
    # no attempt was made
    "quiet": Follows("over", "not-now"),
    "daily": Follows("over", "not-now"),
    "withdrawn": Follows("over", "no-answer"),
}
"""By the names that the queue keeps. The owner's flow ends with the first group's."""

UNREACHED = {name for name, follows in OUTCOMES.items() if follows.told in ("busy", "no-answer", "off", "failed") and name != "withdrawn"}
"""No call reached the owner."""
SAID = OUTCOMES.keys() - UNREACHED - {"quiet", "daily", "withdrawn"}
"""An owner was spoken with."""

OF_ENDINGS = {"hung-up": "no-answer", "interrupted": "failed", "failed": "failed"}
"""Endings of the owner's flow that are outcomes by another name."""

_OF_WHO_SPOKE = {"no-answer": "unclear", "hung-up": "hung-up"}
"""As `OF_ENDINGS`: who has said anything has answered the phone."""


def of_ending(ending: str, spoke: bool) -> str:
    """The outcome of an owner's conversation that ended so; `spoke`: whether anybody was heard in it."""
    return (_OF_WHO_SPOKE if spoke else {}).get(ending) or OF_ENDINGS.get(ending, ending)


# RFC 3261 §21. Operators end a phone that rang too long with 480 as well: see `_RANG_OUT_S`.
_BUSY = {486, 600}
_NO_ANSWER = {408, 487}
_OFF = {404, 410, 480, 484, 604}
_REFUSED = {403, 433, 603, 607}
_RANG_OUT_S = 15.0
_NEVER_REACHED_S = 1.0
_HEARD = {"waiting": "busy", "forwarded": "forwarded"}


def owner_unreached(code: int, by: str, *, rang_s: float | None = None, heard: str = "") -> str:
    """What came of an owner's call that was not answered: an outcome of dialer/answer, or `busy`,
    `no-answer`, `off`, `refuses`, `forwarded` or `failed`.

    `code`, `by`: of `Ended`. `rang_s`: seconds since the first `Ringing`, 0 if none came, None if not
    known. `heard`: what early media was taken for (dialer/answer). What an announcement says outweighs
    the code: networks end 空号 with 480 or 486 too, and 请不要挂机 and calls that they put through in vain
    with codes that say less than that.
    """
    if by == "worker-lost" or code == 0:
        return "failed"
    if heard in OF_MACHINES:
        return OF_MACHINES[heard]
    outcome = _by_code(code, by, rang_s)
    if outcome in ("no-answer", "off", "busy") and heard in _HEARD:
        return _HEARD[heard]
    return outcome


def _by_code(code: int, by: str, rang_s: float | None) -> str:
    if code in _BUSY:
        return "busy"
    if code == 408 and by == "remote" and rang_s is not None and rang_s < _NEVER_REACHED_S:
        return "off"  # the network looked for the phone and did not find it
    if code in _NO_ANSWER or (code == 480 and rang_s is not None and rang_s >= _RANG_OUT_S):
        return "no-answer"
    if code in _OFF:
        return "off"
    return "refuses" if code in _REFUSED else "failed"
