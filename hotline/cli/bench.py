"""`ivr bench`: the figures of the docs, on your own machine."""

import asyncio
import json
import tempfile
from pathlib import Path

import click
from rich.progress import Progress

from hotline.bench import ReadBack, by_voice, read_backs


@click.group()
def bench() -> None:
    """Measure on this machine."""


@bench.command("read-back")
@click.option("--plates", default=40, show_default=True, help="How many plates are spoken.")
@click.option("--seed", default=1123, show_default=True, help="Which plates.")
@click.option("--json", "as_json", is_flag=True, help='{"plates", "right", "by_voice"}')
def read_back(plates: int, seed: int, as_json: bool) -> None:
    """How often the first plate read back is right.

    Registered plates (3,000 made-up owners, sealed) are spoken in eight synthetic voices that the
    recognizer was never trained on, at 8 kHz; each is heard and matched once.

    \b
    Example: ivr bench read-back --plates 80
    """
    results = asyncio.run(_measure(plates, seed, quiet=as_json))
    right, voices = sum(result.right for result in results), by_voice(results)
    if as_json:
        click.echo(json.dumps({"plates": len(results), "right": right, "by_voice": voices}))
        return
    for result in results:
        if not result.right:
            click.echo(f"  {result.voice}: said {result.plate}, read back {result.read or 'nothing'}")
    click.echo(", ".join(f"{voice} {good}/{count}" for voice, (good, count) in voices.items()))
    click.echo(f"{right} of {len(results)} right at the first read-back (synthetic voices never trained on)")


async def _measure(plates: int, seed: int, quiet: bool) -> list[ReadBack]:
    with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder, Progress(disable=quiet, transient=True) as progress:
        bar = progress.add_task("hearing plates", total=plates)
        results = []
        async for result in read_backs(plates, seed, Path(folder)):
            results.append(result)
            progress.advance(bar)
        return results
