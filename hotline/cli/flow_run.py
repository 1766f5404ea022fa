"""`ivr flow run`: talk to a flow by typing, or let a script of lines do it."""

import json
import logging
import sys
from collections import deque
from datetime import datetime
from pathlib import Path

import click

from hotline.desk.http_service import HOST
from hotline.errors import CannotRun
from hotline.replay.flow_run import HOLD, Outcome, Situation, run_flow
from plate_parser.rules import dialable

PHONES = ("answers", "busy", "off", "no-answer", "refuses")
QUIET = ("flow", "reply", "chose", "matched", "answered", "seat_called", "ringing")
SPEAKERS = ("owner:", "caller:", f"{HOLD}:")


class ScriptError(Exception):
    """The call does not go as the script says."""


class Script:
    """Lines to be typed: the caller's, `hold: …` while they wait, `owner: …`, and what must be: `in: STATE`,
    `end: OUTCOME`."""

    def __init__(self, name: str, text: str):
        self.name = name
        self._lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)
                       if line.strip() and not line.lstrip().startswith("//")]
        self.end = next((line.partition(":")[2].strip() for _, line in self._lines if line.startswith("end:")), "")
        self._left = deque(entry for entry in self._lines if not entry[1].startswith("end:"))

    def next(self, side: str, state: str) -> str:
        """The line for who is asked now; "" on hold, unless the next line is said there. Raises `ScriptError`."""
        if side == HOLD and not self._is_said_on_hold():
            return ""
        while self._left:
            number, line = self._left.popleft()
            if line.startswith("in:"):
                if line[3:].strip() != state:
                    raise ScriptError(f"{self.name}:{number}: expected the state '{line[3:].strip()}', "
                                      f"but the call is in '{state}'")
                continue
            speaker, _, words = line.partition(":") if line.startswith(SPEAKERS) else ("caller", "", line)
            if speaker != side:
                raise ScriptError(f"{self.name}:{number}: it is the {side}'s turn (state '{state}'), not the {speaker}'s")
            return words.strip()
        raise ScriptError(f"{self.name}: the lines are used up, but in state '{state}' the {side} is asked; "
                          "add a line, or 'hang up'")

    def _is_said_on_hold(self) -> bool:
        """Whether the next line that is typed is said on hold."""
        return next((line.startswith(f"{HOLD}:") for _, line in self._left if not line.startswith("in:")), False)

    def left_over(self) -> str:
        """The first line that nobody asked for, or ""."""
        return next((f"{self.name}:{number}: the call is over, but the script goes on: {line}"
                     for number, line in self._left), "")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--script", "script_file", type=click.File("r"), help="Lines to type instead (- for standard input).")
@click.option("--expect", default="", help="The outcome that the call must have; another one is exit code 1.")
@click.option("--register", "plates", multiple=True, default=("赣KA1234",), show_default=True,
              help="A registered plate; repeatable. 3,000 made-up ones are registered as well.")
@click.option("--owner", type=click.Choice(PHONES), default="answers", show_default=True,
              help="The owner's phone; if it answers you type the owner's part too.")
@click.option("--seat", type=click.Choice(PHONES[:4]), default="answers", show_default=True, help="The seat's phone.")
@click.option("--attempts", type=click.IntRange(1, 10), default=1, show_default=True,
              help="Calls that the request to the owner may take.")
@click.option("--phone", type=click.Choice(["mobile", "landline", "withheld"]), default="withheld", show_default=True,
              help="The caller's: unless withheld they can be called back, and you type their part of that, too.")
@click.option("--texts", is_flag=True, help="Texts can be sent, by a gateway on this machine.")
@click.option("--at", type=click.DateTime(["%Y-%m-%d %H:%M"]), help="When the call begins, for office hours.")
@click.option("--hang-up", "hang_up_in", default="", metavar="STATE", help="The caller hangs up on coming to this state.")
@click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="A value that the flow is given.")
@click.option("--allow-host", "hosts", multiple=True, help="A host that the flow may ask over HTTP; repeatable.")
@click.option("--owner-flow", default="", help="The owner's flow, beside FILE.  [default: move_car_outbound]")
@click.option("--json", "as_json", is_flag=True, help="Only the end, as one JSON object.")
def run(file: Path, script_file, expect: str, plates: tuple[str, ...], owner: str, seat: str, attempts: int, phone: str,
        texts: bool, at: datetime | None, hang_up_in: str, values: tuple[str, ...], hosts: tuple[str, ...], owner_flow: str, as_json: bool) -> None:
    """Talk to the flow in FILE by typing. Prompts are printed, states and values shown; no sound, no SIP.

    Type what is said. Also: #1 or "key 1" (keys), an empty line (silence), ~对 (badly heard), "hang up". In a script
    the owner's lines begin with owner:, and what the caller says while waiting with hold:

    \b
    Example: ivr flow run flows/move_car_inbound.yaml
             echo 办身份证 | ivr flow run flows/city_desk.yaml --at "2026-03-02 10:00" --script - --expect person
    """
    script = Script(script_file.name, _text_of(script_file)) if script_file else None
    show = (lambda *_, **__: None) if as_json else _show
    ask = script.next if script else _ask
    if script and not as_json:
        def ask(side: str, state: str) -> str:
            line = script.next(side, state)
            if line or side != HOLD:
                click.echo(f"{side}> {line}")
            return line
    _require_plates(plates)
    situation = Situation(plates, owner, seat, attempts, phone, texts, at, _given(values), service_hosts=_checked(hosts),
                          hang_up_in=hang_up_in, speaks_on_hold=True)
    expect = expect or (script.end if script else "")
    logging.disable(logging.ERROR)     # what goes wrong is shown as it happens
    try:
        ended = run_flow(file, owner_flow, situation, ask, show, expect)
    except ScriptError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    finally:
        logging.disable(logging.NOTSET)
    _tell(ended, as_json)
    _judge(ended, expect, script.left_over() if script else "")


def _text_of(script_file) -> str:
    try:
        return script_file.read()
    except UnicodeDecodeError:
        raise CannotRun(f"{script_file.name} is not UTF-8 text: save it as UTF-8") from None


def _require_plates(plates: tuple[str, ...]) -> None:
    for plate in plates:
        if not dialable(plate):
            raise CannotRun(f"--register {plate}: that is no plate; write one such as 赣KA1234")


def _given(values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value or value.startswith("="):
            raise CannotRun(f"--value {value}: write NAME=VALUE, such as topic=permits")
    return dict(value.partition("=")[::2] for value in values)


def _checked(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if not HOST.fullmatch(host):
            raise CannotRun(f"--allow-host {host}: write the host alone, or host:port, such as api.city.example")
    return hosts


def _ask(side: str, state: str) -> str:
    try:
        who = "caller, on hold (Enter: says nothing)" if side == HOLD else side
        return click.prompt(click.style(who, bold=True), prompt_suffix="> ", default="", show_default=False, err=True)
    except (EOFError, click.Abort):
        click.echo("(hung up)")
        return "hang up"


def _show(side: str, kind: str, **details) -> None:
    """One line of what happened; the other side's lines are set in."""
    margin = "" if side == "caller" else "        "
    if kind == "state":
        click.secho(f"{margin}[{details['name']}]", fg="blue")
    elif kind == "said":
        click.echo(f"{margin}bot> {details['text']}")
    elif kind == "heard":
        sure = "" if details.get("probability") is None else f" ({details['probability']:.0%})"
        click.secho(f"{margin}     heard: {details['how']} {details.get('value') or details.get('text', '')}{sure}", dim=True)
    elif kind == "did":
        click.secho(f"{margin}     did: {details['action']} → {details['result']}", dim=True)
    elif kind == "values":
        click.secho(f"{margin}     " + ", ".join(f"{name} = {value}" for name, value in details.items()), fg="green")
    elif kind not in QUIET:
        click.secho(f"{margin}     {kind} " + ", ".join(f"{name}: {value}" for name, value in details.items()), dim=True)


def _tell(ended: Outcome, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"outcome": ended.outcome, "state": ended.state, "reason": ended.reason,
                               "values": dict(ended.values), "seconds": ended.seconds}, ensure_ascii=False))
        return
    reason = f", reason: {ended.reason}" if ended.reason else ""
    click.secho(f"end: {ended.outcome} (state {ended.state}{reason}) after {ended.seconds:.0f} s of call time", bold=True)


def _judge(ended: Outcome, expected: str, left_over: str) -> None:
    if left_over:
        click.echo(left_over, err=True)
    if expected and ended.outcome != expected:
        click.echo(f"the call ended as '{ended.outcome}', expected '{expected}'", err=True)
    if left_over or expected and ended.outcome != expected:
        sys.exit(1)
