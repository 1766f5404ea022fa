"""What the parts of one conversation share: the call, its values, what was heard, and its log."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ivr.call import Call
from ivr.flow.model import Argument
from ivr.turn import Heard

PLACE = re.compile(r"\{(\w+)\}")
"""A value's place in a grammar's name, or in what stands under `with:`."""

Log = Callable[..., None]
"""`log(kind, **details)`: one entry of a conversation's event log."""


@dataclass(frozen=True)
class Ending:
    """How a conversation ended: the flow's outcome, its last state, and who hung up."""

    outcome: str
    state: str
    hung_up: bool = False


@dataclass
class Conversation:
    """What an action sees: the call, the flow's values, what was heard, and the event log.

    `prompt_over` is set while nothing is being said. `branch_if_hung_up` is the branch that the
    current action wants followed if the caller hangs up during it ("" for the flow's `hang_up`).
    `signals` are the signs so far that the caller does not cope (`ivr.pace`).
    """

    call: Call
    log: Log
    values: dict[str, str] = field(default_factory=dict)
    heard: Heard | None = None
    argument: str = ""
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    branch_if_hung_up: str = ""
    prompt_over: asyncio.Event = field(default_factory=asyncio.Event)
    signals: list[str] = field(default_factory=list)
    now: Callable[[], datetime] = datetime.now
    kinds: Mapping[str, str] = field(default_factory=dict)

    def given(self, name: str, default: str = "") -> str:
        """What stands under `with:` for this name (or there alone), its {values} filled in."""
        written = self.arguments.get(name, default) if self.arguments else self.argument or default
        return filled(written, self.values)


def filled(text: str, values: Mapping[str, str], shown: Callable[[str], str] = str) -> str:
    """A text with `{name}` replaced by the value of that name, as `shown` writes it. One that is nothing but
    `{name}` is the value itself: somebody's own words stay a recording."""
    if (alone := PLACE.fullmatch(text)) and shown is str:
        return values.get(alone[1], "")
    return PLACE.sub(lambda found: shown(values.get(found[1], "")), text)


Action = Callable[[Conversation], Awaitable[str]]
"""Does something for a flow and returns the branch to follow."""
