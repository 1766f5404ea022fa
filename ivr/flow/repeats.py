"""No sentence twice in a row: states that say again what was said just before."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from asr.grammars.grammar_file import GrammarName
from ivr.flow.model import Flow, State
from ivr.flow.paths import onward, reached_from
from ivr.flow.source import FlowError

NOTHING_TAKEN = ("no_match", "no_input", "noise")
"""Branches on which no value was filled."""


class Repeats:
    """The ways from each sentence to the next. `prompts`: id → the values in it, where that is known;
    `strict`: also where the caller wishes to hear it again."""

    def __init__(self, flow: Flow, prompts: Collection[str] = (), strict: bool = False):
        self.flow, self.strict = flow, strict
        self.slots = prompts if isinstance(prompts, Mapping) else {}
        self._single = {state.say[0] for state in flow.states.values() if len(set(state.say)) == 1}
        """What is repeated is said by a state that has nothing else to say."""

    def problems(self) -> Iterator[FlowError]:
        told = set()
        for name, prompt, by in self.found():
            if name not in told:
                told.add(name)
                yield self._error(self.flow.states[name], prompt, by)

    def found(self) -> Iterator[tuple[str, str, str]]:
        """Each state that repeats a prompt, the prompt, and the state in which it was said just before."""
        for state in self.flow.states.values():
            for prompt in sorted(self._said_last(state) & self._single):
                spoken = self._next_to_speak(state, prompt, self._entered_after(state, state, prompt))
                yield from ((name, prompt, state.name) for name in spoken if set(self.flow.states[name].say) == {prompt})

    def _said_last(self, state: State) -> set[str]:
        """What may have been said last when the call leaves a state."""
        said = set(state.say[:state.visits.at_most if state.visits else None])
        asides = [aside for aside in self.flow.asides.values() if aside.at_most and state.listen]
        if any(aside.again for aside in asides):
            said |= set(state.short)
        return said.union(*(aside.say for aside in asides if not (aside.again and state.short)))

    def _next_to_speak(self, speaker: State, prompt: str, entered: Iterable[str]) -> list[str]:
        """The states that speak first when `speaker` has said a prompt and these are entered, unless a value in it is
        another by then."""
        found, seen, waiting = [], set(), list(entered)
        while waiting:
            name = waiting.pop(0)
            state = self.flow.states[name]
            if name in seen or self._changes(prompt, state.set):
                continue
            seen.add(name)
            if state.say:
                found.append(name)
            else:
                waiting += self._entered_after(state, speaker, prompt)
        return found

    def _entered_after(self, state: State, speaker: State, prompt: str) -> Iterator[str]:
        """The states that may be entered after `state`, with all that was said since by `speaker` being a prompt."""
        if state.run or state.action and self.slots.get(prompt):
            return
        for to in self._ways(state, prompt):
            yield from self._entered(to, speaker, prompt)

    def _entered(self, name: str, speaker: State, prompt: str, passed: frozenset[str] = frozenset()) -> Iterator[str]:
        """A state, and that which is entered instead once it has been entered often enough."""
        visits, again = self.flow.states[name].visits, name == speaker.name
        if not (visits and visits.at_most == 1 and again):
            yield name
        if not visits or name in passed or again and visits.at_most <= len(speaker.say) and prompt in speaker.say[:visits.at_most - 1]:
            return
        if speaker.name in self._reached[name]:
            yield from self._entered(visits.then, speaker, prompt, passed | {name})

    def _ways(self, state: State, prompt: str) -> Iterator[str]:
        if not state.listen:
            yield from (*state.next.values(), *(choice.then for choice in state.choices))
            return
        into = [state.listen.into] if state.listen.into else []
        for branch, to in state.next.items():
            if branch != "hang_up" and not self._is_wish(state, branch) and (branch in NOTHING_TAKEN or not self._changes(prompt, into)):
                yield to
        yield from self.flow.always.values() if self.strict else ()
        yield from (aside.then for aside in self.flow.asides.values() if not (aside.at_most and aside.say))

    def _is_wish(self, state: State, branch: str) -> bool:
        """Whether a caller who comes by this branch has asked for what follows, by a word or key for it."""
        grammar = GrammarName.parse(state.listen.grammar)
        chosen = branch in ("repeat", "person") or branch.startswith("key ") or grammar.inline and branch in grammar.parameters
        return chosen and not self.strict

    def _changes(self, prompt: str, values: Collection[str]) -> bool:
        return not set(values).isdisjoint(self.slots.get(prompt, ()))

    @cached_property
    def _reached(self) -> dict[str, set[str]]:
        """By state with a limit of visits: the states that come after it."""
        states = self.flow.states
        return {name: reached_from(onward(state), states, self._all_ways) for name, state in states.items() if state.visits}

    def _all_ways(self, state: State) -> list[str]:
        everywhere = self.flow.always.values() if state.waits else ()
        return [*onward(state), *everywhere, *(aside.then for aside in self.flow.asides.values() if state.listen)]

    def _error(self, state: State, prompt: str, by: str) -> FlowError:
        when, instead = f"right after state '{by}' has said it", "ANOTHER_PROMPT"
        if by == state.name:
            back = [branch for branch, to in state.next.items() if not (state.listen and self._is_wish(state, branch))
                    and by in self._next_to_speak(state, prompt, self._entered(to, state, prompt))]
            led = ", ".join(f"'{branch}'" for branch in back)
            when, instead = f"again after {led or 'it has led on'}", "A_SHORTER_PROMPT"
        return FlowError(state.at("say.0"), f"state '{state.name}' says '{prompt}' {when}, and nobody should hear one sentence twice in "
                                            f"a row; write say_by_visit: [{prompt}, {instead}]")
