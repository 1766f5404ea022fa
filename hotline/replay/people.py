"""Those whom a replay brings to the phone, by the side of the call that they are on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ivr.replay.fixture import Fixture, Script
from ivr.replay.line import Person, ReplayLeg
from ivr.replay.person import ScriptedPerson
from ivr.replay.result import CALL_BACK
from ivr.replay.sound import seed, turn_pcm


class Speaker(Person, Protocol):
    """A person who is told what the bot says to them.

    `legs`: their calls. `taken`: (number of a turn, ms of the line at which it began). `current`: the turn that what is heard now
    belongs to.
    """

    legs: list[ReplayLeg]
    taken: list[tuple[int, int]]
    current: int

    def said(self, prompt: str, text: str, now_ms: int) -> None: ...


@dataclass(frozen=True)
class People:
    """`owners`: who answers each of the owner's numbers; `called_back`: who answers each time that the caller is rung."""

    caller: Speaker
    owners: tuple[Speaker, ...] = ()
    called_back: tuple[Speaker, ...] = ()

    @classmethod
    def of(cls, fixture: Fixture) -> People:
        """Those of a fixture, with what they say. Raises TtsError or AsrError where its sound cannot be had."""
        number = seed(fixture.name)
        everybody = tuple(ScriptedPerson(script, _sounds(script, fixture), number + place)
                          for place, script in enumerate(fixture.scripts))
        owners = 1 + len(fixture.owner)
        return cls(everybody[0], everybody[1:owners], everybody[owners:])

    def by_side(self) -> list[tuple[str, Speaker]]:
        """Those who came to the phone."""
        named = [("caller", self.caller), *(("owner", each) for each in self.owners),
                 *((CALL_BACK, each) for each in self.called_back)]
        return [(side, person) for side, person in named if person.legs]

    def speaking(self, side: str) -> Speaker | None:
        """Who is on the phone, of this side."""
        return next((person for of, person in reversed(self.by_side()) if of == side), None)


def _sounds(script: Script, fixture: Fixture) -> list[bytes]:
    return [turn_pcm(turn, script, fixture) if turn.says or turn.audio or turn.sound_ms else b""
            for turn in script.turns]
