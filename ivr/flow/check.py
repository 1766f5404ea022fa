"""What one flow's file cannot tell alone: unknown prompts, grammars and actions, dead states."""

from collections.abc import Collection, Iterator

from ivr.flow.model import Flow, State
from ivr.flow.source import FlowError, nearest

NEEDED_WHEN_LISTENING = ("no_match", "no_input")


def problems(
    flow: Flow, prompts: Collection[str], grammars: Collection[str], actions: Collection[str]
) -> list[FlowError]:
    """Everything that would go wrong in a call of this flow, in the file's order."""
    found = [error for state in flow.states.values() for error in _of_state(flow, state, prompts, grammars, actions)]
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
    spoken = [*state.say, *([state.while_waiting.say] if state.while_waiting else [])]
    for prompt in spoken:
        if prompt not in prompts:
            yield FlowError(state.where, f"state '{state.name}' says '{prompt}', which is no prompt{nearest(prompt, prompts)}")
    for name in state.listen.grammar.split("+") if state.listen else ():
        if name in grammars:
            continue
        yield FlowError(state.where, f"state '{state.name}' listens for '{name}', which is no grammar{nearest(name, grammars)}")
    if state.action and state.action not in actions:
        yield FlowError(state.where, f"state '{state.name}' does '{state.action}', which is no action{nearest(state.action, actions)}")
    for value in filter(None, (state.choose, state.listen.into if state.listen else "")):
        if value not in flow.values:
            yield FlowError(state.where, f"state '{state.name}' uses the value '{value}', which is not among the flow's values{nearest(value, flow.values)}")
    if state.listen:
        for branch in NEEDED_WHEN_LISTENING:
            if branch not in state.next:
                yield FlowError(state.where, f"state '{state.name}' listens but has no '{branch}' branch; add it under next")


def _reached(flow: Flow) -> set[str]:
    reached: set[str] = set()
    waiting = [flow.start, flow.limits.then, *flow.always.values()]
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
