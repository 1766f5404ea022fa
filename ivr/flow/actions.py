"""Actions by name: what a flow may do, what it must give for it, and which branches can follow.

An action is a coroutine method that says of itself what the check of a flow needs to know:

    @action("talked", "failed", needs=("reason",))
    async def transfer(self, conversation: Conversation) -> str: ...
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ivr.flow.model import Argument

_MARK = "__flow_action__"
Method = TypeVar("Method", bound=Callable[..., Any])

Wrong = Callable[[Mapping[str, Argument]], Iterable[tuple[str, str]]]
"""`wrong(arguments)` → (name, what is wrong with it and what to write); `take.status` names a part of `take`."""


@dataclass(frozen=True)
class ActionSpec:
    """What is declared of an action.

    results: every branch that it may return; a flow leads on from each.
    needs, may: names under `with:`; a single value there is the first of them.
    sets: the flow's values that it fills, with their kinds.
    person: it hands the call to a person.
    takes_any: any further name may stand under `with:`.
    after: actions of which one must stand in the flow too, because this one goes on from it.
    maps: those of its names that take a mapping; all others take a single value.
    wrong: what is wrong with its arguments as they are written: pairs of a name and a sentence.
    about: its docstring's first paragraph, for the reference.
    """

    name: str
    results: tuple[str, ...]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    sets: Mapping[str, str] = field(default_factory=dict)
    person: bool = False
    takes_any: bool = False
    after: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    wrong: Wrong = lambda arguments: ()
    about: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """All names under `with:`, in order."""
        return self.needs + self.may


def action(
    *results: str, needs: tuple[str, ...] = (), may: tuple[str, ...] = (),
    sets: Mapping[str, str] | None = None, person: bool = False, takes_any: bool = False, after: tuple[str, ...] = (),
    maps: tuple[str, ...] = (), wrong: Wrong = lambda arguments: (),
) -> Callable[[Method], Method]:
    """Declare a method as an action of its own name; see `ActionSpec`."""
    def mark(method: Method) -> Method:
        about = " ".join((inspect.getdoc(method) or "").partition("\n\n")[0].split())
        spec = ActionSpec(method.__name__, results, needs, may, dict(sets or {}), person, takes_any, after, maps, wrong, about)
        setattr(method, _MARK, spec)
        return method
    return mark


def declared(*owners: type) -> dict[str, ActionSpec]:
    """The actions that these classes declare, by name."""
    return {spec.name: spec for owner in owners for spec in _specs(owner)}


def actions_of(*owners: object) -> dict[str, Callable[..., Any]]:
    """The actions of these objects, ready to be done, by name."""
    return {spec.name: getattr(owner, spec.name) for owner in owners for spec in _specs(type(owner))}


def _specs(owner: type) -> list[ActionSpec]:
    members = (getattr(owner, name) for name in dir(owner))
    return [getattr(member, _MARK) for member in members if hasattr(member, _MARK)]
