"""`ivr replay`: written or recorded conversations through the true hearing and flows, faster than real time."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    track,
)

from hotline.cli.case import config_option, database_option, open_store
from hotline.config import EngineConfig, load_config
from hotline.errors import CannotRun
from hotline.replay.adopt import adopt
from hotline.replay.house import House
from hotline.replay.replay import replay_fixture
from hotline.replay.suite import replay_all, speed
from ivr.replay import sound
from ivr.replay.compare import heard_words
from ivr.replay.fixture import FILE, find, load
from ivr.replay.junit import write_junit
from ivr.replay.page import write_page
from ivr.replay.result import SIDES, Replayed


class PathsOrCommand(click.Group):
    """What is no command's name is for `run`, whose own name is never typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["", *args])


@click.group(cls=PathsOrCommand, add_help_option=False)
def replay() -> None:
    """Replay conversations through the true hearing and flows, faster than real time."""


@replay.command("")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--flows", type=click.Path(path_type=Path, file_okay=False), default=Path("flows"), show_default=True,
              help="The flows, prompts and grammars to replay through.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="So many processes at once.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="F",
              help="Write a page that shows and plays every conversation, failures first.")
@click.option("--keep-speech", is_flag=True,
              help="Keep what is spoken in a folder `spoken` beside the fixtures: the next run needs no voice.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write JUnit XML for CI.")
@click.option("--json", "as_json", is_flag=True,
              help='{"passed", "failed", "speed", "seconds", "fixtures": [{"name", "passed", "outcome", "mismatches", …}]}')
def run(paths: tuple[Path, ...], flows: Path, jobs: int, html: Path | None, keep_speech: bool, junit: Path | None,
        as_json: bool) -> None:
    """Live fixtures through: folders with an expect.yaml, or folders of such folders.

    The caller's and the owner's sound go through the true voice activity detection, recognizer,
    lookups and flows on virtual time: the same result every run. Exit 1 where one is not as expected.
    A case from production becomes a fixture with: ivr replay adopt CASE

    \b
    Example: ivr replay tests/replay/conversations --jobs 2 --html replay.html
             ivr replay tests/replay/conversations/owner-is-busy --json
    """
    folders, began = find(paths), time.monotonic()
    for path in filter(None, (html, junit)):
        _check_writable(path)
    if keep_speech:
        for folder in track(folders, "speaking", console=Console(stderr=True), transient=True):
            sound.keep_speech(load(folder))
    results = _with_bar(folders, flows, jobs)
    seconds = time.monotonic() - began
    if html:
        _written("--html", html, lambda: write_page(html, results))
    if junit:
        _written("--junit", junit, lambda: write_junit(junit, results))
    if as_json:
        click.echo(json.dumps(_summary(results, seconds), ensure_ascii=False))
    else:
        _show(results, seconds, html)
    if not all(each.passed for each in results):
        raise SystemExit(1)


@replay.command("adopt")
@click.argument("case_id", metavar="CASE")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The fixture's folder; var/fixtures/CASE unless given.")
@config_option
@database_option
@click.option("--recordings", type=click.Path(path_type=Path, file_okay=False), help="Where recordings are, if neither beside the --db file nor where the configuration says.")
@click.option("--flows", type=click.Path(path_type=Path, file_okay=False), default=Path("flows"), show_default=True,
              help="The flows that it is replayed through at once.")
@click.option("--owner-audio", is_flag=True, help="Keep the owner's own voice; else another voice says what was heard of it.")
def adopt_case(case_id: str, to: Path | None, config_path: Path, db: str, recordings: Path | None, flows: Path,
               owner_audio: bool) -> None:
    """Make a test of a call that took place: its recording and log become a fixture, masked.

    Telephone numbers are not in it: not the caller's nor the owner's, and where seven digits or more
    are heard another voice says a made-up number. The plate is in it: hand a fixture on with care. It is
    replayed at once: exit 1 where it does not come to what the log says.

    \b
    Example: ivr replay adopt 20260131-081502-9f3a --to tests/replay/adopted/quarrel
             ivr replay adopt 20260131-081502-9f3a --db var/demo-x7k2/cases.db     (of ivr demo)
    """
    folder = to or Path("var/fixtures") / case_id
    with Progress(console=Console(stderr=True), transient=True) as progress, open_store(config_path, db) as store:
        progress.add_task("adopting and replaying", total=None)
        house = House(flows)
        adopted = adopt(store, case_id, recordings or _recordings(config_path, db), folder, house, owner_audio=owner_audio)
        result = replay_fixture(house, load(folder))
    masked = f", {adopted.numbers_masked} spoken numbers replaced" if adopted.numbers_masked else ""
    click.echo(f"{folder / FILE} is written{masked}: look through it, then: ivr replay {folder}")
    if result.passed:
        click.echo(f"replayed, it comes to what the case came to: {result.outcome}")
        return
    click.echo("replayed, it does not come to what the case came to:")
    for mismatch in result.mismatches:
        click.echo(f"    {mismatch}")
    raise SystemExit(1)


def _recordings(config_path: Path, db: str) -> Path:
    """The folder beside the database that was named, where there is one: a demo's; else the configured one."""
    beside = Path(db).parent / "recordings"
    if db and beside.is_dir():
        return beside
    return (load_config(config_path) if config_path.exists() else EngineConfig()).recordings


def _with_bar(folders: list[Path], flows: Path, jobs: int) -> list[Replayed]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("replaying", total=len(folders))
        return replay_all(folders, flows, jobs, lambda _: progress.advance(bar))


def _check_writable(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise CannotRun(f"{path} cannot be written: its folder is not there; make it or name another file")


def _written(option: str, path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}); name another file for {option}") from None


def _summary(results: list[Replayed], seconds: float) -> dict[str, Any]:
    passed = sum(each.passed for each in results)
    return {"passed": passed, "failed": len(results) - passed, "speed": round(speed(results), 1),
            "seconds": round(seconds, 2), "fixtures": [_details(each) for each in results]}


def _details(result: Replayed) -> dict[str, Any]:
    return {
        "name": result.name, "folder": result.folder, "passed": result.passed,
        "outcome": result.outcome, "reason": result.reason,
        "call_s": round(result.call_s, 2), "took_s": round(result.took_s, 3), "digest": result.digest,
        "mismatches": [{"where": m.where, "expected": m.wanted, "got": m.got, "ms": m.ms} for m in result.mismatches],
        "heard": {side: [heard_words(event) for event in result.of(side, "heard")] for side in SIDES},
        "prompts": {side: [event.details["prompt"] for event in result.of(side, "said")] for side in SIDES},
        "states": {side: [event.details["name"] for event in result.of(side, "state")] for side in SIDES},
    }


def _show(results: list[Replayed], seconds: float, html: Path | None) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for result in results:
        if not result.passed:
            console.print(f"✗ {result.name}  {result.about}", style="bold red")
            for mismatch in result.mismatches:
                console.print(f"    {mismatch}")
    failed = [result for result in results if not result.passed]
    console.print(f"{len(results) - len(failed)} passed, {len(failed)} failed: "
                  f"{sum(each.call_s for each in results):.0f} s of calls took {seconds:.1f} s, loading included; without it, a second "
                  f"of processor time replays {speed(results):.0f} s of a call", style="red" if failed else "green")
    if html:
        console.print(f"page: {html}")
