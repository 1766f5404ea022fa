"""What one flow's file cannot tell alone: unknown names, missing branches, ways that lead nowhere."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asr.grammars.grammar_file import GrammarName
from asr.recognizer import GrammarError
from ivr.flow.actions import ActionSpec
from ivr.flow.branches import VALUE, Heard, heard
from ivr.flow.conversation import PLACE
from ivr.flow.model import WORDS, Flow, State
from ivr.flow.paths import Paths
from ivr.flow.persons import PERSON_END, Persons
from ivr.flow.repeats import Repeats
from ivr.flow.source import FlowError, Where, nearest
from ivr.flow.unset import Unset
from tts.script import slot_kind

WHEN_LISTENING = ("no_match", "no_input")
"""Branches that every question needs."""
LISTENING = (*WHEN_LISTENING, "unsure", "match", "value", "noise", "key", "keys")
KEY_BRANCH = re.compile(r"key [0-9*#]")
SLOT_TAKES = {"plate": ("plate",), "minutes": ("minutes", "number"), "digits": ("digits", "number", "minutes"),
              "words": ("words",)}
"""Kinds of values by the kind of a prompt's slot; `name` takes any."""


@dataclass(frozen=True)
class House:
    """What flows may name. `prompts`: id → the slots in it; `grammars`: the folder, where they are read too."""

    prompts: Mapping[str, Collection[str]]
    grammars: Collection[str]
    actions: Mapping[str, ActionSpec]
    grammar_folder: Path | None = None
    _heard: dict[str, Heard | str] = field(default_factory=dict)

    def heard(self, grammar: str) -> Heard | str | None:
        """What a grammar lets be heard; a text that says why it cannot be used; None where it is not read."""
        if not self.grammar_folder:
            return None
        if "{" in grammar:                                  # the call's values, given in the call
            grammar = GrammarName.parse(grammar).file
        if grammar not in self._heard:
            try:
                stamp = max((path.stat().st_mtime_ns for path in self.grammar_folder.glob("*.yaml")), default=0)
                self._heard[grammar] = heard(grammar, self.grammar_folder, stamp)
            except GrammarError as error:
                self._heard[grammar] = str(error).removesuffix(".")
        return self._heard[grammar]


def problems(flow: Flow, house: House, above: Collection[str] = (), done: Collection[str] = ()) -> list[FlowError]:
    """Everything that would go wrong in a call of this flow or of those it runs, in the file's order.

    `above`: the events that a flow which runs this one leads on from everywhere; `done`: its actions."""
    done = {*done, *_done_in(flow)}
    found = [error for state in flow.states.values() for error in _of_state(flow, state, house, done)]
    for name, aside in flow.asides.items():
        found += [FlowError(flow.places[f"asides.{name}"], f"the aside '{name}' says {_unknown(prompt, house)}")
                  for prompt in aside.say if prompt not in house.prompts]
    found += Paths(flow).problems()
    found += Persons(flow, lambda state: _hears_person(state, house), lambda state: _is_person(flow, state, house), above).problems()
    found += Repeats(flow, house.prompts).problems()
    found += _of_hang_up(flow)
    found += Unset(flow, house.actions, house.prompts).problems()
    for inner in flow.subflows.values():
        found += problems(inner, house, {*above, *flow.always}, done)
    distinct = {str(error): error for error in found}
    return sorted(distinct.values(), key=lambda error: (error.where.path, error.where.line, error.where.column))


def _of_state(flow: Flow, state: State, house: House, done: Collection[str]) -> Iterator[FlowError]:
    yield from _of_prompts(flow, state, house)
    yield from _of_names(flow, state)
    if state.listen:
        yield from _of_listening(flow, state, house)
    elif state.action:
        yield from _of_action(flow, state, house, done)
    elif state.run:
        yield from _of_branches(state, dict.fromkeys(flow.subflows[state.run].ends, f"with which '{state.run}' can end"))
    elif state.choose:
        yield from _of_branches(state, dict.fromkeys(("given", "missing"), "which 'choose' can give"))
    elif state.next and not state.choices:
        yield from _of_branches(state, {"done": "which follows its prompt"})


def _of_prompts(flow: Flow, state: State, house: House) -> Iterator[FlowError]:
    spoken = [(prompt, state.at(f"say.{place}")) for place, prompt in enumerate(state.say)]
    spoken += [(prompt, state.at(f"short.{place}")) for place, prompt in enumerate(state.short)]
    if state.while_waiting:
        spoken += [(prompt, state.at("while_waiting.say>")) for prompt in state.while_waiting.say]
    for prompt, where in spoken:
        if prompt not in house.prompts:
            yield FlowError(where, f"state '{state.name}' says {_unknown(prompt, house)}")
        elif isinstance(house.prompts, Mapping):
            yield from _of_slots(flow, prompt, house.prompts[prompt], where)


def _unknown(prompt: str, house: House) -> str:
    return f"'{prompt}', which is no prompt{nearest(prompt, house.prompts)}"


def _of_slots(flow: Flow, prompt: str, slots: Collection[str], where: Where) -> Iterator[FlowError]:
    for slot in slots:
        takes = SLOT_TAKES.get(slot_kind(slot))
        if slot not in flow.values:
            yield FlowError(where, f"the prompt '{prompt}' says {{{slot}}}, which is not among the flow's values"
                                   f"{nearest(slot, flow.values)}")
        elif takes and flow.values[slot] not in takes:
            yield FlowError(where, f"the prompt '{prompt}' says {{{slot}}} as {slot_kind(slot)}, but the value is of kind "
                                   f"'{flow.values[slot]}'; make it {takes[0]}")


def _of_names(flow: Flow, state: State) -> Iterator[FlowError]:
    used = [(state.choose, state.at("choose>"))] if state.choose else []
    if state.listen and state.listen.into:
        used.append((state.listen.into, state.at("listen.into>")))
    if state.while_waiting and state.while_waiting.into:
        used.append((state.while_waiting.into, state.at("while_waiting.into>")))
    for key, written in ("", state.argument), *state.arguments.items():
        texts = [written] if isinstance(written, str) else written.values()
        used += [(name, state.at(f"with.{key}>", "with>")) for text in texts for name in PLACE.findall(text)]
        if key == "take" and not isinstance(written, str):
            used += [(name, state.at("with.take>")) for name in written]
    for name, where in used:
        if name not in flow.values:
            yield FlowError(where, f"state '{state.name}' uses the value '{name}', which is not among the flow's values"
                                   f"{nearest(name, flow.values)}")


def _of_listening(flow: Flow, state: State, house: House) -> Iterator[FlowError]:
    grammar = GrammarName.parse(state.listen.grammar)
    at = state.at("listen.grammar>", "listen.choice>")
    for branch in WHEN_LISTENING:
        if branch not in state.next:
            yield FlowError(state.at("next"), f"state '{state.name}' listens but has no '{branch}' branch; add it under next")
    if not grammar.inline and grammar.file not in house.grammars:
        yield FlowError(at, f"state '{state.name}' listens for '{grammar.file}', which is no grammar"
                            f"{nearest(grammar.file, house.grammars)}")
        return
    known = house.heard(state.listen.grammar)
    if isinstance(known, str):
        yield FlowError(at, f"state '{state.name}': {known}")
    elif known:
        yield from _of_answers(flow, state, known)
    if ("unsure" in state.next) != bool(state.listen.sure):
        yield FlowError(*((state.at("listen.sure"), f"state '{state.name}' has 'sure' but no 'unsure' branch; add it under next")
                          if state.listen.sure else
                          (state.at("next.unsure"), "'unsure' never follows: add 'sure: 0.6' to 'listen', or take it out")))


def _of_answers(flow: Flow, state: State, known: Heard) -> Iterator[FlowError]:
    """A branch for each answer, and an answer for each branch."""
    elsewhere = {*flow.always, *flow.asides}
    if not {VALUE, "match"} & state.next.keys():
        for intent in sorted(known.own - state.next.keys() - elsewhere):
            what = "its answers" if intent == VALUE else f"the answer '{intent}'"
            yield FlowError(state.at("next"), f"state '{state.name}' has no branch for {what}; add '{intent}: STATE' under next")
    possible = {*known.all, *LISTENING, "hang_up", *elsewhere}
    for branch in state.next:
        if branch not in possible and not KEY_BRANCH.fullmatch(branch):
            yield FlowError(state.at(f"next.{branch}"), f"'{branch}' is never heard in state '{state.name}'"
                                                        f"{nearest(branch, known.all | set(LISTENING))}")


def _of_action(flow: Flow, state: State, house: House, done: Collection[str]) -> Iterator[FlowError]:
    spec = house.actions.get(state.action)
    if spec is None:
        yield FlowError(state.at("do>"), f"state '{state.name}' does '{state.action}', which is no action"
                                         f"{nearest(state.action, house.actions)}")
        return
    results = dict.fromkeys([*spec.results, *(["timeout"] if state.within_s else [])], f"which '{state.action}' can give")
    if state.while_waiting and state.while_waiting.listen:
        known = house.heard(state.while_waiting.listen)
        if isinstance(known, str):
            yield FlowError(state.at("while_waiting.listen>"), f"state '{state.name}': {known}")
        heard = sorted(known.own) if isinstance(known, Heard) else []
        results |= dict.fromkeys(heard, f"which may be heard while '{state.action}' goes on")
        yield from _of_words(flow, state)
        if state.while_waiting.into:
            results[WORDS] = f"which follows when '{state.while_waiting.into}' has taken what was said"
    yield from _of_branches(state, results)
    given = set(state.arguments) or ({spec.arguments[0]} if state.argument and spec.arguments else set())
    for name in spec.needs:
        if name not in given:
            yield FlowError(state.at("with", "do"), f"'{state.action}' needs '{name}'; write with: {{{name}: …}}")
    for name in state.arguments:
        if name not in spec.arguments and not spec.takes_any:
            yield FlowError(state.at(f"with.{name}"), f"'{state.action}' takes no '{name}'{nearest(name, spec.arguments)}")
    if state.argument and not spec.arguments:
        yield FlowError(state.at("with"), f"'{state.action}' takes nothing under 'with'; take it out")
    yield from _of_arguments(state, spec)
    if spec.after and done.isdisjoint(spec.after):
        wanted = " or ".join(f"'{name}'" for name in spec.after)
        yield FlowError(state.at("do>"), f"'{spec.name}' goes on from {wanted}, which no state does; add a state before this one")
    for name, kind in spec.sets.items():
        if flow.values.get(name) != kind:
            yield FlowError(state.at("do>"), f"'{state.action}' fills the value '{name}'; add '{name}: {kind}' to the flow's values")


def _of_words(flow: Flow, state: State) -> Iterator[FlowError]:
    """What is kept as it was said is kept in a value for that."""
    into = state.while_waiting.into
    if into and flow.values.get(into, "words") != "words":
        yield FlowError(state.at("while_waiting.into>"), f"'{into}' is of the kind {flow.values[into]}, which takes no words as "
                                                         f"they were said; make it {into}: words")


def _done_in(flow: Flow) -> set[str]:
    """The actions of a flow and of those that it runs."""
    return {state.action for state in flow.states.values()}.union(*map(_done_in, flow.subflows.values()))


def _of_arguments(state: State, spec: ActionSpec) -> Iterator[FlowError]:
    """Each argument is of its form; of those that are, the action tells what is wrong."""
    misshapen = False
    for name, written in state.arguments.items():
        if isinstance(written, str) == (name in spec.maps):
            misshapen = True
            wanted = f"names with texts; write {name}: {{NAME: TEXT}}" if name in spec.maps else f"one text; write {name}: TEXT"
            yield FlowError(state.at(f"with.{name}>"), f"'{name}' of '{spec.name}' takes {wanted}")
    if not misshapen:
        for name, message in spec.wrong(state.arguments):
            yield FlowError(state.at(f"with.{name}>", "with"), message)


def _of_branches(state: State, results: Mapping[str, str]) -> Iterator[FlowError]:
    """Each result, given with what brings it, has a branch, and each branch is a result."""
    for result, why in results.items():
        if result not in state.next:
            yield FlowError(state.at("next"), f"state '{state.name}' has no '{result}' branch, {why}; add it under next")
    for branch in state.next:
        if branch not in (*results, "hang_up"):
            yield FlowError(state.at(f"next.{branch}"), f"'{branch}' never follows in state '{state.name}'{nearest(branch, results)}")


def _of_hang_up(flow: Flow) -> Iterator[FlowError]:
    """What follows a hang-up has nobody to talk to: it ends."""
    for where, name in [(flow.places.get("always.hang_up>"), flow.always.get("hang_up")),
                        *((state.at("next.hang_up>"), state.next.get("hang_up")) for state in flow.states.values())]:
        if name and not flow.states[name].end:
            yield FlowError(where, f"after a hang-up nobody is there, but '{name}' goes on; lead to a state with 'end'")


def _hears_person(state: State, house: House) -> bool:
    known = house.heard(state.listen.grammar)
    return not isinstance(known, Heard) or known.free or "person" in known.all


def _is_person(flow: Flow, state: State, house: House) -> bool:
    if state.run:
        inner = flow.subflows[state.run]
        return any(_is_person(inner, each, house) for each in inner.states.values())
    spec = house.actions.get(state.action)
    misspelt = bool(state.action) and spec is None
    return state.end == PERSON_END or misspelt or bool(spec and spec.person)
