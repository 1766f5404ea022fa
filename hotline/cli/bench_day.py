"""`ivr bench day`."""

import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hotline.bench.day.figures import figures, told
from hotline.bench.day.live import lived

FLOWS = Path(__file__).resolve().parents[2] / "flows"


@click.command("day")
@click.option("--requests", "count", type=click.IntRange(1, 10_000), default=40, show_default=True, help="How many; 200 take a quarter of an hour on two cores.")
@click.option("--owners", type=click.IntRange(10, 2_000_000), default=1_000_000, show_default=True, help="Registered cars, four fifths of one city.")
@click.option("--flows", type=click.Path(path_type=Path, exists=True, file_okay=False), default=FLOWS, help="Other flows than the shipped ones.")
@click.option("--seed", default=1, show_default=True, help="Which requests.")
@click.option("--jobs", type=click.IntRange(1, 64), default=os.cpu_count() or 1, help="Processes; one for each core unless given.")
@click.option("--each", is_flag=True, help="Also a line for each request that took a person or more than a minute.")
@click.option("--json", "as_json", is_flag=True,
              help='{"requests", "by_itself": [share, low, high], "ordinary", "call_s", "under_a_minute", "wrong_owner_called", …}')
def day(count: int, owners: int, flows: Path, seed: int, jobs: int, each: bool, as_json: bool) -> None:
    """How many of a day's requests end without a person, and in what time.

    Whole requests on virtual time through the true flows, recognizer, register and queue: callers who say their plate in
    their own way, half of them in a street, answer what they are asked and correct what is wrong; owners who come,
    refuse, do not answer … A few callers ask for a person or have a car that nobody registered. Voices are synthetic;
    the recognizer was never trained on them. Who calls is made up (hotline/bench/day/requests.py).

    \b
    Example: ivr bench day --requests 200
    """
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as bars:
        bar = bars.add_task("requests", total=count)
        results = []
        for result in lived(count, owners, flows, seed, jobs):
            results.append(result)
            bars.advance(bar)
    report = figures(results)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    if each:
        for result in results:
            if not result.by_itself or result.call_s >= 60:
                cast = result.request.cast
                click.echo(f"  {result.request.number} {result.request.caller.voice}: {cast.plate}, {cast.caller}, owner {cast.owner}: "
                           f"{result.outcome} {result.reason} after {result.call_s:.0f} s; plate said {result.sayings} times, "
                           f"read back first {result.first_read or '–'}")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for line in told(report):
        table.add_row(*line)
    Console().print(table)
