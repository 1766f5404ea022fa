"""The figures of `ivr bench turns` as a table on a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = {"plate": "after a plate", "yes": "after a yes", "owner": "after the owner's answer"}


def show_turns(report: dict[str, Any], console: Console) -> None:
    """Print what was measured, and what misses its target."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("ms, from packet to packet")
    for name in ("n", "p50", "p95", "longest"):
        table.add_column(name, justify="right")
    every = {"n": report["turns"], "p50_ms": report["p50_ms"], "p95_ms": report["p95_ms"], "max_ms": report["max_ms"]}
    rows = [("end of speech to the reply", every)]
    rows += [(f"  {NAMES[name]}", figures) for name, figures in report["by_turn"].items()]
    rows.append(("first sound to the bot's silence", report["barge_in"]))
    for name, figures in rows:
        table.add_row(name, *("–" if figures[each] is None else str(figures[each]) for each in ("n", "p50_ms", "p95_ms", "max_ms")))
    console.print(table)
    coughs, echo = report["coughs"], report["echo"]
    console.print(f"coughs: {coughs['n']}, of which {coughs['paused']} made the bot pause and {coughs['interrupted']} interrupted it\n"
                  f"calls with an echo of {echo['db']} dB and nobody speaking: {echo['calls']}, interrupted {echo['interrupted']}\n"
                  f"calls: {report['calls']}, synthetic voices: {', '.join(report['voices'])}", highlight=False)
    if not_rung := report["owners"]["not_rung"]:
        console.print(f"{not_rung} of {report['owners']['called']} owners were not rung, and so not measured", style="yellow", highlight=False)
    if report["unfinished"]:
        console.print(f"{report['unfinished']} calls had no end", style="yellow", highlight=False)
    for name in report["missed"]:
        console.print(f"missed: {name} is to be at most {report['targets'][name]}", style="yellow", highlight=False)
