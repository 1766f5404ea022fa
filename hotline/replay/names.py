"""What a fixture names of a house: prompts, states, plates and the call's end. A word mistyped is told before the call."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ivr.flow.model import Flow
from ivr.flow.source import Item, nearest
from ivr.flow.yaml_file import read_yaml
from ivr.replay.fixture import FILE
from plate_parser.rules import classify
from tts.prompts import PromptLibrary


@dataclass(frozen=True)
class Names:
    """`outcomes`: what a caller's call may end as; `states`: of all flows."""

    prompts: Collection[str]
    states: Collection[str]
    outcomes: Collection[str]

    @classmethod
    def of(cls, voice: PromptLibrary, inbound: Flow, *others: Flow | None) -> "Names":
        return cls(voice.ids, {state for flow in (inbound, *filter(None, others)) for state in _states(flow)}, inbound.ends)

    def check(self, folder: Path) -> None:
        """Raises FlowError at the first name in this fixture, which can be read, that nothing has."""
        fields = read_yaml(folder / FILE).fields()
        expect = fields["expect"].fields()
        for item in _each(fields.get("register")):
            if not classify(item.text()):
                raise item.error(f"'{item.text()}' is no plate; write one such as 赣KD56789")
        for script in (fields, *(each.fields() for side in ("owner", "call_back") for each in _each(fields.get(side)))):
            for turn in _each(script.get("turns")):
                _known(turn.fields().get("on"), self.prompts, "prompt")
        for side in (expect, *(expect[side].fields() for side in ("owner", "call_back") if side in expect)):
            for kind, known in (("prompts", self.prompts), ("states", self.states)):
                for item in _each(side.get(kind)):
                    _known(item, known, kind.removesuffix("s"))
        if "turns" in fields:
            _known(expect["outcome"], self.outcomes, "end of a call")


def _states(flow: Flow) -> Iterator[str]:
    yield from flow.states
    for each in flow.subflows.values():
        yield from _states(each)


def _each(item: Item | None) -> list[Item]:
    return item.entries() if item else []


def _known(item: Item | None, known: Collection[str], kind: str) -> None:
    if item and item.text() not in known:
        raise item.error(f"'{item.text()}' is no {kind} of these flows{nearest(item.text(), known)}")
