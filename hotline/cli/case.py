"""`ivr case`: the cases and their stories."""

import json
import sys
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.promises import CallBackPolicy, Promises
from hotline.cases.casebook import LEFT_OPEN, OpenCase
from hotline.cases.story import tell
from hotline.config import EngineConfig, load_config
from hotline.errors import CannotRun
from hotline.storage.database import database_url
from hotline.storage.store import Store

PIPED_WIDTH = 160
"""Columns of a table that no screen bounds."""
config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=Path("ivr.toml"), show_default=True,
    help="Where the database is; without the file, ./var/cases.db is read.",
)
database_option = click.option("--db", default="", help="Another database: an SQLite file, or postgresql://…")


@click.group()
def case() -> None:
    """Look at cases, close those that people work at, and make one an emergency.

    \b
    Example: ivr case list
             ivr case show 20260131-081502-9f3a
    """


@case.command("list")
@config_option
@database_option
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@click.option("--unkept", is_flag=True, help="Only those whose caller was promised word and got none, oldest first.")
def list_cases(config_path: Path, db: str, limit: int, unkept: bool) -> None:
    """The newest cases, and what became of the promise to a caller who did not wait on the line.

    \b
    Example: ivr case list --limit 5
             ivr case list --unkept
    """
    whole = (Column(name, no_wrap=True) for name in ("case", "opened (UTC)", "caller", "plate"))
    table = Table(*whole, "outcome", "why", "promised")
    with open_store(config_path, db) as store:
        promises = Promises(store.engine, CallBackPolicy(), lambda: datetime.now().timestamp())
        rows = [store.case(promise.case_id) for promise in promises.left_unkept()][:limit] if unkept else store.cases(limit)
        for row in filter(None, rows):
            promise = promises.of_case(row.id)
            told = f"a {promise.how}: {promise.state}" if promise else ""
            table.add_row(row.id, row.opened_at[:19], row.caller, row.plate, row.outcome or "open", row.reason, told)
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


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


@case.command()
@click.argument("case_id")
@click.argument("outcome")
@config_option
@database_option
def close(case_id: str, outcome: str, config_path: Path, db: str) -> None:
    """Close a case that a flow opened (do: open_case), with its OUTCOME: what was done about it.

    \b
    Example: ivr case close 20260131-081502-9f3a "lamp mended"
    """
    with open_store(config_path, db) as store:
        row = store.case(case_id)
        if row is None:
            raise CannotRun(f"there is no case {case_id}; see ivr case list")
        if row.outcome:
            raise CannotRun(f"case {case_id} is closed already, as '{row.outcome}'; a case keeps its first outcome")
        if row.channel != LEFT_OPEN:
            raise CannotRun(f"case {case_id} is a call that goes on; it is closed when the call ends")
        OpenCase(store, case_id, []).close(outcome, row.reason)
    click.echo(f"case {case_id} closed as '{outcome}'")


@case.command()
@click.argument("case_id")
@click.option("--yes", is_flag=True, help="Do not ask whether it is one.")
@config_option
@database_option
def emergency(case_id: str, yes: bool, config_path: Path, db: str) -> None:
    """Make a case an emergency: its owner is called in quiet hours too, by the engine that runs.

    
    Example: ivr case emergency 20260131-081502-9f3a
    """
    config = load_config(config_path) if config_path.exists() else EngineConfig()
    with open_store(config_path, db) as store:
        row = store.case(case_id)
        if row is None:
            raise CannotRun(f"there is no case {case_id}; see ivr case list")
        if not yes and not click.confirm(f"Call the owner of {row.plate or 'no plate yet'} now, quiet hours or not?"):
            raise SystemExit(1)
        request = AttemptQueue(store.engine, config.owner_policy, lambda: datetime.now().astimezone()).mark_emergency(case_id)
        if request is None:
            raise CannotRun(f"no call to an owner waits for case {case_id}: put the caller through to a seat")
        OpenCase(store, case_id, []).note("desk", "emergency", confirmed_by="operator")
    click.echo(f"case {case_id} is an emergency; the owner is called as soon as the line allows")


def open_store(config_path: Path, db: str) -> Store:
    """The case database that the options name. Raises CannotRun where there is none."""
    if db:
        url = database_url(db, Path())
    else:
        url = (load_config(config_path) if config_path.exists() else EngineConfig()).database
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise CannotRun(f"there is no case database at {url.database}; name it with --config or --db")
    return Store(url).open()
