"""Prompts that say a value which the call may not have: nothing sets it, or not every way that leads there.

Each state is known by the values that every way to it has set. What an answer or an action fills counts as filled on
all the branches on which it can be: only what surely cannot be said is told.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ivr.flow.actions import ActionSpec
from ivr.flow.model import Flow, State
from ivr.flow.source import FlowError, Where

UNANSWERED = ("no_match", "no_input", "noise", "hang_up")
"""Branches of a question on which nothing was taken."""
NOT_DONE = ("failed", "refused", "timeout")
"""Results of actions that have filled nothing."""
SHOWN = 5
"""So many states of a way are named."""

Values = frozenset[str]


@dataclass(frozen=True)
class _Spoken:
    prompt: str
    where: Where
    known: Values


class Unset:
    """The values of one flow. `prompts`: id → the values that it says."""

    def __init__(self, flow: Flow, actions: Mapping[str, ActionSpec], prompts: Mapping[str, Collection[str]] | Collection[str]):
        self._flow, self._actions = flow, actions
        self._says = prompts if isinstance(prompts, Mapping) else {}

    def problems(self) -> Iterator[FlowError]:
        known = self._known(frozenset(self._flow.given))
        for name, values in known.items():
            state = self._flow.states[name]
            for spoken in self._spoken(state, values):
                for value in self._says.get(spoken.prompt, ()):
                    if value in self._flow.values and value not in spoken.known:
                        yield FlowError(spoken.where, f"the prompt '{spoken.prompt}' says {{{value}}}, {self._why(name, value, known)}")
            yield from self._not_handed_on(state, values, known)

    def _not_handed_on(self, state: State, values: Values, known: Mapping[str, Values]) -> Iterator[FlowError]:
        """Values that a flow which is run here begins with."""
        for value in self._flow.subflows[state.run].given if state.run else ():
            if value not in self._flow.values:
                kind = self._flow.subflows[state.run].values[value]
                yield FlowError(state.at("run>"), f"'{state.run}' begins with the value '{value}', which is not among this flow's "
                                                  f"values; add {value}: {kind}")
            elif value not in values.union(state.set):
                yield FlowError(state.at("run>"), f"'{state.run}' begins with the value '{value}', {self._why(state.name, value, known)}")

    def _why(self, name: str, value: str, known: Mapping[str, Values]) -> str:
        if not self._is_ever_set(value):
            return (f"which nothing in this flow sets; fill it by an answer (into: {value}) or by set, or write "
                    f"given: [{value}] at the top if the call begins with it")
        way = self._way_without(name, value, known)
        shown = [*way[:1], "…", *way[1 - SHOWN:]] if len(way) > SHOWN else way
        return (f"which is not set where the call comes by {' → '.join(shown)}; set it on that way, or lead there by "
                f"{{choose: {value}, next: {{given: {name}, missing: STATE}}}}")

    def _is_ever_set(self, value: str) -> bool:
        others = frozenset(self._flow.values) - {value}
        return any(value in values for state in self._flow.states.values() for _, values in self._ways(state, others)
                   if not state.run or value not in self._flow.subflows[state.run].given)

    def _way_without(self, name: str, value: str, known: Mapping[str, Values]) -> list[str]:
        """The shortest way to a state on which a value is not set."""
        ways, waiting = {self._flow.start: [self._flow.start]}, deque([self._flow.start])
        while waiting:
            here = waiting.popleft()
            if here == name:
                break
            for to, values in self._ways(self._flow.states[here], known.get(here, frozenset()) - {value}):
                if to not in ways and value not in values:
                    ways[to] = [*ways[here], to]
                    waiting.append(to)
        return ways.get(name, [name])

    def _known(self, begin: Values) -> dict[str, Values]:
        """What every way to a state has set, by the states that are reached."""
        known, waiting = {self._flow.start: begin}, deque([self._flow.start])
        while waiting:
            name = waiting.popleft()
            for to, values in self._ways(self._flow.states[name], known[name]):
                now = known[to] & values if to in known else values
                if known.get(to) != now:
                    known[to] = now
                    waiting.append(to)
        return known

    def _spoken(self, state: State, entered: Values) -> Iterator[_Spoken]:
        values = entered.union(state.set)
        yield from (_Spoken(prompt, state.at(f"say.{place}", "say", "say_by_visit"), values) for place, prompt in enumerate(state.say))
        yield from (_Spoken(prompt, state.at(f"short.{place}"), values) for place, prompt in enumerate(state.short))
        if state.while_waiting:
            yield from (_Spoken(prompt, state.at("while_waiting.say>"), values) for prompt in state.while_waiting.say)
        if state.listen:
            yield from (_Spoken(prompt, self._flow.places[f"asides.{name}"], values)
                        for name, aside in self._flow.asides.items() for prompt in aside.say)

    def _ways(self, state: State, entered: Values) -> Iterator[tuple[str, Values]]:
        """Where a state leads, with what is set then."""
        flow, values = self._flow, entered.union(state.set)
        if state.visits:
            yield state.visits.then, entered
        if state.choices:
            yield from self._chosen(state, values)
        for branch, to in state.next.items():
            if branch != "hang_up":
                yield to, values | self._filled(state, branch, values)
        if state.waits:
            yield from ((to, values) for event, to in flow.always.items() if event not in ("hang_up", "trouble"))
        if state.listen:
            yield from ((to, entered) for to in (flow.limits.then, flow.limits.after_misses) if to)
            yield from ((aside.then, values) for aside in flow.asides.values())
        if "trouble" in flow.always:
            yield flow.always["trouble"], entered

    def _chosen(self, state: State, values: Values) -> Iterator[tuple[str, Values]]:
        for choice in state.choices:
            yield choice.then, values | (choice.when.given_if if choice.when else frozenset())
            values = values | (choice.when.given_unless if choice.when else frozenset())

    def _filled(self, state: State, branch: str, values: Values) -> Values:
        """What a branch of a state fills."""
        if state.listen:
            key = branch.startswith("key ") or branch == "key" and not state.listen.keys
            return frozenset() if branch in UNANSWERED or key else frozenset({state.listen.into} - {""})
        if state.choose:
            return frozenset({state.choose}) if branch == "given" else frozenset()
        if state.run:
            return self._handed_back(self._flow.subflows[state.run], branch, values)
        if not state.action or branch in NOT_DONE:
            return frozenset()
        if (spec := self._actions.get(state.action)) is None:
            return frozenset(self._flow.values)             # misspelt, and told elsewhere
        taken = state.arguments.get("take", {}) if "take" in spec.maps else {}
        return frozenset({*spec.sets, *taken}) if branch in spec.results else frozenset()

    def _handed_back(self, inner: Flow, outcome: str, values: Values) -> Values:
        """What a flow that was run has set, of the values that both name, when it ends so."""
        shared = inner.values.keys() & self._flow.values.keys()
        run = Unset(inner, self._actions, self._says)
        known = run._known((values & shared).union(inner.given))
        ends = [values.union(inner.states[name].set) for name, values in known.items() if inner.states[name].end == outcome]
        return frozenset.intersection(*ends) & shared if ends else frozenset()
