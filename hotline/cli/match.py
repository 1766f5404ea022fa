"""`ivr match`: what was said, matched against a list of plates that may be read."""

import json
from pathlib import Path

import click

from hotline.errors import CannotRun
from plate_parser.open_list import OpenListError, read_open_list
from plate_parser.parse import plates_in


@click.command()
@click.option("--list", "list_file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="One plate a line (CSV: the first column).")
@click.option("--home", default="", help="Province, or province and letter, where none is said.")
@click.option("--json", "as_json", is_flag=True, help='{"kind": "match|ask|none", "plate", "probability", "alternatives"}')
@click.argument("text", nargs=-1, required=True)
def match(list_file: Path, home: str, as_json: bool, text: tuple[str, ...]) -> None:
    """Which plate of a list is meant by TEXT, however it is said. For a car park's own list, which is no secret.

    `ask`: one of two may be meant, of which one may not be in the list. Exit 1 if none of the list is meant.

    \b
    Example: ivr match --list residents.csv "赣K三个八，幺两"
    """
    try:
        plates = read_open_list(list_file)
    except OpenListError as error:
        raise CannotRun(str(error)) from None
    heard = [(found.plate, found.probability) for found in plates_in(" ".join(text), home=home)]
    decision = plates.match(heard)
    if as_json:
        click.echo(json.dumps({"kind": decision.kind, "plate": decision.plate, "probability": round(decision.probability, 4),
                               "alternatives": decision.alternatives}, ensure_ascii=False))
    elif decision.kind == "match":
        click.echo(f"{decision.plate}  {decision.probability:.1%}")
    elif decision.kind == "ask":
        click.echo(f"ask: {' or '.join(decision.alternatives)}")
    else:
        click.echo("none of the list" if heard else "no plate in this text", err=True)
    if decision.kind == "none":
        raise SystemExit(1)
