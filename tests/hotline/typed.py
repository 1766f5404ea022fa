"""Calls by typing, for tests of what the bot answers: the real flow, turns, lookups and actions, without sound."""

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path

from hotline.replay.flow_run import HOLD, Outcome, Situation, TypedFlow

FLOWS = Path(__file__).resolve().parents[2] / "flows"


@dataclass
class Told:
    """What came of it: `log` holds (side, kind, details) in order."""

    log: list[tuple[str, str, dict]] = field(default_factory=list)
    ended: Outcome | None = None

    def of(self, kind: str, name: str, side: str = "caller") -> list[str]:
        return [str(details[name]) for who, each, details in self.log if (who, each) == (side, kind)]

    @property
    def prompts(self) -> list[str]:
        return self.of("said", "prompt")

    @property
    def states(self) -> list[str]:
        return self.of("state", "name")

    @property
    def texts(self) -> list[str]:
        return self.of("said", "text")


def call(*lines: str, flow: str = "move_car_inbound", begin: str = "", **situation) -> Told:
    """A call in which these lines are typed, `owner: …` by the owner, `hold: …` by the caller while they wait; whoever
    has no line left hangs up.

    `begin`: the state that it begins in, where it is not the flow's own.
    """
    told, left = Told(), list(lines)
    situation.setdefault("speaks_on_hold", any(line.startswith(f"{HOLD}: ") for line in lines))

    def ask(side: str, state: str) -> str:
        speaker = next((each for each in ("owner", HOLD) if left and left[0].startswith(f"{each}: ")), "caller")
        if side == HOLD and speaker != HOLD:
            return ""
        if not left or speaker != side:
            return "hang up"
        return left.pop(0).removeprefix(f"{speaker}: ")

    def show(side: str, kind: str, **details) -> None:
        told.log.append((side, kind, details))

    typed = loaded(flow)
    if begin:
        typed = replace(typed, flow=replace(typed.flow, start=begin))
    told.ended = typed.call(Situation(**situation), ask, show)
    assert not left or situation.get("hang_up_in"), f"nobody asked for {left}; the call went {told.states}"
    return told


@functools.cache
def loaded(flow: str) -> TypedFlow:
    """A flow of the house, read once."""
    return TypedFlow.load(FLOWS / f"{flow}.yaml")
