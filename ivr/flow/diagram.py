"""A flow as a picture: its boxes and arrows, before they are drawn (`ivr.flow.drawing`).

The main path (the first branch of each state, from the start) is drawn strong and straight. What leads
on from everywhere (`always`, asides, limits) is a note, not an arrow from each state. Of a large flow
the states that belong together are one box, and misses, which only lead to the next rung of a ladder, are
left out; else a miss is a line in its state's box, where other arrows lead to the same place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.flow.folding import MISSES, folds, sections
from ivr.flow.model import Flow, State

SHOWN = 26
"""Characters of a prompt that a box shows."""
LARGE = 26
"""A flow with more states is drawn folded."""
MOST_NAMES = 4
"""Branches that an arrow of a folded picture names, and states that a box does; the others are counted."""
MOST_ENDS = 12


@dataclass(frozen=True)
class Arrow:
    """Branches from one state to another, joined. `main`: on the main path; `misses`: nothing but misses."""

    start: str
    to: str
    label: str
    main: bool
    misses: bool


@dataclass(frozen=True)
class Picture:
    """What is drawn. `lines`: what stands in a state's box; `anywhere`: event → state; `sections`: titles by state."""

    name: str
    kinds: Mapping[str, str]
    lines: Mapping[str, tuple[str, ...]]
    arrows: tuple[Arrow, ...]
    anywhere: Mapping[str, str] = field(default_factory=dict)
    start: str = ""
    sections: Mapping[str, str] = field(default_factory=dict)


def picture(flow: Flow, texts: Mapping[str, str], persons: frozenset[str] = frozenset(), full: bool = False) -> Picture:
    """`texts`: prompts by id; `persons`: the actions that hand the call to a person; `full`: fold nothing."""
    titles = sections(flow)
    small = full or len(flow.states) <= LARGE
    stands = {name: name for name in flow.states} if small else folds(flow, titles)
    anywhere: dict[str, list[str]] = {}
    for event, to in _from_anywhere(flow):
        anywhere.setdefault(stands[to], []).append(event)
    arrows = _arrows(flow, stands, None if small else MOST_NAMES)
    known = {*anywhere, stands[flow.start]}
    boxes = list(dict.fromkeys(stands.values()))
    kinds = {name: _kind(flow.states[name], persons) for name in boxes}
    helped = {name for name in anywhere if kinds[name] == "person"}
    drawn, told = _told_in_boxes(arrows, known) if small else _told_of_persons(_without_misses(arrows, known), helped)
    apart = _apart(drawn, {name for name in anywhere if kinds[name] in ("person", "end")})
    return Picture(
        flow.name,
        kinds,
        {name: (*_lines(flow, name, texts), *_of_members(flow, name, stands), *told.get(name, ())) for name in boxes},
        tuple(drawn),
        {", ".join(events): to for to, events in anywhere.items()},
        stands[flow.start],
        {name: "" if name in apart else titles[name] for name in boxes},
    )


def _from_anywhere(flow: Flow) -> list[tuple[str, str]]:
    asides = [(name, aside.then) for name, aside in flow.asides.items()]
    limits = [("too long", flow.limits.then), ("too many misses", flow.limits.after_misses)]
    return [(event, to) for event, to in [*flow.always.items(), *asides, *limits] if to]


def _arrows(flow: Flow, stands: Mapping[str, str], most: int | None) -> list[Arrow]:
    """All arrows between boxes; of more than `most` branches some are named."""
    main = {(stands[start], stands[to]) for start, to in _main_path(flow)}
    branches: dict[tuple[str, str], dict[str, None]] = {}
    for state in flow.states.values():
        for branch, to in _ways(state):
            if stands[to] != stands[state.name]:
                branches.setdefault((stands[state.name], stands[to]), {})[branch] = None
    return [Arrow(start, to, _named([name for name in names if name != "done"], most), (start, to) in main,
                  all(name in MISSES or name.startswith("after ") for name in names))
            for (start, to), names in branches.items()]


def _ways(state: State) -> list[tuple[str, str]]:
    ways = [*state.next.items(), *((choice.when.text if choice.when else "otherwise", choice.then) for choice in state.choices)]
    return [*ways, (f"after {state.visits.at_most}×", state.visits.then)] if state.visits else ways


def _named(names: list[str], most: int | None) -> str:
    if most and len(names) > most:
        names = [*names[:most - 1], f"… {len(names) - most + 1} more"]
    return ", ".join(names)


def _told_in_boxes(arrows: list[Arrow], reached: set[str]) -> tuple[list[Arrow], dict[str, list[str]]]:
    """Arrows, and as lines in their boxes the misses that lead where another arrow or note leads too."""
    reached = reached | {arrow.to for arrow in arrows if not arrow.misses}
    drawn, told = [], {}
    for arrow in arrows:
        if arrow.misses and not arrow.main and arrow.to in reached:
            told.setdefault(arrow.start, []).append(f"{arrow.label} → {arrow.to}")
        else:
            reached.add(arrow.to)
            drawn.append(arrow)
    return drawn, told


def _without_misses(arrows: list[Arrow], reached: set[str]) -> list[Arrow]:
    """Arrows but for misses that lead where another arrow or note leads too."""
    reached = reached | {arrow.to for arrow in arrows if not arrow.misses}
    drawn = []
    for arrow in arrows:
        if not arrow.misses or arrow.main or arrow.to not in reached:
            drawn.append(arrow)
            reached.add(arrow.to)
    return drawn


def _apart(arrows: list[Arrow], begun: set[str]) -> set[str]:
    """Of these boxes, which are entered from anywhere, those that no arrow enters, and what follows them alone."""
    entered: dict[str, set[str]] = {}
    for arrow in arrows:
        entered.setdefault(arrow.to, set()).add(arrow.start)
    apart = {name for name in begun if name not in entered}
    return apart | {name for name, starts in entered.items() if starts <= apart}


def _told_of_persons(arrows: list[Arrow], persons: set[str]) -> tuple[list[Arrow], dict[str, list[str]]]:
    """Arrows, and as lines in their boxes those to people who are reached from anywhere."""
    told: dict[str, list[str]] = {}
    for arrow in arrows:
        if arrow.to in persons and not arrow.main:
            told.setdefault(arrow.start, []).append(f"{arrow.label.replace(', ', ' / ') or 'then'} → {arrow.to}")
    return [arrow for arrow in arrows if arrow.to not in persons or arrow.main], told


def _main_path(flow: Flow) -> set[tuple[str, str]]:
    """Steps of the way on which everything goes well: from each state by its first branch that leads on."""
    path, name, seen = set(), flow.start, set()
    while name not in seen:
        seen.add(name)
        state = flow.states[name]
        ways = [*state.next.values(), *(choice.then for choice in state.choices)]
        onward = next((to for to in ways if to not in seen), None)
        if onward is None:
            break
        path.add((name, onward))
        name = onward
    return path


def _kind(state: State, persons: frozenset[str]) -> str:
    if state.end:
        return "person" if state.end == "person" else "end"
    if state.action:
        return "person" if state.action in persons else "action"
    if state.run:
        return "flow"
    if state.listen:
        return "question"
    return "choice" if state.choose or state.choices else "speech"


def _lines(flow: Flow, name: str, texts: Mapping[str, str]) -> tuple[str, ...]:
    lines, state = [], flow.states[name]
    if state.say:
        text = texts.get(state.say[0], state.say[0])
        lines.append(text if len(text) <= SHOWN else f"{text[:SHOWN - 1]}…")
    if state.action or state.run:
        told = f"do {state.action}" if state.action else f"run {state.run}"
        lines.append(f"{told}: {state.argument}" if state.argument else told)
    lines += [f"{value} := {expression.text}" for value, expression in state.set.items()]
    if state.choose:
        lines.append(f"is {state.choose} given?")
    own = [branch for branch, to in state.next.items() if to == state.name]
    if own:
        lines.append("↺ " + ", ".join(own))
    if state.end:
        lines.append(f"■ {state.end}")
    return tuple(lines)


def _of_members(flow: Flow, name: str, stands: Mapping[str, str]) -> list[str]:
    """What a box tells of the other states that it stands for."""
    others = [flow.states[each] for each, to in stands.items() if to == name and each != name]
    if not others:
        return []
    if flow.states[name].end:
        told = [f"{state.name} ■ {state.end}" for state in others]
        return told if len(told) <= MOST_ENDS else [*told[:MOST_ENDS - 1], f"… {len(told) - MOST_ENDS + 1} more"]
    arguments = list(dict.fromkeys(state.argument for state in others if state.argument))
    if arguments:
        return ["also: " + ", ".join(arguments)]
    return ["also: " + _named([state.name for state in others], MOST_NAMES)]
