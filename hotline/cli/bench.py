"""`ivr bench`: the figures of the docs, on your own machine."""

import asyncio
import json
import random
import tempfile
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from asr.line.simulation import LINES, Conditions
from dialer.vault.config import load_vault_config
from hotline.bench.false_plates import measure_false_plates
from hotline.bench.learn_confusions import table_text
from hotline.bench.made_callers import made_callers
from hotline.bench.match import MOST_PLATES, VARIANTS, measure_match
from hotline.bench.page import write_page
from hotline.bench.parse import parse_back
from hotline.bench.policy import ASSUMED, answers_of, callers_of, measure_policy, policy_text
from hotline.bench.read_back import ReadBack, by_voice, read_backs
from hotline.bench.report import HearingTask, heard_all, heard_plates, measure_hearing
from hotline.bench.table import show
from hotline.bench.turn_table import show_turns
from hotline.bench.turns import CALLS_A_BARGE_IN_CALL, ECHO_DELAYS_MS, measure_turns
from hotline.cli.bench_answers import answers
from hotline.cli.bench_day import day
from hotline.cli.number import Number
from hotline.errors import CannotRun
from plate_parser.match import Thresholds

PROBLEMS_SHOWN = 20
PARSE_SHOWN = 20
PARSED_BACK = 0.999
"""Share of spoken forms that ought to parse back to their plate."""


@click.group()
def bench() -> None:
    """Measure on this machine: how well plates are heard and matched, and how fast replies come.

    \b
    Example: ivr bench turns --calls 24
             ivr bench match --plates 1000000
    """


bench.add_command(answers)
bench.add_command(day)


@bench.command("hear")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True))
@click.option("--grammar", default="plate", show_default=True, help="What is listened for where a row names no grammar.")
@click.option("--line", type=click.Choice(LINES), default="clean", show_default=True, help="The telephone line in between.")
@click.option("--noise", type=Number(-20, 80), metavar="DB", help="Street noise so many dB below the speech.")
@click.option("--loss", type=Number(0, 90), default=0.0, metavar="PERCENT", help="Packets that are lost, and concealed.")
@click.option("--register", type=click.IntRange(0, 5_000_000), metavar="N",
              help="Match plates with a register of the set's own and N made-up ones, too.")
@click.option("--model", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Another recognizer: a Vosk or sherpa-onnx model's folder.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="So many rows, taken evenly over the set.")
@click.option("--results", type=click.Path(path_type=Path, dir_okay=False),
              help="Where each result is kept, so that an interrupted run goes on; a file under var/bench unless given.")
@click.option("--afresh", is_flag=True, help="Hear everything again, whatever was kept.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="F", help="Write a page with pictures.")
@click.option("--json", "json_to", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False), is_flag=False,
              flag_value="-", metavar="[F]",
              help='Write {"files", "speakers", "top1", "top5", "char_accuracy", "ece", "rtf", "peak_mb", "by_speaker", …} '
                   "to F, or to standard output where no F follows.")
def hear(folder: Path, grammar: str, line: str, noise: float | None, loss: float, register: int | None,
         model: Path | None, limit: int | None, results: Path | None, afresh: bool, html: Path | None, json_to: Path | None) -> None:
    """How well recordings of people are heard.

    DIR has one or more .tsv files (tabs, UTF-8) whose first line names the columns: `file` (beside the
    TSV, or in a .tar of the TSV's name), `speaker`, and `plate` or `text` for what was said, or `value`
    for what it means to the grammar (yes); `grammar` may name another grammar for a row. Rows whose text
    the grammar does not have, word for word, ought to be rejected. Rows that cannot be used are listed.

    \b
    Example: ivr bench hear recordings/ --line alaw --noise 10 --html report.html
             ivr bench hear recordings/ --register 300000 --json figures.json
    """
    task = HearingTask(folder, Conditions(line, noise, loss / 100), grammar, limit, register, results, afresh, model)
    report = measure_hearing(task, Console(stderr=True))
    if html:
        write_page(html, report)
    if json_to:
        _write_json(json_to, report)
    if json_to is None or str(json_to) != "-":
        _show(report, html)


def _write_json(path: Path, report: dict) -> None:
    text = json.dumps(report, ensure_ascii=False)
    if str(path) == "-":
        click.echo(text)
        return
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}); name another file for --json") from None


def _show(report: dict, html: Path | None) -> None:
    console = Console()
    show(report, console)
    for problem in report["problems"][:PROBLEMS_SHOWN]:
        console.print(f"not used: {problem}", style="yellow", highlight=False, markup=False)
    if more := len(report["problems"]) - PROBLEMS_SHOWN:
        console.print(f"not used: {more} more rows", style="yellow") if more > 0 else None
    console.print(f"results kept in {report['results']} ({report['results_known']} of them were there)",
                  style="dim", highlight=False, markup=False, soft_wrap=True)
    if html:
        console.print(f"page with pictures: {html}", highlight=False, markup=False, soft_wrap=True)


@bench.command("false-plates")
@click.argument("recordings", metavar="DIR|FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--grammar", default="plate", show_default=True, help="What is listened for.")
@click.option("--line", type=click.Choice(LINES), default="alaw", show_default=True, help="The telephone line in between.")
@click.option("--json", "as_json", is_flag=True, help='{"minutes", "turns", "taken", "sure", "share", "by_file", "not_used"}')
def false_plates(recordings: tuple[Path, ...], grammar: str, line: str, as_json: bool) -> None:
    """How often recordings without a plate are taken for one.

    Each recording (at most an hour of it) is cut into turns as in a call; a turn that is not rejected
    counts. Give other people's talk, music on hold, the street: whatever callers' telephones pick up.

    \b
    Example: ivr bench false-plates others/ music.ogg
    """
    with Progress(console=Console(stderr=True), transient=True) as progress:
        report = measure_false_plates(recordings, grammar, line, progress)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    for name, row in report["by_file"].items():
        click.echo(f"{name}: {row['minutes']} min, {row['turns']} turns, {row['taken']} taken for a plate")
    for problem in report["not_used"]:
        click.echo(f"not used: {problem}")
    click.echo(f"{report['minutes']} min, {report['turns']} turns: {report['taken']} taken for a plate ({report['share']:.1%}), "
               f"{report['sure']} of them surely")


@bench.command("read-back")
@click.option("--plates", default=40, show_default=True, help="How many plates are spoken.")
@click.option("--seed", default=1123, show_default=True, help="Which plates.")
@click.option("--json", "as_json", is_flag=True, help='{"plates", "right", "again", "by_voice"}')
def read_back(plates: int, seed: int, as_json: bool) -> None:
    """How often the plate that was said once is read back right, and how often it is asked for again.

    Registered plates (3,000 made-up owners, sealed) are spoken in eight synthetic voices that the
    recognizer was never trained on, at 8 kHz; each is heard and matched once.

    \b
    Example: ivr bench read-back --plates 80
    """
    results = asyncio.run(_measure(plates, seed, quiet=as_json))
    right, voices = sum(result.right for result in results), by_voice(results)
    again = sum(not result.read for result in results)
    if as_json:
        click.echo(json.dumps({"plates": len(results), "right": right, "again": again, "by_voice": voices}))
        return
    for result in results:
        if not result.right:
            click.echo(f"  {result.voice}: said {result.plate}, {f'read back {result.read}' if result.read else 'asked for again'}")
    click.echo(", ".join(f"{voice} {good}/{count}" for voice, (good, count) in voices.items()))
    click.echo(f"{right} of {len(results)} read back right after they were said once, {again} asked for again, "
               f"{len(results) - right - again} wrong (synthetic voices never trained on)")


async def _measure(plates: int, seed: int, quiet: bool) -> list[ReadBack]:
    with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder, Progress(disable=quiet, transient=True) as progress:
        bar = progress.add_task("hearing plates", total=plates)
        results = []
        async for result in read_backs(plates, seed, Path(folder)):
            results.append(result)
            progress.advance(bar)
        return results


@bench.command("parse")
@click.option("--forms", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="How many spoken forms.")
@click.option("--seed", default=1123, show_default=True, help="Which forms.")
@click.option("--json", "as_json", is_flag=True, help='{"forms", "right", "share", "missed": [{"text", "plate", "found"}]}')
def parse(forms: int, seed: int, as_json: bool) -> None:
    """How many spoken forms of plates parse back to their plate. Exit 1 under 99.9 %.

    The forms are made by the grammar that callers are heard with (flows/grammars/plate.yaml).

    \b
    Example: ivr bench parse --forms 10000
    """
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
        bar = progress.add_task("parsing", total=forms)
        missed = parse_back(forms, seed, lambda done: progress.update(bar, completed=done))
    share = 1 - len(missed) / forms
    if as_json:
        click.echo(json.dumps({"forms": forms, "right": forms - len(missed), "share": round(share, 6),
                               "missed": [asdict(miss) for miss in missed]}, ensure_ascii=False))
    else:
        for miss in missed[:PARSE_SHOWN]:
            click.echo(f"  {miss.plate} said as {miss.text}: {miss.found or 'no plate'}")
        if len(missed) > PARSE_SHOWN:
            click.echo(f"  and {len(missed) - PARSE_SHOWN} more (--json lists all)")
        click.echo(f"{forms - len(missed)} of {forms} parse back to their plate ({share:.3%})")
    if share < PARSED_BACK:
        raise SystemExit(1)


@bench.command("policy")
@click.argument("folder", metavar="DIR|TSV", type=click.Path(path_type=Path, exists=True))
@click.option("--line", type=click.Choice(LINES), default="alaw", show_default=True, help="The telephone line in between.")
@click.option("--register", type=click.IntRange(1, 10_000_000), default=1_000_000, show_default=True, help="How many plates each made-up register has.")
@click.option("--registers", type=click.IntRange(1, 100), help="How many registers are made up: 3 unless given, 1 with --simulate.")
@click.option("--simulate", type=click.IntRange(1, 1_000_000), metavar="N",
              help="N callers made of the recorded ones: each character of a made-up plate is heard as a recording of it was.")
@click.option("--voices", metavar="A,B,…", help="Only these speakers: tune on some, report on others.")
@click.option("--answers", "answered", type=click.Path(path_type=Path, exists=True), metavar="DIR|TSV",
              help="Recorded answers to which of two characters it is (python -m asr.training.which_answers); unless given, three of 100 are misunderstood.")
@click.option("--slip", type=Number(0, 1), default=0.005, show_default=True, help="How often a caller says 对 to a wrong plate.")
@click.option("--vault", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="A vault.toml whose thresholds are used.")
@click.option("--seed", default=1123, show_default=True, help="Which registers and slips.")
@click.option("--results", type=click.Path(path_type=Path, dir_okay=False), help="Where what was heard is kept, as for bench hear.")
@click.option("--json", "as_json", is_flag=True, help='{"right", "right_first", "said_once", "person", "wrong_read_back", "wrong_offered", '
              '"wrong_called", "stranger_offered", …}')
def policy(folder: Path, line: str, register: int, registers: int | None, simulate: int | None, voices: str | None, answered: Path | None, slip: float,
           vault: Path | None, seed: int, results: Path | None, as_json: bool) -> None:
    """How often whole dialogues end at the right owner, with the recognizer's real mistakes.

    DIR is a set as for `ivr bench hear` in which each speaker says a plate two times or more, such as
    `python -m asr.training.callers --out DIR` makes. Each is heard (once: results are kept), and calls are
    simulated over made-up registers: with the caller's plate in it, and as a stranger.

    \b
    Example: ivr bench policy callers/ --voices zf_xiaoyi,zm_yunxi
             ivr bench policy callers/ --voices zf_xiaoyi,zm_yunxi --simulate 20000
    """
    task = HearingTask(folder, Conditions(line, None, 0.0), results=results)
    callers = callers_of(heard_plates(task, Console(stderr=True)))
    spoken = heard_all(replace(task, folder=answered), Console(stderr=True)) if answered else []
    if voices:
        callers = [caller for caller in callers if caller.voice in voices.split(",")]
        spoken = [outcome for outcome in spoken if outcome.row.clip.speaker in voices.split(",")]
    answers = answers_of(spoken) or ASSUMED
    if not callers:
        raise CannotRun("nobody in the set says a plate twice: make one with python -m asr.training.callers, or leave out --voices")
    thresholds = load_vault_config(vault).thresholds if vault else Thresholds()
    registers = registers or (1 if simulate else 3)
    if simulate:
        callers = list(made_callers(callers, simulate, random.Random(seed)))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("simulating calls", total=len(callers) * registers)
        figures = measure_policy(callers, register, thresholds, slip=slip, registers=registers, seed=seed, answers=answers,
                                 advance=lambda: progress.advance(bar))
    click.echo(json.dumps(figures, ensure_ascii=False) if as_json else policy_text(figures))


@bench.command("confusions")
@click.argument("folder", metavar="DIR|TSV", type=click.Path(path_type=Path, exists=True))
@click.option("--voices", required=True, metavar="A,B,…", help="Learn from these speakers only: others are left to measure with.")
@click.option("--line", type=click.Choice(LINES), default="alaw", show_default=True, help="The telephone line in between.")
@click.option("--results", type=click.Path(path_type=Path, dir_okay=False), help="Where what was heard is kept, as for bench hear.")
def confusions(folder: Path, voices: str, line: str, results: Path | None) -> None:
    """Which characters are taken for which, learned from recordings of plates.

    Prints a table in TOML, for the end of plate_parser/data/confusions.toml, in place of the pairs there.

    \b
    Example: ivr bench confusions recordings/ --voices anna,bert >pairs.toml
    """
    outcomes = heard_plates(HearingTask(folder, Conditions(line, None, 0.0), results=results), Console(stderr=True))
    click.echo(table_text(outcomes, voices.split(","), line, date.today()))


@bench.command("match")
@click.option("--plates", type=click.IntRange(1, MOST_PLATES), default=1_000_000, show_default=True, help="How many owners are in the register.")
@click.option("--rounds", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="How many rounds of 300 likely plates are looked up.")
@click.option("--seed", default=1123, show_default=True, help="Which plates are asked for.")
@click.option("--json", "as_json", is_flag=True,
              help='{"plates", "variants", "rounds", "p50_ms", "p95_ms", "lookups_per_s", "match_p95_ms", "matched", '
                   '"bytes_per_plate", "seal_s", "import_s", "open_s"}')
def match(plates: int, rounds: int, seed: int, as_json: bool) -> None:
    """How soon a round of 300 likely plates is looked up in a sealed register of made-up owners.

    A million plates take under a minute; ten million some minutes and 7 GB of disk.

    \b
    Example: ivr bench match --plates 1000000
    """
    with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder, Progress(console=Console(stderr=True), transient=True) as bars:
        steps: dict[str, int] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in steps:
                steps[step] = bars.add_task(step, total=total)
            bars.update(steps[step], completed=done, total=total)

        figures = measure_match(Path(folder), plates, rounds, seed, tell)
    if as_json:
        click.echo(json.dumps(figures))
        return
    click.echo(f"{figures['plates']} plates, {figures['bytes_per_plate']} bytes each on disk; sealed in {figures['seal_s']} s, "
               f"imported in {figures['import_s']} s, opened in {figures['open_s']} s")
    click.echo(f"a round of {VARIANTS} lookups: p50 {figures['p50_ms']} ms, p95 {figures['p95_ms']} ms; "
               f"a whole match with its audit: p95 {figures['match_p95_ms']} ms")


@bench.command("turns")
@click.option("--calls", type=click.IntRange(1, 400), default=16, show_default=True, help="How many calls; a conversation takes about half a minute.")
@click.option("--only-barge-in", is_flag=True, help="No conversations: calls of seven seconds in which two prompts are spoken over.")
@click.option("--check", is_flag=True, help="Exit 1 where a figure misses its target.")
@click.option("--json", "as_json", is_flag=True, help='{"p50_ms", "p95_ms", "barge_in": {"p50_ms", …}, "coughs", "echo", …}')
def turns(calls: int, only_barge_in: bool, check: bool, as_json: bool) -> None:
    """How soon the bot answers and falls silent, from the packets of real calls.

    A caller's and an owner's telephone, in processes of their own, hold whole 挪车 calls with a hotline on
    this machine, in synthetic voices that the recognizer was never trained on. They cough and speak over
    prompts, send the bot's voice back as an echo, and stamp every packet.

    \b
    Example: ivr bench turns --calls 24 --check
    """
    with Progress(console=Console(stderr=True), transient=True) as progress, tempfile.TemporaryDirectory() as folder:
        held, over = (0, calls) if only_barge_in else (calls, calls // CALLS_A_BARGE_IN_CALL)
        task = progress.add_task("calls", total=held + over + len(ECHO_DELAYS_MS))
        report = asyncio.run(measure_turns(held, Path(folder), lambda: progress.advance(task), barge_in_calls=over))
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        show_turns(report, Console())
    if check and report["missed"]:
        raise SystemExit(1)
