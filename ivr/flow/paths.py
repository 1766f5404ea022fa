"""Where a flow can go: states never reached, and loops that do not end."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from ivr.flow.model import Flow, State
from ivr.flow.source import FlowError, Where


class Paths:
    """The ways through one flow."""

    def __init__(self, flow: Flow):
        self.flow = flow

    def problems(self) -> Iterator[FlowError]:
        yield from self._never_reached()
        circling = set()
        for where, states, message in self._circles():
            circling |= states
            yield FlowError(where, message)
        yield from self._no_way_out(circling)

    def _never_reached(self) -> Iterator[FlowError]:
        flow = self.flow
        begin = [flow.start, flow.limits.then, flow.limits.after_misses, *flow.always.values(),
                 *(aside.then for aside in flow.asides.values())]
        reached = reached_from(filter(None, begin), flow.states, onward)
        for state in flow.states.values():
            if state.name not in reached:
                yield FlowError(state.where, f"state '{state.name}' is never reached; lead to it or take it out")

    def _circles(self) -> Iterator[tuple[Where, set[str], str]]:
        """Rounds of states that neither listen nor count their visits."""
        silent = _that_go_round({name: state for name, state in self.flow.states.items()
                                 if not (state.listen or state.visits or state.end)})
        told: set[str] = set()
        for name, state in silent.items():
            around = self._round(name, silent)
            if not around or name in told:
                continue
            told |= set(around)
            way = " → ".join([*around, name])
            where = _leads_to(state, around[1] if len(around) > 1 else name)
            if all(to in around for each in around for to in onward(silent[each])):
                yield where, set(around), (f"the loop {way} has no way out and asks nothing, so the call never ends; "
                                      "lead one of them to another state")
            else:
                yield where, set(around), (f"the loop {way} asks nothing and may go round without end; give one of "
                                           "them a limit: visits: {at_most: 3, then: STATE}")

    def _round(self, start: str, silent: dict[str, State]) -> list[str]:
        """The shortest way from a state back to itself through silent ones; [] if there is none."""
        ways, waiting = {start: [start]}, [start]
        while waiting:
            name = waiting.pop(0)
            for to in onward(silent[name]):
                if to == start:
                    return ways[name]
                if to in silent and to not in ways:
                    ways[to] = [*ways[name], to]
                    waiting.append(to)
        return []

    def _no_way_out(self, circling: set[str]) -> Iterator[FlowError]:
        """States from which no end is reached."""
        states = self.flow.states
        told, ends = set(circling), leading_to([name for name, state in states.items() if state.end], states, self._all_ways)
        for state in self.flow.states.values():
            if state.name in told or state.name in ends:
                continue
            reached = reached_from([state.name], self.flow.states, self._all_ways)
            told |= reached
            yield FlowError(state.at("next", "choose"), f"from state '{state.name}' the call never ends: its ways lead "
                                                        f"only to {_listed(reached)}; lead one to a state with 'end'")

    def _all_ways(self, state: State) -> list[str]:
        if not state.listen:
            return onward(state)
        flow = self.flow
        asides = [aside.then for aside in flow.asides.values()]
        always = [to for event, to in flow.always.items() if event != "hang_up"]       # that is the caller's end, not the flow's
        return [*onward(state), flow.limits.then, *filter(None, [flow.limits.after_misses]), *always, *asides]


def reached_from(names: Iterable[str], states: Mapping[str, State], ways: Callable[[State], list[str]]) -> set[str]:
    """These states, and all that are reached from them; `ways`: where one leads."""
    reached, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += ways(states[name])
    return reached


def leading_to(names: Iterable[str], states: Mapping[str, State], ways: Callable[[State], list[str]]) -> set[str]:
    """These states, and all from which one of them is reached: `reached_from` backwards, for all states at once."""
    back = defaultdict(list)
    for state in states.values():
        for to in ways(state):
            back[to].append(state.name)
    return reached_from(names, states, lambda state: back[state.name])


def _that_go_round(states: dict[str, State]) -> dict[str, State]:
    """Without the states that lead out of these, at once or in the end; what is left goes round or leads to a round."""
    left = dict(states)
    while out := [name for name, state in left.items() if left.keys().isdisjoint(onward(state))]:
        for name in out:
            del left[name]
    return left


def onward(state: State) -> list[str]:
    """The states that a state itself leads to."""
    ways = [*state.next.values(), *(choice.then for choice in state.choices)]
    return [*ways, state.visits.then] if state.visits else ways


def _leads_to(state: State, name: str) -> Where:
    """Where a state says that it leads to another."""
    branch = next((branch for branch, to in state.next.items() if to == name), None)
    if branch is not None:
        return state.at(f"next.{branch}>")
    return next((choice.where for choice in state.choices if choice.then == name), state.where)


def _listed(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
