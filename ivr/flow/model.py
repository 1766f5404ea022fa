"""A call flow as the runner walks it: states, what they say, hear and do, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from asr.listening.endpointing import Profile
from ivr.flow.expression import Expression
from ivr.flow.source import Where
from ivr.pace import Struggle
from ivr.turn import Listening

WORDS = "words"
"""The branch of a wait in which something was said that its grammar does not know."""


@dataclass(frozen=True)
class Listen(Listening):
    """What a state listens for. An answer less probable than `sure` counts as `unsure`.

    `into` names the flow's value that takes what an answer carries: `10` of `later:10` or of `10`, or several keys.
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
    """Said every `every_s` seconds while a state's action has not ended, one after the other; the first after `first_s`.

    `listen`: a grammar whose answers end the wait, "" for none. `into`: the value that takes, as it was
    said, what is none of them; that ends the wait too, by the branch `words`.
    """

    say: tuple[str, ...]
    every_s: int
    listen: str = ""
    first_s: int = 0
    into: str = ""


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
class Choice:
    """One line of `choose`: where `when` holds, the call goes to `then`; `when` None is `otherwise`."""

    when: Expression | None
    then: str
    where: Where


Argument = str | Mapping[str, str]
"""What stands under a name of `with:`."""


@dataclass(frozen=True)
class State:
    """One step of a flow. `say` holds prompt ids: visit n plays entry n, the last one repeats.

    `short` is the question again, after an aside. `places` tells where a part of the state is
    written: `do` (the key), `do>` (its value), `next.yes`, `next.yes>`, `say.0`.
    """

    name: str
    where: Where
    say: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    listen: Listen | None = None
    action: str = ""
    argument: str = ""
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    within_s: int = 0
    run: str = ""
    set: Mapping[str, Expression] = field(default_factory=dict)
    choose: str = ""
    choices: tuple[Choice, ...] = ()
    while_waiting: WhileWaiting | None = None
    visits: VisitLimit | None = None
    next: Mapping[str, str] = field(default_factory=dict)
    end: str = ""
    places: Mapping[str, Where] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether a caller may speak or press a key here."""
        return bool(self.listen or self.while_waiting or self.say and not (self.action or self.end))

    def at(self, *parts: str) -> Where:
        """Where the first of these parts that is written stands; else where the state is named."""
        return next((self.places[part] for part in parts if part in self.places), self.where)


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
    """A checked flow. `version` is the start of the SHA-256 of its file and of those it runs; `given`: the values
    that a call of it begins with.

    `places` as a state's: `start>`, `limits.then>`, `always.person`; `subflows` by file name.
    """

    name: str
    version: str
    start: str
    limits: Limits
    values: Mapping[str, str]
    always: Mapping[str, str]
    states: Mapping[str, State]
    asides: Mapping[str, Aside] = field(default_factory=dict)
    struggle: Struggle = field(default_factory=Struggle)
    places: Mapping[str, Where] = field(default_factory=dict)
    subflows: Mapping[str, "Flow"] = field(default_factory=dict)
    given: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[str, ...]:
        """Every outcome that a conversation of this flow can have, in the file's order."""
        return tuple(dict.fromkeys(state.end for state in self.states.values() if state.end))

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt that it may say, the beginning's first, then in the file's order, then of those that it runs."""
        states = sorted(self.states.values(), key=lambda state: state.name != self.start)
        waits = [state.while_waiting for state in states if state.while_waiting]
        said = [each.say for each in (*states, *self.asides.values(), *waits)] + [state.short for state in states]
        return tuple(dict.fromkeys([prompt for prompts in said for prompt in prompts]
                                   + [prompt for flow in self.subflows.values() for prompt in flow.prompts]))
