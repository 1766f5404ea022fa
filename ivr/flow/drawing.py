"""A flow's picture in Graphviz's language, for SVG, and in Mermaid's, for documents."""

from collections.abc import Iterator

from ivr.flow.diagram import Arrow, Picture

KINDS = {
    "question": ("box", "#e8f1fb", "#2f6db3"), "speech": ("box", "#f4f4f2", "#8a8a84"),
    "action": ("box", "#fff4dd", "#c98a12"), "choice": ("diamond", "#f3ecfa", "#7b4fa8"),
    "person": ("box", "#fde9e7", "#c4473a"), "end": ("box", "#e7f5ea", "#3c8d51"),
    "flow": ("box", "#e6f6f6", "#2b8a8a"),
}
"""Shape, fill and line of each kind of state."""
FONT = 'fontname="Noto Sans CJK SC, Noto Sans, sans-serif"'
LIFT = '<font point-size="13"> </font>'
MAIN = 'penwidth=2.4, color="#2f6db3", fontcolor="#2f6db3", weight=20'
MISS = 'style=dashed, color="#c2c2bc", fontcolor="#8a8a84", weight=1'


def to_dot(drawn: Picture) -> str:
    """Graphviz's language; a section is a pale field with its title."""
    lines = [
        f'digraph "{drawn.name}" {{',
        f'  graph [rankdir=TB, nodesep=0.28, ranksep=0.42, bgcolor="white", pad=0.3, splines=true, newrank=true, {FONT}];',
        f'  node [style="filled,rounded", penwidth=1.3, fontsize=11, margin="0.14,0.1", {FONT}];',
        f'  edge [color="#9a9a94", fontcolor="#55554f", fontsize=9, arrowsize=0.7, {FONT}];',
        '  "·start" [shape=circle, style=filled, fillcolor="#2f6db3", color="#2f6db3", label="", width=0.18];',
        f'  "·start" -> "{drawn.start}" [penwidth=2.4, color="#2f6db3", weight=20];',
    ]
    for place, title in enumerate(dict.fromkeys(drawn.sections.values())):
        inside = [_node(name, drawn) for name in drawn.kinds if drawn.sections[name] == title]
        if title:
            lines += [f'  subgraph "cluster{place}" {{', f'  label="{_plain(title)}"; labeljust=l; fontsize=12; fontcolor="#8a8a84";',
                      '  style="filled,rounded"; color="#e4e4df"; fillcolor="#fafaf8"; margin=14;', *inside, "  }"]
        else:
            lines += inside
    lines += [_edge(arrow) for arrow in drawn.arrows]
    for place, (events, to) in enumerate(drawn.anywhere.items()):
        lines.append(f'  "·any{place}" [shape=plain, style="", label=<<i>from anywhere:</i><br/>{_safe(wrapped(events))}>, '
                     'fontcolor="#55554f", fontsize=9];')
        lines.append(f'  "·any{place}" -> "{to}" [style=dotted, color="#c4473a"];')
    return "\n".join([*lines, "}", ""])


def to_mermaid(drawn: Picture) -> str:
    """Mermaid's flowchart, as GitHub and GitLab show it; a class may not be called `end`."""
    number = {name: f"s{place}" for place, name in enumerate(drawn.kinds)}
    lines = ["flowchart TD"]
    for place, title in enumerate(dict.fromkeys(drawn.sections.values())):
        inside = [_mermaid_node(name, number[name], drawn) for name in drawn.kinds if drawn.sections[name] == title]
        lines += [f'  subgraph g{place}["{_quoted(title)}"]', *inside, "  end"] if title else inside
    for arrow in drawn.arrows:
        line = "==>" if arrow.main else "-.->" if arrow.misses else "-->"
        label = f'|"{_quoted(arrow.label)}"|' if arrow.label else ""
        lines.append(f"  {number[arrow.start]} {line}{label} {number[arrow.to]}")
    for place, (events, to) in enumerate(drawn.anywhere.items()):
        lines += [f'  any{place}>"from anywhere: {_quoted(events)}"]:::a_note', f"  any{place} -.-> {number[to]}"]
    lines += [f"  classDef a_{kind} fill:{fill},stroke:{line},color:#222" for kind, (_, fill, line) in KINDS.items()]
    return "\n".join([*lines, "  classDef a_note fill:#fff,stroke:#ccc,color:#555", ""])


def wrapped(text: str, width: int = 26) -> str:
    """Words between commas, on lines of about this many characters."""
    lines = [""]
    for word in text.split(", "):
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines[-1] += ","
            lines.append(word)
        else:
            lines[-1] += f", {word}" if lines[-1] else word
    return "\n".join(lines)


def _node(name: str, drawn: Picture) -> str:
    shape, fill, line = KINDS[drawn.kinds[name]]
    style = ', style="filled"' if shape == "diamond" else ""
    box = "<br/>".join([f"<b>{_safe(name)}</b>", *_small(drawn.lines[name])])
    return f'  "{name}" [shape={shape}, fillcolor="{fill}", color="{line}", label=<{box}>{style}];'


def _small(lines: tuple[str, ...]) -> Iterator[str]:
    """Hanzi are taller than Graphviz thinks: a large space keeps the first line off the name."""
    parts = [part for line in lines for part in wrapped(line).split("\n")]
    for place, part in enumerate(parts):
        yield f'{LIFT if place == 0 else ""}<font point-size="9">{_safe(part)}</font>'


def _edge(arrow: Arrow) -> str:
    look = MAIN if arrow.main else MISS if arrow.misses else "weight=4"
    label = f'label=" {_plain(wrapped(arrow.label))} ", ' if arrow.label else ""
    return f'  "{arrow.start}" -> "{arrow.to}" [{label}{look}];'


def _mermaid_node(name: str, number: str, drawn: Picture) -> str:
    kind = drawn.kinds[name]
    text = "<br/>".join([f"<b>{_quoted(name)}</b>", *map(_quoted, drawn.lines[name])])
    opens, closes = {"choice": ("{", "}"), "end": ("([", "])"), "flow": ("[[", "]]")}.get(kind, ("[", "]"))
    return f'  {number}{opens}"{text}"{closes}:::a_{kind}'


def _plain(text: str) -> str:
    return text.replace('"', "'")


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br/>")


def _quoted(text: str) -> str:
    return text.replace('"', "'").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
