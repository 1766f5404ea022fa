"""`ivr parse`: the plates in a text."""

import json

import click

from plate_parser.parse import plates_in


@click.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help='{"plates": [{"plate", "probability", "class"}]}')
def parse(text: str, as_json: bool) -> None:
    """Find the licence plates in TEXT, however they are said. Exit 1 if there is none.

    \b
    Example: ivr parse "赣K一二三四五"
    """
    found = plates_in(text)
    if as_json:
        plates = [{"plate": p.plate, "probability": round(p.probability, 4), "class": p.plate_class} for p in found]
        click.echo(json.dumps({"plates": plates}, ensure_ascii=False))
    for plate in [] if as_json else found:
        click.echo(f"{plate.plate}  {plate.probability:5.1%}  {plate.plate_class}")
    if not found:
        if not as_json:
            click.echo("no plate in this text", err=True)
        raise SystemExit(1)
