"""`ivr case`: the cases and their stories."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from hotline.config import EngineConfig, load_config
from hotline.errors import CannotRun
from hotline.store import Store
from hotline.story import tell

config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=Path("ivr.toml"), show_default=True,
    help="Where the database is; without the file, ./var/cases.db is read.",
)
database_option = click.option("--db", default="", help="SQLAlchemy URL or SQLite file of another database.")


@click.group()
def case() -> None:
    """Look at cases: `ivr case list`, `ivr case show ID`."""


@case.command("list")
@config_option
@database_option
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
def list_cases(config_path: Path, db: str, limit: int) -> None:
    """The newest cases."""
    table = Table(Column("case", no_wrap=True), "opened (UTC)", "caller", "plate", "outcome", "why")
    with open_store(config_path, db) as store:
        for row in store.cases(limit):
            table.add_row(row.id, row.opened_at[:19], row.caller, row.plate, row.outcome or "open", row.reason)
    Console().print(table)


@case.command()
@click.argument("case_id")
@config_option
@database_option
@click.option("--json", "as_json", is_flag=True, help="The case and its events as one JSON object.")
def show(case_id: str, config_path: Path, db: str, as_json: bool) -> None:
    """Tell one case's story in order.

    \b
    Example: ivr case show 20260131-081502-9f3a
    """
    with open_store(config_path, db) as store:
        row = store.case(case_id)
        if row is None:
            raise CannotRun(f"there is no case {case_id}; see ivr case list")
        events = store.events(case_id)
    if as_json:
        story = {
            "case": row.id, "plate": row.plate, "outcome": row.outcome, "reason": row.reason,
            "events": [{"at": entry.at, "side": entry.side, "kind": entry.kind, **details} for entry, details in events],
        }
        click.echo(json.dumps(story, ensure_ascii=False))
        return
    tell(Console(), row, events)


def open_store(config_path: Path, db: str) -> Store:
    """The case database that the options name. Raises CannotRun where there is none."""
    if db:
        url = db if "://" in db else f"sqlite:///{Path(db).resolve()}"
    else:
        url = (load_config(config_path) if config_path.exists() else EngineConfig()).database
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise CannotRun(f"there is no case database at {url.removeprefix('sqlite:///')}; name it with --config or --db")
    return Store(url).open()
