"""A case told line by line, for people: who said what, what was heard, what was done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from hotline.storage.store import Case, CaseEvent

SIDE_STYLES = {"caller": "cyan", "owner": "magenta", "desk": "white"}
SIDE_NAMES = {"caller": "caller", "owner": "owner ", "desk": "desk  "}
HIDDEN = {"state", "flow", "did"}
"""Entries for machines; `--json` has them."""


def tell(console: Console, case: Case, events: Sequence[tuple[CaseEvent, Mapping[str, Any]]]) -> None:
    """Print a stored case."""
    start = datetime.fromisoformat(case.opened_at)
    console.print(f"case {case.id}  caller {case.caller or '–'}  plate {case.plate or '–'}  outcome {case.outcome or 'open'}"
                  f"{f' ({case.reason})' if case.reason else ''}  opened {case.opened_at[:19]} UTC")
    for entry, details in events:
        if (line := story_line(entry.at, entry.side, entry.kind, details, start)) is not None:
            console.print(line, soft_wrap=True)


def story_line(at: str, side: str, kind: str, details: Mapping[str, Any], start: datetime) -> Text | None:
    """One entry as a line with its time since `start`; None for entries that people skip."""
    if kind in HIDDEN:
        return None
    seconds = (datetime.fromisoformat(at) - start).total_seconds()
    line = Text(f"{seconds:6.2f} s  ")
    line.append(SIDE_NAMES[side], style=SIDE_STYLES[side])
    line.append("  ")
    line.append(sentence(kind, details))
    return line


def sentence(kind: str, details: Mapping[str, Any]) -> Text:
    """What one entry says."""
    match kind:
        case "said":
            return Text(f"bot    “{details['text']}”", style="green")
        case "heard":
            return _heard(details)
        case "reply":
            return Text(f"       reply after {details['ms']} ms", style="dim")
        case "matched":
            return Text(f"match  {details['how']}: {details['plate']} at {details['probability']:.2f}", style="yellow")
        case "who":
            heard = "; ".join(details["reasons"])
            return Text(f"who    {details['who']}  {details['confidence']:.2f}  ({heard})", style="yellow")
        case "free_speech":
            return Text(f"said   “{details['text']}”", style="blue")
        case "closed":
            reason = f" ({details['reason']})" if details["reason"] else ""
            return Text(f"closed: {details['outcome']}{reason}", style="bold")
    shown = "  ".join(f"{key} {value}" for key, value in details.items() if value not in ("", None))
    return Text(f"{kind.replace('_', ' ')}  {shown}".rstrip())


def _heard(details: Mapping[str, Any]) -> Text:
    if details["how"] != "match":
        what = {"no_input": "(silence)", "no_match": "(nothing that was asked for)", "key": f"key {details['text']}"}
        return Text(f"heard  {what[details['how']]}", style="bold blue")
    probability = details["probability"]
    sure = "" if probability is None else f"  {probability:.2f}"
    line = Text(f"heard  “{details['text']}” → {details['value']}{sure}", style="bold blue")
    if details.get("interrupted"):
        line.append("  (over the prompt)", style="dim")
    return line
