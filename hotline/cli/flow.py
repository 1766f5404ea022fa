"""`ivr flow`: check call flows before a caller meets their mistakes."""

from pathlib import Path

import click

from hotline.flows import flow_problems
from ivr.flow.load import load_flow
from ivr.flow.source import FlowError
from tts.prompts import PromptLibrary


@click.group()
def flow() -> None:
    """Work on call flows."""


@flow.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Report every problem in FILES as file:line:column. Exit 1 if there is one.

    \b
    Example: ivr flow check flows/move_car_*.yaml
    """
    count = 0
    for path in files:
        for problem in _problems(path):
            click.echo(str(problem))
            count += 1
    if count:
        raise SystemExit(1)
    click.echo(f"{len(files)} flow{'s' if len(files) > 1 else ''}: no problem found")


def _problems(path: Path) -> list[FlowError]:
    try:
        loaded = load_flow(path)
    except FlowError as error:
        return [error]
    return flow_problems(loaded, path.parent, PromptLibrary.load(path.parent / "prompts"))
