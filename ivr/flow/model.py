"""A call flow as the runner walks it: states, what they say, hear and do, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from asr.endpointing import Profile
from ivr.flow.source import Where
from ivr.pace import Struggle
from ivr.turn import Listening


@dataclass(frozen=True)
class Listen(Listening):
    """What a state listens for. An answer less probable than `sure` counts as `unsure`.

    `into` names the flow's value that takes what an answer carries: `10` of `later:10` or of `10`.
    """

    into: str = ""
    sure: float = 0.0


@dataclass(frozen=True)
class VisitLimit:
    """A state is entered at most `at_most` times in a call; then the call goes to `then`."""

    at_most: int
    then: str


@dataclass(frozen=True)
class WhileWaiting:
    """Said every `every_s` seconds while a state's action has not ended, one after the other."""

    say: tuple[str, ...]
    every_s: int


@dataclass(frozen=True)
class Aside:
    """Said in passing while something else was asked (你是机器人吗): it is answered and the question stands.

    `say`: prompt ids, by how often it was said; `again`: the question follows in short; `profile`: how
    long is waited then. After `at_most` times in a call the call goes to `then`.
    """

    say: tuple[str, ...] = ()
    again: bool = True
    profile: Profile | None = None
    at_most: int = 2
    then: str = ""


@dataclass(frozen=True)
class State:
    """One step of a flow. `say` holds prompt ids: visit n plays entry n, the last one repeats.

    `short` is the question again, after an aside.
    """

    name: str
    where: Where
    say: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    listen: Listen | None = None
    action: str = ""
    argument: str = ""
    choose: str = ""
    while_waiting: WhileWaiting | None = None
    visits: VisitLimit | None = None
    next: Mapping[str, str] = field(default_factory=dict)
    end: str = ""


@dataclass(frozen=True)
class Limits:
    """A conversation longer than this goes to state `then` (a person).

    With `misses`, so many answers in a call that were none lead to `after_misses`.
    """

    turns: int
    seconds: int
    then: str
    misses: int = 0
    after_misses: str = ""


@dataclass(frozen=True)
class Flow:
    """A checked flow. `version` is the start of the SHA-256 of its file."""

    name: str
    version: str
    start: str
    limits: Limits
    values: Mapping[str, str]
    always: Mapping[str, str]
    states: Mapping[str, State]
    asides: Mapping[str, Aside] = field(default_factory=dict)
    struggle: Struggle = field(default_factory=Struggle)
