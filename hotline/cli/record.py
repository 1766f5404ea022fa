"""`ivr record`: a kit of recordings of a city's own people."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from asr.pool import RecognizerPool
from hotline.errors import CannotRun
from hotline.recorder.headset import microphone, record_by_headset
from hotline.recorder.kit import Kit
from hotline.recorder.prompts import TEXTS, RecorderPrompts
from hotline.recorder.telephone import Telephone, record_by_telephone
from ivr.sip.config import Security, SipConfig, Transport, load_sip_config
from ivr.sip.line import Line
from ivr.sip.supervisor import Supervisor
from plate_parser.rules import dialable, normalize

FLOWS = Path(__file__).resolve().parents[2] / "flows"
SAID = {
    "done": "all plates are recorded",
    "unfinished": "some plates are still to be read",
    "refused": "did not consent: nothing was kept",
    "unclear": "gave no clear consent: nothing was kept",
    "unanswered": "nobody picked up",
}


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--call", "targets", multiple=True, metavar="TARGET",
              help="Call this volunteer: a SIP URI, or a number with --sip; - asks for it. It is never kept. Repeat for more.")
@click.option("--headset", is_flag=True, help="Record at this machine's microphone.")
@click.option("--speaker", metavar="NAME", help="The volunteer's made-up name: a new one, or one who goes on.")
@click.option("--plates", default=20, show_default=True, type=click.IntRange(1, 500), help="How many plates a new volunteer reads.")
@click.option("--home", default="赣K", show_default=True, help="The city that most plates are of.")
@click.option("--shown", is_flag=True, help="Volunteers have the list before them (--sheet): only a beep is played.")
@click.option("--sheet", is_flag=True, help="Print the plates of --speaker, planned if new, and record nothing.")
@click.option("--sip", "sip_conf", type=click.Path(path_type=Path, dir_okay=False), help="A sip.conf whose trunk places the calls.")
@click.option("--forget", metavar="NAME", help="Delete everything of a volunteer who withdraws.")
@click.option("--json", "as_json", is_flag=True, help='{"volunteers": [{"name", "plates", "done"}], "results": [{"name", "outcome"}]}')
def record(folder: Path, targets: tuple[str, ...], headset: bool, speaker: str | None, plates: int, home: str,
           shown: bool, sheet: bool, sip_conf: Path | None, forget: str | None, as_json: bool) -> None:
    """Record volunteers who read made-up plates, into DIR: audio, recordings.tsv, consent.json.

    Each volunteer is asked for consent first, which is recorded; without it nothing is kept. Volunteers
    have made-up names. What was interrupted goes on with --speaker NAME. Without --call or --headset the
    state of DIR is told. Then: ivr bench hear DIR. Exit 1 where a volunteer did not finish.

    \b
    Example: ivr record kit/ --call sip:anna@192.0.2.7 --plates 20
             ivr record kit/ --headset --speaker bailu
    """
    if speaker and len(targets) > 1:
        raise CannotRun("--speaker names one volunteer: call the others without it")
    if headset and targets:
        raise CannotRun("choose one of --call and --headset")
    if not dialable(normalize(home) + "12345"):
        raise CannotRun(f"{home!r} is no city's beginning of a plate: write one such as 赣K")
    if sheet and not speaker:
        raise CannotRun("--sheet needs --speaker NAME, so that the call goes to the same plates")
    console, results = Console(stderr=as_json), []
    with Kit(folder) as kit:
        if forget:
            console.print(f"{kit.forget(forget)} recordings of {forget} are deleted", highlight=False)
        elif sheet:
            volunteer = kit.volunteer(speaker, plates, normalize(home))
            click.echo("\n".join(f"{number:3d}  {plate}" for number, plate in enumerate(volunteer.plates, 1)))
            return
        elif headset:
            microphone()
            volunteer = kit.volunteer(speaker, plates, normalize(home))
            outcome = record_by_headset(kit, volunteer, console.print, click.confirm)
            results.append({"name": volunteer.name, "outcome": outcome})
        elif targets:
            config = _sip(sip_conf)
            numbers = [_number(target, config) for target in targets]
            asyncio.run(_call_all(kit, numbers, (speaker, plates, normalize(home)), shown, config, console, results))
        _tell(kit, results, console, as_json)
    if any(result["outcome"] != "done" for result in results):
        raise SystemExit(1)


def _number(target: str, config: SipConfig) -> str:
    """Whom to call, asked for where `target` is `-`; refused before anything is spoken or started."""
    number = click.prompt("call", hide_input=True) if target == "-" else target
    if config.trunk is None and not number.lower().startswith(("sip:", "sips:")):
        raise CannotRun("a number is called by a trunk: name a sip.conf that has one with --sip, or give a SIP URI")
    return number


async def _call_all(kit: Kit, targets: list[str], wanted: tuple[str | None, int, str], shown: bool,
                    config: SipConfig, console: Console, results: list[dict[str, str]]) -> None:
    """Call one after another; `results` grows as they end."""
    prompts = RecorderPrompts(FLOWS / "prompts")
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("speaking the prompts", total=len(TEXTS))
        await asyncio.to_thread(prompts.speak_all, lambda: progress.advance(bar))
    async with AsyncExitStack() as stack:
        ears = await stack.enter_async_context(RecognizerPool(1, FLOWS / "grammars"))
        line = await stack.enter_async_context(Supervisor(config, name="recorder"))
        refusing = asyncio.create_task(_refuse_callers(line))
        stack.callback(refusing.cancel)
        telephone = Telephone(line, ears, prompts, shown)
        for target in targets:
            volunteer = kit.volunteer(*wanted)
            console.print(f"calling {volunteer.name} …", style="dim", highlight=False)

            def report(kind: str, number: int = 0, plate: str = "", **details: object) -> None:
                if kind in ("reading", "kept", "left"):
                    console.print(f"  {number}/{len(volunteer.plates)}  {plate}  {kind}", highlight=False)
                elif kind == "unanswered":
                    console.print(f"  no call came about: {details['reason']} ({details['code']})", highlight=False, markup=False)

            outcome = await record_by_telephone(telephone, target, kit, volunteer, report)
            results.append({"name": volunteer.name, "outcome": outcome})
            if not wanted[0]:
                kit.drop_unread(volunteer)


async def _refuse_callers(line: Line) -> None:
    async for leg in line.incoming():
        leg.reject(480)


def _sip(path: Path | None) -> SipConfig:
    """A line of its own for calls out: any port, no registration, numbers masked."""
    config = load_sip_config(path) if path else SipConfig(Transport(port=0))
    trunk = config.trunk and replace(config.trunk, register=False)
    security = Security(allowed_peers=config.security.allowed_peers, mask_remote=True)
    return replace(config, trunk=trunk, security=security, seats=()).with_port(0)


def _tell(kit: Kit, results: list[dict[str, str]], console: Console, as_json: bool) -> None:
    volunteers = [{"name": v.name, "plates": len(v.plates), "done": len(v.done)} for v in kit.volunteers.values()]
    if as_json:
        click.echo(json.dumps({"volunteers": volunteers, "results": results}, ensure_ascii=False))
        return
    for result in results:
        console.print(f"{result['name']}: {SAID[result['outcome']]}", highlight=False)
    for each in volunteers:
        more = "" if each["done"] == each["plates"] else f"   go on: --speaker {each['name']}"
        console.print(f"{each['name']}  {each['done']} of {each['plates']} plates{more}", highlight=False)
    if not volunteers:
        console.print(f"nobody is recorded in {kit.folder} yet", highlight=False)
