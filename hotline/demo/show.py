"""The demo on a terminal: the conversation as it happens, then a summary."""

from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from hotline.cases.casebook import Entry
from hotline.cases.story import story_line
from hotline.demo.tally import Tally


class Show:
    """Prints each entry of a case as it is made."""

    def __init__(self, console: Console):
        self.console = console
        self._start: datetime | None = None

    def entry(self, entry: Entry) -> None:
        if entry.kind == "arrived" or self._start is None:
            self._start = datetime.fromisoformat(entry.at)
        line = story_line(entry.at, entry.side, entry.kind, entry.details, self._start)
        if line is not None:
            self.console.print(line, soft_wrap=True)

    def delivered(self, text: dict[str, str]) -> None:
        """A text that the made-up gateway delivered, as it tells it."""
        self.console.print(f"gateway   text to {text['to']}: “{text['content']}”", style="cyan", highlight=False, soft_wrap=True)

    def summary(self, tally: Tally, folder: Path, database: Path) -> None:
        """What came of it, and where everything is."""
        table = Table(show_header=False, box=None, padding=(0, 2))
        table.add_row("case", tally.case)
        table.add_row("plate", f"{tally.plate}  ({'heard and matched' if tally.matched else 'not matched'})")
        table.add_row("outcome", f"{tally.outcome}{f' ({tally.reason})' if tally.reason else ''}")
        if tally.answer_to_ringing_s is not None:
            table.add_row("owner's phone rang", f"{tally.answer_to_ringing_s:.1f} s after the bot answered")
        table.add_row("whole call", f"{tally.total_s:.1f} s")
        replies = [turn["reply_ms"] for turn in tally.turns if turn["reply_ms"] is not None]
        if replies:
            table.add_row("replies", f"{len(replies)}, after {min(replies)}–{max(replies)} ms")
        for path in sorted(folder.glob(f"{tally.case}-*.wav")):
            whose = "what the owner was told of the caller's words" if path.stem.endswith("-words") else "left: them, right: the bot"
            table.add_row("recording", f"{path}  ({whose})")
        table.add_row("the whole story", f"ivr case show {tally.case} --db {database}")
        self.console.print(Panel(table, title="the case", expand=False))
