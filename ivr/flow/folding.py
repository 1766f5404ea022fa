"""Which states of a large flow are drawn as one: a question with its ladder, ends and transfers of one kind."""

import re
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

from ivr.flow.model import Flow, State

MISSES = {"no_match", "no_input", "unsure", "repeat", "wait", "noise", "key", "keys", "failed", "timeout", "trouble"}
"""Branches that follow when nothing useful was answered or done."""
_TITLE = re.compile(r"\s*#\s*-{3,}\s*(\S.*?)\s*-*\s*")


def sections(flow: Flow) -> dict[str, str]:
    """The title above each state in the flow's file, written as `# ---- the plate`; "" where there is none."""
    lines = Path(flow.places["states"].path).read_text("utf-8").splitlines()
    titles = {number: found[1] for number, line in enumerate(lines, 1) if (found := _TITLE.fullmatch(line))}
    return {state.name: max(((number, title) for number, title in titles.items() if number <= state.where.line),
                            default=(0, ""))[1] for state in flow.states.values()}


def folds(flow: Flow, titles: Mapping[str, str]) -> dict[str, str]:
    """For each state the one that stands for it in the picture, the first of its kind in its section.

    A question stands for those that ask for the same and lead to the same, an action for those that do
    the same, a sentence for those that lead to the same, an end for all ends of its section but a person's.
    """
    once = _united(flow, lambda state: _work(state, titles[state.name]), {name: name for name in flow.states})
    return _united(flow, lambda state: _work(state, titles[state.name], once), once)


def _work(state: State, title: str, stands: Mapping[str, str] | None = None) -> Hashable:
    """What states have in common that are drawn as one; None for one that is drawn by itself."""
    to = {branch: (stands or {}).get(name, name) for branch, name in state.next.items()}
    if state.listen:
        return title, "asks", state.listen.grammar, frozenset(to[branch] for branch in to.keys() - MISSES)
    if state.action:
        return title, "does", state.action
    if state.end:
        return title, "ends", state.end == "person"
    if state.run or state.choose or state.choices:
        return None
    return title, "says", frozenset(to.values())


def _united(flow: Flow, alike: Callable[[State], Hashable], stands: Mapping[str, str]) -> dict[str, str]:
    first: dict[Hashable, str] = {}
    joined: dict[str, str] = {}
    for state in flow.states.values():
        own = stands[state.name]
        if (what := alike(state)) is not None:
            joined[own] = joined.get(own) or first.setdefault(what, own)
    return {name: joined.get(rep, rep) for name, rep in stands.items()}
