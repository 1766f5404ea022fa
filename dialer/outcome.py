"""How an owner's call ended, from the leg's last event."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["answered", "busy", "no_answer", "off", "refused", "trunk_trouble"]

# RFC 3261 §21. Operators end a phone that rang too long with 480 as well: see `_RANG_OUT_S`.
_BUSY = {486, 600}
_NO_ANSWER = {408, 487}
_OFF = {404, 410, 480, 484, 604}
_REFUSED = {403, 433, 603, 607}
_RANG_OUT_S = 15.0
_NEVER_REACHED_S = 1.0


def call_outcome(
    code: int, by: str, *, answered: bool = False, rang_s: float | None = None
) -> Outcome:
    """Classify the end of an owner's leg.

    `code`, `by`: of `Ended`. `answered`: an `Answered` came before. `rang_s`: seconds since the
    first `Ringing`, 0 if none came, None if not known.
    """
    if answered:
        return "answered"
    if by == "worker-lost" or code == 0:
        return "trunk_trouble"
    if code in _BUSY:
        return "busy"
    if code == 408 and by == "remote" and rang_s is not None and rang_s < _NEVER_REACHED_S:
        return "off"  # the network looked for the phone and did not find it
    if code in _NO_ANSWER or (code == 480 and rang_s is not None and rang_s >= _RANG_OUT_S):
        return "no_answer"
    if code in _OFF:
        return "off"
    if code in _REFUSED:
        return "refused"
    return "trunk_trouble"


_IN_FLOWS = {"busy": "busy", "no_answer": "no-answer", "off": "off", "refused": "refuses"}


_HEARD = {"waiting": "busy", "forwarded": "forwarded"}


def owner_unreached(code: int, by: str, *, rang_s: float | None = None, heard: str = "") -> str:
    """The name of what came of an owner's call that was not answered: `busy`, `no-answer`, `off`,
    `refuses`, `forwarded` or `failed`.

    `heard`: what early media was taken for (dialer/answer). Networks end 请不要挂机 and calls that
    they put through in vain with codes that say less than that.
    """
    outcome = call_outcome(code, by, rang_s=rang_s)
    if outcome in ("no_answer", "off", "busy") and heard in _HEARD:
        return _HEARD[heard]
    return _IN_FLOWS.get(outcome, "failed")
