"""The pictures of a hearing report as inline SVG: confusion matrix, reliability, right by place."""

import math
from html import escape
from typing import Any

from asr.measure.figures import NOTHING
from hotline.bench.confusions import characters

CELL, EDGE = 16, 26
INK, GRID, RIGHT, WRONG, BAR = "#222", "#ddd", "70,130,90", "200,60,40", "#5b84b1"
SIDE, MARGIN = 320, 44


def confusion_picture(table: dict[str, dict[str, int]]) -> str:
    """Rows: said; columns: heard; the darker, the larger the share of the row. Green is right."""
    signs = characters(table)
    if not signs:
        return ""
    size = EDGE + CELL * len(signs)
    parts = []
    for number, sign in enumerate(signs):
        middle = EDGE + CELL * number + CELL / 2
        parts.append(_text(middle, EDGE - 8, sign) + _text(EDGE - 12, middle + 4, sign))
        parts.append(_line(EDGE, EDGE + CELL * number, size, EDGE + CELL * number))
        parts.append(_line(EDGE + CELL * number, EDGE, EDGE + CELL * number, size))
    for down, said in enumerate(signs):
        row = table.get(said, {})
        total = sum(row.values())
        for heard, times in row.items():
            colour = RIGHT if heard == said else WRONG
            share = times / total
            what = f"{_named(said)} heard as {_named(heard)}: {times} of {total}"
            parts.append(
                f'<rect x="{EDGE + CELL * signs.index(heard)}" y="{EDGE + CELL * down}" width="{CELL}" height="{CELL}" '
                f'fill="rgba({colour},{0.12 + 0.88 * math.sqrt(share):.2f})"><title>{escape(what)}</title></rect>')
    return _svg(size + 2, size + 2, "Which character was heard as which", parts)


def reliability_picture(bins: list[dict[str, Any]]) -> str:
    """The share that was right over the probability that was said; on the diagonal it is honest."""
    if not bins:
        return ""
    most = max(each["n"] for each in bins)
    parts = _axes("probability that was said", "share that was right")
    parts.append(f'<line x1="{MARGIN}" y1="{SIDE + 10}" x2="{MARGIN + SIDE}" y2="10" stroke="#999" stroke-dasharray="4 4"/>')
    for each in bins:
        left, width = MARGIN + SIDE * each["from"], SIDE * (each["to"] - each["from"])
        height = SIDE * each["right"]
        what = f"said {each['said']:.0%} on average, right {each['right']:.0%}, {each['n']} recordings"
        parts.append(
            f'<rect x="{left + 2:.1f}" y="{10 + SIDE - height:.1f}" width="{width - 4:.1f}" height="{height:.1f}" '
            f'fill="{BAR}" fill-opacity="{0.25 + 0.75 * each["n"] / most:.2f}"><title>{what}</title></rect>')
        parts.append(f'<circle cx="{MARGIN + SIDE * each["said"]:.1f}" cy="{10 + SIDE * (1 - each["right"]):.1f}" r="4" '
                     f'fill="{INK}"><title>{what}</title></circle>')
        parts.append(_text(left + width / 2, SIDE + 6, str(each["n"]), 9))
    return _svg(MARGIN + SIDE + 12, SIDE + MARGIN, "Reliability: how far its probabilities can be trusted", parts)


def place_picture(places: list[dict[str, Any]]) -> str:
    """The share of right characters at each place."""
    if not places:
        return ""
    parts = _axes("place", "share that was right", ticks=False)
    width = SIDE / len(places)
    for number, each in enumerate(places):
        left, height = MARGIN + width * number, SIDE * each["right"]
        what = f"place {each['place']}: {each['right']:.1%} of {each['n']}"
        parts.append(f'<rect x="{left + 3:.1f}" y="{10 + SIDE - height:.1f}" width="{width - 6:.1f}" '
                     f'height="{height:.1f}" fill="{BAR}"><title>{what}</title></rect>')
        parts.append(_text(left + width / 2, SIDE + 25, str(each["place"]), 11))
        parts.append(_text(left + width / 2, max(24, 24 + SIDE - height), f"{each['right']:.0%}", 10))
    return _svg(MARGIN + SIDE + 12, SIDE + MARGIN, "Right by place", parts)


def _named(sign: str) -> str:
    return "nothing" if sign == NOTHING else sign


def _axes(across: str, up: str, ticks: bool = True) -> list[str]:
    parts = []
    for tenth in range(0, 11, 2):
        y, x = 10 + SIDE * (1 - tenth / 10), MARGIN + SIDE * tenth / 10
        parts.append(_line(MARGIN, y, MARGIN + SIDE, y) + _text(MARGIN - 14, y + 4, f"{tenth * 10}", 10))
        if ticks:
            parts.append(_text(x, SIDE + 25, f"{tenth * 10}", 10))
    parts.append(_text(MARGIN + SIDE / 2, SIDE + 40, f"{across}, %" if ticks else across, 11))
    middle = 10 + SIDE / 2
    parts.append(f'<g transform="rotate(-90 10 {middle})">{_text(10, middle, f"{up}, %", 11)}</g>')
    return parts


def _svg(width: float, height: float, title: str, parts: list[str]) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">{"".join(parts)}</svg>')


def _text(x: float, y: float, words: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="middle" fill="{INK}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{GRID}"/>'
