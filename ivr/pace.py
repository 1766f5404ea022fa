"""How slowly a caller speaks: who pauses for long, or says so, is given longer pauses."""

from dataclasses import replace
from typing import TypeVar

from ivr.turn import Heard, Listening

SLOW_PAUSE_MS = 550
"""A pause within an answer from which on a caller counts as slow; between the groups of a plate most
callers take 200 to 400 ms."""
SAYS_SO = "elderly"
"""The intent of 我年纪大了, 说慢点 and the like."""

Listens = TypeVar("Listens", bound=Listening)


class Pace:
    """Follows one call. Once slow, a caller stays so: a wait too long costs less than a cut word."""

    def __init__(self) -> None:
        self.slow = False

    def note(self, heard: Heard) -> None:
        """Take a turn's outcome: long pauses, an answer cut short, or the caller's word."""
        best = heard.best
        cut_short = best is not None and not best.complete
        says_so = best is not None and best.value.partition(":")[0] == SAYS_SO
        self.slow = self.slow or heard.pause_ms >= SLOW_PAUSE_MS or cut_short or says_so

    def suited(self, listening: Listens) -> Listens:
        """The same with the profile's slower one, where the caller needs it."""
        slower = listening.profile.slower
        return replace(listening, profile=slower) if self.slow and slower else listening
