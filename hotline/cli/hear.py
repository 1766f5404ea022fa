"""`ivr hear`: what was said in a recording."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from asr.grammars.grammar import Grammar
from asr.hear import Recording, read_recording
from asr.hear import hear as hear_recording
from asr.measure.engine import recognizer_of
from asr.recognizer import AsrError, Result
from hotline.cli.number import Number


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--grammar", default="plate", show_default=True, help="What can be said: a file of flows/grammars.")
@click.option("--model", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Another recognizer: a Vosk or sherpa-onnx model's folder.")
@click.option("--best", default=5, show_default=True, type=click.IntRange(1), help="How many hypotheses are shown.")
@click.option("--from", "start_s", default=0.0, type=Number(0), metavar="SECONDS", help="Listen from here on.")
@click.option("--json", "as_json", is_flag=True,
              help='{"file", "hypotheses": [{"text", "value", "probability", "complete"}], "rejected", "seconds", "notes"}; '
                   'a list of them for several files. What cannot be heard has "file" and "error".')
def hear(files: tuple[Path, ...], grammar: str, model: Path | None, best: int, start_s: float, as_json: bool) -> None:
    """Say what was said in FILES: WAV, FLAC, Ogg, AIFF, .alaw or .ulaw, at any rate.

    Each is heard as a telephone would carry it (8 kHz mono). A turn is 25 s at most, so the first
    25 s of a longer recording are heard, or the 25 s after --from. A file that cannot be heard is
    told in one sentence, the others are heard (exit 2 in the end).

    \b
    Example: ivr hear call.wav --grammar plate
    """
    loaded, recognizer = Grammar.load(grammar), recognizer_of(model)
    heard: list[dict[str, Any]] = []
    console = Console(stderr=True)
    quiet = len(files) < 3 or not console.is_terminal
    for path in track(files, "hearing", console=console, transient=True, disable=quiet):
        try:
            recording = read_recording(path, start_s)
            heard.append(_entry(path, recording, hear_recording(recording, loaded, recognizer), best))
        except AsrError as error:
            click.echo(f"ivr: {error}", err=True)
            heard.append({"file": str(path), "error": str(error)})
    failed = any("error" in entry for entry in heard)
    if as_json:
        click.echo(json.dumps(heard[0] if len(heard) == 1 else heard, ensure_ascii=False))
    else:
        _show([entry for entry in heard if "error" not in entry])
    if failed:
        raise SystemExit(2)


def _entry(path: Path, recording: Recording, result: Result, best: int) -> dict[str, Any]:
    hypotheses = [
        {"text": h.text, "value": h.value, "probability": None if h.probability is None else round(h.probability, 6),
         "complete": h.complete}
        for h in result.hypotheses[:best]
    ]
    return {"file": str(path), "hypotheses": hypotheses, "rejected": result.rejected,
            "seconds": round(recording.seconds, 2), "notes": list(recording.notes)}


def _show(entries: list[dict[str, Any]]) -> None:
    console = Console()
    for entry in entries:
        verdict = "  nothing of this grammar was heard" if entry["rejected"] else ""
        console.print(f"{entry['file']}  {entry['seconds']} s{verdict}", highlight=False, markup=False)
        for note in entry["notes"]:
            console.print(f"  {note}", style="yellow", highlight=False, markup=False)
        table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=True)
        table.add_column(justify="right", no_wrap=True)
        for hypothesis in entry["hypotheses"]:
            probability = "?" if hypothesis["probability"] is None else f"{hypothesis['probability']:.1%}"
            more = "" if hypothesis["complete"] else " …"
            table.add_row(f"  {probability}", hypothesis["value"] + more, hypothesis["text"])
        if entry["hypotheses"]:
            console.print(table)
