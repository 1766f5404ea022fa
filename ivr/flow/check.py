"""What one flow's file cannot tell alone: unknown prompts, grammars and actions, dead states."""

from collections.abc import Collection, Iterator
from pathlib import Path

from asr.grammar import Grammar
from asr.grammar_file import GrammarName
from asr.recognizer import GrammarError
from ivr.flow.model import Flow, State
from ivr.flow.source import FlowError, nearest

NEEDED_WHEN_LISTENING = ("no_match", "no_input")


def problems(
    flow: Flow, prompts: Collection[str], grammars: Collection[str], actions: Collection[str],
    grammar_folder: Path | None = None,
) -> list[FlowError]:
    """Everything that would go wrong in a call of this flow, in the file's order.

    With `grammar_folder` the grammars are also compiled, each once, so that a mistake in one of
    their files is told too.
    """
    found = list(_of_grammars(flow, grammars, grammar_folder))
    found += [error for state in flow.states.values() for error in _of_state(flow, state, prompts, grammars, actions)]
    start = flow.states[flow.start].where
    found += [FlowError(start, f"the aside '{name}' says '{prompt}', which is no prompt{nearest(prompt, prompts)}")
              for name, aside in flow.asides.items() for prompt in aside.say if prompt not in prompts]
    reached = _reached(flow)
    found += [
        FlowError(state.where, f"state '{state.name}' is never reached; lead to it or take it out")
        for state in flow.states.values()
        if state.name not in reached
    ]
    return sorted(found, key=lambda error: (error.where.line, error.where.column))


def _of_state(
    flow: Flow,
    state: State,
    prompts: Collection[str],
    grammars: Collection[str],
    actions: Collection[str],
) -> Iterator[FlowError]:
    spoken = [*state.say, *state.short, *(state.while_waiting.say if state.while_waiting else [])]
    for prompt in spoken:
        if prompt not in prompts:
            yield FlowError(state.where, f"state '{state.name}' says '{prompt}', which is no prompt{nearest(prompt, prompts)}")
    if state.listen:
        yield from _of_choice(state)
    if state.action and state.action not in actions:
        yield FlowError(state.where, f"state '{state.name}' does '{state.action}', which is no action{nearest(state.action, actions)}")
    for value in filter(None, (state.choose, state.listen.into if state.listen else "")):
        if value not in flow.values:
            yield FlowError(state.where, f"state '{state.name}' uses the value '{value}', which is not among the flow's values{nearest(value, flow.values)}")
    if state.listen:
        for branch in NEEDED_WHEN_LISTENING:
            if branch not in state.next:
                yield FlowError(state.where, f"state '{state.name}' listens but has no '{branch}' branch; add it under next")


def _of_grammars(
    flow: Flow, grammars: Collection[str], folder: Path | None
) -> Iterator[FlowError]:
    compiled: dict[str, str] = {}
    for state in flow.states.values():
        if not state.listen:
            continue
        name = GrammarName.parse(state.listen.grammar)
        if any("{" in value for value in name.parameters.values()):     # the call's values, given in the call
            name = GrammarName.parse(name.file)
        if not name.inline and name.file not in grammars:
            yield FlowError(state.where, f"state '{state.name}' listens for '{name.file}', which is no grammar{nearest(name.file, grammars)}")
        elif folder:
            written = state.listen.grammar if "{" not in state.listen.grammar else name.file
            if written not in compiled:
                compiled[written] = _grammar_problem(written, folder)
            if compiled[written]:
                yield FlowError(state.where, f"state '{state.name}': {compiled[written]}")


def _grammar_problem(name: str, folder: Path) -> str:
    try:
        grammar = Grammar.load(name, folder)
        return "" if grammar.free or len(grammar.graph.unit) else f"'{name}' hears nothing"
    except GrammarError as error:
        return str(error).removesuffix(".")


def _of_choice(state: State) -> Iterator[FlowError]:
    name = GrammarName.parse(state.listen.grammar)
    for value in name.parameters if name.inline else ():
        if value not in state.next and "value" not in state.next:
            yield FlowError(state.where, f"state '{state.name}' has no '{value}' branch for its choice; add it under next")


def _reached(flow: Flow) -> set[str]:
    reached: set[str] = set()
    waiting = [flow.start, flow.limits.then, *flow.always.values(), *(each.then for each in flow.asides.values())]
    if flow.limits.after_misses:
        waiting.append(flow.limits.after_misses)
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        state = flow.states[name]
        waiting += state.next.values()
        if state.visits:
            waiting.append(state.visits.then)
    return reached
