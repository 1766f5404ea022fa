"""A flow as a picture: Graphviz's language for SVG, Mermaid for documents.

The main path (the first branch of each state, from the start) is drawn strong and straight. What leads
on from everywhere (`always`, asides, limits) is a note, not an arrow from each state; a branch back to
its own state, and a miss that leads where other arrows lead, is a line in that state's box.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.flow.model import Flow, State

SHOWN = 26
"""Characters of a prompt that a box shows."""
MISSES = {"no_match", "no_input", "unsure", "repeat", "wait", "noise", "key", "failed", "timeout", "trouble"}
KINDS = {
    "question": ("box", "#e8f1fb", "#2f6db3"), "speech": ("box", "#f4f4f2", "#8a8a84"),
    "action": ("box", "#fff4dd", "#c98a12"), "choice": ("diamond", "#f3ecfa", "#7b4fa8"),
    "person": ("box", "#fde9e7", "#c4473a"), "end": ("box", "#e7f5ea", "#3c8d51"),
    "flow": ("box", "#e6f6f6", "#2b8a8a"),
}
"""Shape, fill and line of each kind of state."""


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
    """What is drawn. `lines`: what stands in a state's box; `anywhere`: event → state."""

    name: str
    kinds: Mapping[str, str]
    lines: Mapping[str, tuple[str, ...]]
    arrows: tuple[Arrow, ...]
    anywhere: Mapping[str, str] = field(default_factory=dict)
    start: str = ""


def picture(flow: Flow, texts: Mapping[str, str], persons: frozenset[str] = frozenset()) -> Picture:
    """`texts`: prompts by id; `persons`: the actions that hand the call to a person."""
    main = _main_path(flow)
    anywhere: dict[str, list[str]] = {}
    for event, to in [*flow.always.items(), *((name, aside.then) for name, aside in flow.asides.items()),
                      ("too long", flow.limits.then), ("too many misses", flow.limits.after_misses)]:
        if to:
            anywhere.setdefault(to, []).append(event)
    arrows = [arrow for state in flow.states.values() for arrow in _arrows(state, main)]
    drawn, told = _folded(arrows, {*anywhere, flow.start})
    return Picture(
        flow.name,
        {state.name: _kind(state, persons) for state in flow.states.values()},
        {state.name: (*_lines(state, texts), *told.get(state.name, ())) for state in flow.states.values()},
        tuple(drawn),
        {", ".join(events): to for to, events in anywhere.items()},
        flow.start,
    )


def _folded(arrows: list[Arrow], reached: set[str]) -> tuple[list[Arrow], dict[str, list[str]]]:
    """Arrows, and as lines in their boxes the misses that lead where another arrow or note leads too."""
    reached = reached | {arrow.to for arrow in arrows if not arrow.misses}
    drawn, told = [], {}
    for arrow in arrows:
        if arrow.misses and not arrow.main and arrow.to in reached:
            label = arrow.label.replace("\n", " ")
            told.setdefault(arrow.start, []).append(f"{label} → {arrow.to}")
        else:
            reached.add(arrow.to)
            drawn.append(arrow)
    return drawn, told


def to_dot(drawn: Picture) -> str:
    """Graphviz's language."""
    lines = [
        f'digraph "{drawn.name}" {{',
        '  graph [rankdir=TB, nodesep=0.28, ranksep=0.42, bgcolor="white", pad=0.3, splines=true, '
        'fontname="Noto Sans CJK SC, Noto Sans, sans-serif"];',
        '  node [style="filled,rounded", penwidth=1.3, fontsize=11, margin="0.14,0.07", '
        'fontname="Noto Sans CJK SC, Noto Sans, sans-serif"];',
        '  edge [color="#9a9a94", fontcolor="#55554f", fontsize=9, arrowsize=0.7, '
        'fontname="Noto Sans CJK SC, Noto Sans, sans-serif"];',
        '  "·start" [shape=circle, style=filled, fillcolor="#2f6db3", color="#2f6db3", label="", width=0.18];',
        f'  "·start" -> "{drawn.start}" [penwidth=2.4, color="#2f6db3", weight=20];',
    ]
    for name, kind in drawn.kinds.items():
        shape, fill, line = KINDS[kind]
        style = ', style="filled"' if shape == "diamond" else ""
        lines.append(f'  "{name}" [shape={shape}, fillcolor="{fill}", color="{line}", label=<{_box(name, drawn.lines[name])}>{style}];')
    for arrow in drawn.arrows:
        look = 'penwidth=2.4, color="#2f6db3", fontcolor="#2f6db3", weight=20' if arrow.main else \
            'style=dashed, color="#c2c2bc", fontcolor="#8a8a84", weight=1, constraint=true' if arrow.misses else "weight=4"
        label = arrow.label.replace('"', "'")
        lines.append(f'  "{arrow.start}" -> "{arrow.to}" [label=" {label} ", {look}];')
    for place, (events, to) in enumerate(drawn.anywhere.items()):
        lines.append(f'  "·any{place}" [shape=plain, style="", label=<<i>from anywhere:</i><br/>{_safe(_wrapped(events))}>, '
                     'fontcolor="#55554f", fontsize=9];')
        lines.append(f'  "·any{place}" -> "{to}" [style=dotted, color="#c4473a"];')
    return "\n".join([*lines, "}", ""])


def to_mermaid(drawn: Picture) -> str:
    """Mermaid's flowchart, as GitHub and GitLab show it."""
    number = {name: f"s{place}" for place, name in enumerate(drawn.kinds)}
    lines = ["flowchart TD"]
    for name, kind in drawn.kinds.items():
        text = "<br/>".join([f"<b>{_quoted(name)}</b>", *map(_quoted, drawn.lines[name])])
        open_, close = {"choice": ("{", "}"), "end": ("([", "])"), "flow": ("[[", "]]")}.get(kind, ("[", "]"))
        lines.append(f'  {number[name]}{open_}"{text}"{close}:::{kind}')
    for arrow in drawn.arrows:
        line = "==>" if arrow.main else "-.->" if arrow.misses else "-->"
        label = f'|"{_quoted(arrow.label)}"|' if arrow.label else ""
        lines.append(f"  {number[arrow.start]} {line}{label} {number[arrow.to]}")
    for place, (events, to) in enumerate(drawn.anywhere.items()):
        lines += [f'  any{place}>"from anywhere: {_quoted(events)}"]:::anywhere', f"  any{place} -.-> {number[to]}"]
    lines += [f"  classDef {kind} fill:{fill},stroke:{line},color:#222" for kind, (_, fill, line) in KINDS.items()]
    return "\n".join([*lines, "  classDef anywhere fill:#fff,stroke:#ccc,color:#555", ""])


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


def _lines(state: State, texts: Mapping[str, str]) -> tuple[str, ...]:
    lines = []
    if state.say:
        text = texts.get(state.say[0], state.say[0])
        lines.append(text if len(text) <= SHOWN else f"{text[:SHOWN - 1]}…")
    if state.action or state.run:
        told = f"do {state.action}" if state.action else f"run {state.run}"
        lines.append(f"{told}: {state.argument}" if state.argument else told)
    lines += [f"{name} := {value.text}" for name, value in state.set.items()]
    if state.choose:
        lines.append(f"is {state.choose} given?")
    own = [branch for branch, to in state.next.items() if to == state.name]
    if own:
        lines.append("↺ " + _wrapped(", ".join(own)))
    if state.end:
        lines.append(f"■ {state.end}")
    return tuple(lines)


def _arrows(state: State, main: set[tuple[str, str]]) -> list[Arrow]:
    branches: dict[str, list[str]] = {}
    for branch, to in state.next.items():
        branches.setdefault(to, []).append(branch)
    for choice in state.choices:
        branches.setdefault(choice.then, []).append(choice.when.text if choice.when else "otherwise")
    if state.visits:
        branches.setdefault(state.visits.then, []).append(f"after {state.visits.at_most}×")
    return [Arrow(state.name, to, "" if names == ["done"] else _wrapped(", ".join(names)), (state.name, to) in main,
                  set(names) <= MISSES or names[0].startswith("after "))
            for to, names in branches.items() if to != state.name]


def _wrapped(text: str, width: int = 26) -> str:
    lines = [""]
    for word in text.split(", "):
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines[-1] += ","
            lines.append(word)
        else:
            lines[-1] += f", {word}" if lines[-1] else word
    return "\n".join(lines)


def _box(name: str, lines: tuple[str, ...]) -> str:
    return "<br/>".join([f"<b>{_safe(name)}</b>", *(f'<font point-size="9">{_safe(line)}</font>' for line in lines)])


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br/>")


def _quoted(text: str) -> str:
    return text.replace('"', "'").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
