"""`ivr flow`: check call flows before a caller meets their mistakes, and talk to them by typing."""

from pathlib import Path

import click

from hotline.cli.flow_graph import graph
from hotline.cli.flow_run import run
from hotline.cli.flow_schema import schema
from hotline.flows import house_of, led_above
from ivr.flow.check import House, problems
from ivr.flow.load import load_flow
from ivr.flow.source import FlowError
from tts.script import load_script


@click.group()
def flow() -> None:
    """Work on call flows: docs/flows.md teaches how to write one.

    \b
    Example: ivr flow check flows/city_desk.yaml
             ivr flow run flows/city_desk.yaml
    """


flow.add_command(run)
flow.add_command(graph)
flow.add_command(schema)


@flow.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Report every problem in FILES as file:line:column. Exit 1 if there is one.

    \b
    Example: ivr flow check flows/move_car_*.yaml
    """
    houses: dict[Path, House] = {}
    count = 0
    for path in files:
        for problem in _problems(path, houses):
            click.echo(str(problem))
            count += 1
    if count:
        raise SystemExit(1)
    click.echo(f"{len(files)} flow{'s' if len(files) > 1 else ''}: no problem found")


def _problems(path: Path, houses: dict[Path, House]) -> list[FlowError]:
    """`houses`: what flows may name, by folder; each is read once."""
    try:
        loaded = load_flow(path)
    except FlowError as error:
        return [error]
    if path.parent not in houses:
        houses[path.parent] = house_of(path.parent, load_script(path.parent / "prompts"))
    return problems(loaded, houses[path.parent], led_above(path))
