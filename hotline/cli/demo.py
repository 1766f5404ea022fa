"""`ivr demo`: the main job on this machine, phones included."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from hotline.demo.people import CALLERS, LATER, OWNERS, Cast
from hotline.demo.run import Options, run_demo
from hotline.engine_folder import keep_private
from hotline.errors import CannotRun
from plate_parser.rules import dialable, normalize

DEFAULT_VOICE = "zm_yunxi"
OWNER_VOICE = "zf_xiaoyi"


@click.command()
@click.option("--plate", default="赣KA1234", show_default=True, help="The plate that the caller says.")
@click.option("--voice", default=DEFAULT_VOICE, show_default=True, help="The caller's voice (a Kokoro voice; the recognizer never heard the default).")
@click.option("--owner", type=click.Choice(list(OWNERS)), default="coming", show_default=True, help="What the owner does.")
@click.option("--caller", type=click.Choice(list(CALLERS)), default="ordinary", show_default=True, help="What kind of caller it is.")
@click.option("--later", type=click.Choice(list(LATER)), default=None,
              help="The owner is busy at first and the caller does not wait: they want a call or a text.")
@click.option("--keep", is_flag=True, help="Stay up, print the SIP URI, and let a softphone call in.")
@click.option("--port", default=0, help="The SIP port; any free one unless given (5060 with --keep is handy).")
@click.option("--data", type=click.Path(path_type=Path), default=None, help="Folder for cases, recordings and settings; a new one under var/ unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line last.")
def demo(plate: str, voice: str, owner: str, caller: str, later: str | None, keep: bool, port: int,
         data: Path | None, as_json: bool) -> None:
    """Show the main job: a caller's phone and an owner's phone, separate SIP programs on loopback.

    The caller says a plate, hears it read back and says 对; the bot calls the owner, who answers;
    the caller hears the answer. Texts go to a made-up gateway, which prints them. Exit 0 if the case closed as expected, 1 if not, 2 if it cannot run.

    \b
    Example: ivr demo --plate 赣KA1234 --voice zm_yunxi --owner later
             ivr demo --owner no-answer          the owner gets a text, by a gateway in a process of its own
             ivr demo --later call               the bot calls the caller back
    """
    plate = normalize(plate)
    if not dialable(plate):
        raise CannotRun(f"{plate} is no ordinary or new-energy plate; write one such as 赣KA1234 or 赣KD12345")
    console = Console(file=sys.stderr if as_json else sys.stdout, width=None if sys.stdout.isatty() else 110)
    cast = Cast(plate, caller, owner, later or "")
    keep_private()
    folder = (data or _new_folder()).resolve()
    options = Options(cast, voice, OWNER_VOICE if voice != OWNER_VOICE else DEFAULT_VOICE, folder, keep, port)
    tally = asyncio.run(run_demo(options, console))
    if keep:
        return
    if as_json:
        click.echo(json.dumps(tally.as_json(), ensure_ascii=False))
    expected_outcome, expected_reason = cast.expected
    if (tally.outcome, tally.reason) != (expected_outcome, expected_reason):
        wanted = f"{expected_outcome}{f' ({expected_reason})' if expected_reason else ''}"
        click.echo(f"ivr: the case should have closed as {wanted}, not as {tally.outcome or 'nothing'}", err=True)
        raise SystemExit(1)


def _new_folder() -> Path:
    """A fresh folder under `var/`, so that one demo never meets another's cases."""
    Path("var").mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="demo-", dir="var"))
