"""A person is always one step away: who says 人工 or presses 0 is put through, wherever they are asked."""

from collections.abc import Callable, Collection, Iterator

from ivr.flow.model import Flow, State
from ivr.flow.paths import leading_to, onward, reached_from
from ivr.flow.source import FlowError

PERSON_END = "person"
"""The outcome of a flow that leaves the call to a person."""
WISHES = ("person", "key 0")
"""How a person is asked for: in words, and by key."""


class Persons:
    """The ways to a person in one flow. `hears_person`: can a caller ask for one in this state's words;
    `is_person`: does this state hand the call to one; `above`: what the flow that runs this one leads on."""

    def __init__(self, flow: Flow, hears_person: Callable[[State], bool], is_person: Callable[[State], bool],
                 above: Collection[str] = ()):
        self.flow, self.hears_person, self.above = flow, hears_person, above
        self._persons = {name for name, state in flow.states.items() if is_person(state)}

    def problems(self) -> Iterator[FlowError]:
        """Where a caller who wants a person does not get one."""
        flow = self.flow
        if not self._persons and not self.above:
            yield FlowError(flow.places["states"], "no state hands the call to a person; add "
                                                   "person: {do: transfer, with: asked, next: {…}} and always: {key 0: person}")
            return
        asked = [state for state in flow.states.values() if state.listen]
        without_way = list(self._without_way(asked))
        yield from without_way or self._far()
        yield from self._unheard(asked)
        yield from self._led_astray(asked)

    def _far(self) -> Iterator[FlowError]:
        """States in which a caller waits, and no person is to be had."""
        if self.above:
            return
        states = self.flow.states
        asking = leading_to([name for name, state in states.items() if state.listen], states, onward)
        near = leading_to(self._persons, states, self._asked_ways)
        for state in states.values():
            waits = state.waits and not state.end and (state.name in asking or state.while_waiting)
            if waits and state.name not in near:
                yield FlowError(state.where, f"from state '{state.name}' no person can be reached; add "
                                             "always: {key 0: STATE} or lead one of its branches to a person")

    def _asked_ways(self, state: State) -> list[str]:
        """Where a caller gets by what they say or press."""
        ways = onward(state)
        if state.waits:
            ways += [name for event, name in self.flow.always.items() if event.startswith("key ")]
        if state.listen and self.hears_person(state):
            ways += [name for event, name in self.flow.always.items() if event == "person"]
        return ways

    def _unheard(self, asked: list[State]) -> Iterator[FlowError]:
        for state in asked:
            if not self.hears_person(state):
                yield FlowError(state.at("listen.grammar>"), f"state '{state.name}' does not understand 人工; "
                                                             f"write grammar: {state.listen.grammar}+person")

    def _without_way(self, asked: list[State]) -> Iterator[FlowError]:
        """Questions in which the wish for a person, in words or by key, leads nowhere."""
        everywhere = {*self.flow.always, *self.flow.asides, *self.above}
        lacking = {wish: [state.name for state in asked if wish not in {*everywhere, *state.next}] for wish in WISHES}
        names = list(dict.fromkeys(name for wish in WISHES for name in lacking[wish]))
        if not names:
            return
        said = " or ".join(said for wish, said in zip(WISHES, ("says 人工", "presses 0"), strict=True) if lacking[wish])
        state = min(self._persons, key=list(self.flow.states).index, default="STATE")
        write = ", ".join(f"{wish}: {state}" for wish in WISHES if lacking[wish])
        where = self.flow.places.get("always") or self.flow.places["states"]
        yield FlowError(where, f"a caller who {said} in state '{names[0]}' gets no person; write always: {{{write}}}")

    def _led_astray(self, asked: list[State]) -> Iterator[FlowError]:
        """Wishes for a person, and limits, that lead to something else."""
        flow, leads = self.flow, []
        for wish in WISHES:
            if asked and wish in flow.always:
                leads.append((f"always.{wish}", flow.always[wish], flow.places[f"always.{wish}>"]))
            leads += [(f"{state.name}.next.{wish}", state.next[wish], state.at(f"next.{wish}>")) for state in asked
                      if wish in state.next and not (wish == "key 0" and state.listen.keys)]
        if any(flow.states[name].action for name in self._persons):
            limits = flow.limits
            leads.append(("limits.then", limits.then, flow.places["limits.then>"]))
            if limits.after_misses:
                leads.append(("limits.after_misses", limits.after_misses, flow.places["limits.after_misses>"]))
        for label, name, where in leads:
            if not self._is_led_to_person(name):
                yield FlowError(where, f"{label} leads to '{name}', from where the call gets to no person without another "
                                       f"question; lead it to {_one_of(self._persons, flow)}")

    def _is_led_to_person(self, name: str) -> bool:
        states = self.flow.states
        return bool(self._persons & reached_from([name], states, lambda state: [] if state.listen else onward(state)))


def _one_of(persons: Collection[str], flow: Flow) -> str:
    first = next((name for name in flow.states if name in persons), None)
    return f"'{first}'" if first else "a state with 'do: transfer'"

