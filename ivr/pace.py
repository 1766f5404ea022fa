"""How a caller copes: signs of trouble are summed; the bot slows down, and then a person takes over.

What each sign weighs and where the thresholds are is data of the operator's, `flows/struggle.yaml`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ivr.turn import Heard, Listening

SLOW_PAUSE_MS = 650
"""A pause within an answer from which on a caller counts as slow; between the groups of a plate most
callers take 200 to 400 ms."""
SAID = {"elderly": "said_elderly", "slower": "asked_slower", "repeat": "asked_again"}
"""Intents that are signs: 我年纪大了; 听不清, 说慢点; 再说一遍."""
SIGNALS = ("listed", "trunk_header", *SAID.values(), "slow_speech", "cut_short", "silence",
           "not_understood", "in_a_row", "wrong_key")
"""Every sign there is. `listed` and `trunk_header` are known before the first word."""

Listens = TypeVar("Listens", bound=Listening)


@dataclass(frozen=True)
class Weight:
    """What one sign adds to the sum each time, the first `at_most` times."""

    each: float = 1.0
    at_most: int = 9


@dataclass(frozen=True)
class Struggle:
    """From `gentle_from` on the bot is slow, simple and louder (dB); from `person_from` on a seat takes over."""

    gentle_from: float = 2.0
    person_from: float = 6.0
    louder_db: float = 4.0
    weights: Mapping[str, Weight] = field(default_factory=lambda: {
        **dict.fromkeys(SIGNALS, Weight()), "said_elderly": Weight(3.0), "asked_slower": Weight(2.0),
        "listed": Weight(2.0), "trunk_header": Weight(2.0)})


class Pace:
    """Follows one call. Once slow, a caller stays so: a wait too long costs less than a cut word.

    `signals` is the call's list of signs so far, which others may add to (a wrong key).
    """

    def __init__(self, struggle: Struggle | None = None, signals: list[str] | None = None) -> None:
        self._struggle = struggle or Struggle()
        self.signals = signals if signals is not None else []
        self._missed_before = self._coped = False

    @property
    def score(self) -> float:
        """The weighed sum of the signs so far."""
        counted = Counter(self.signals)
        return sum(weight.each * min(counted[name], weight.at_most)
                   for name, weight in self._struggle.weights.items())

    @property
    def slow(self) -> bool:
        """Whether the caller is given longer pauses."""
        return self.gentle or not {"slow_speech", "cut_short", "said_elderly", "asked_slower"}.isdisjoint(self.signals)

    @property
    def gentle(self) -> bool:
        """Whether the bot speaks slower, simpler and louder."""
        return self.score >= self._struggle.gentle_from

    @property
    def louder_db(self) -> float:
        """By how much the bot's voice is raised now."""
        return self._struggle.louder_db if self.gentle else 0.0

    @property
    def needs_person(self) -> bool:
        """Past the threshold, and the last answer was none: whoever just coped is let go on."""
        return not self._coped and self.score >= self._struggle.person_from

    def note(self, heard: Heard) -> list[str]:
        """Take a turn's outcome; returns the signs in it."""
        signs = list(self._signs(heard))
        missed = heard.kind in ("no_input", "no_match")
        if missed and self._missed_before:
            signs.append("in_a_row")
        self._missed_before = missed
        self._coped = not missed and not set(signs) & set(SAID.values())
        self.signals += signs
        return signs

    def suited(self, listening: Listens) -> Listens:
        """The same with the profile's slower one, where the caller needs it."""
        slower = listening.profile.slower
        return replace(listening, profile=slower) if self.slow and slower else listening

    @staticmethod
    def _signs(heard: Heard):
        if heard.kind == "no_input":
            yield "silence"
        if heard.kind == "no_match":
            yield "not_understood"
        if heard.pause_ms >= SLOW_PAUSE_MS:
            yield "slow_speech"
        if heard.kind == "match" and (best := heard.best):
            intent = best.value.partition(":")[0]
            if intent in SAID:
                yield SAID[intent]
            elif not best.complete:
                yield "cut_short"
