"""`ivr bench answers`: how well persons, machines and networks are told apart."""

import json

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hotline.bench.answers.clips import PARTS
from hotline.bench.answers.measure import measure_answers


@click.command("answers")
@click.option("--part", type=click.Choice(PARTS), default=PARTS[-1], show_default=True,
              help="Rules were chosen on `tune` and `seen`; the misses of all but the last measurement were read.")
@click.option("--seed", default=1, show_default=True, help="Which noise, lines and pauses.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="About so many clips, taken evenly.")
@click.option("--json", "as_json", is_flag=True,
              help='{"clips", "right", "accuracy", "interval", "persons", "persons_stopped", "confusion", "median_ms", '
                   '"slowest_ms", "by_voice", "wrong", …}')
def answers(part: str, seed: int, limit: int | None, as_json: bool) -> None:
    """Who answered: person, voicemail, announcement, music, tone, fax, assistant.

    Some hundreds of made clips over a simulated telephone line, in voices kept for this, each through
    the judge that calls to owners have. The first run speaks the sentences, which takes some minutes.

    \b
    Example: ivr bench answers --json
    """
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("listening", total=None)

        def advance(total: int) -> None:
            progress.update(bar, total=total) if total else progress.advance(bar)

        report = measure_answers(part, seed, advance, limit)
    click.echo(json.dumps(report, ensure_ascii=False)) if as_json else _show(report)


def _show(report: dict) -> None:
    console = Console()
    low, high = report["interval"]
    console.print(f"{report['right']} of {report['clips']} right: {report['accuracy']:.1%} (95 %: {low:.1%} to {high:.1%}), synthetic voices")
    console.print(f"persons taken for a machine: {report['persons_stopped']} of {report['persons']}")
    table = Table("is", "taken for", "median s", "slowest s")
    for kind, row in report["confusion"].items():
        heard = ", ".join(f"{name} {many}" for name, many in sorted(row.items(), key=lambda each: -each[1]))
        times = [report[name].get(kind) for name in ("median_ms", "slowest_ms")]
        table.add_row(kind, heard, *(f"{ms / 1000:.1f}" if ms is not None else "–" for ms in times))
    console.print(table)
    for each in report["wrong"]:
        console.print(f"  {each['is']} → {each['taken_for']}: {each['text'] or 'no words'} ({each['voice'] or each['clip']})",
                      highlight=False, markup=False)
