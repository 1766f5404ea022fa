"""`ivr hear`: what was said in a recording."""

import json
from pathlib import Path

import click

from asr.hear import hear_file


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--grammar", default="plate", show_default=True, help="What can be said: a file of flows/grammars.")
@click.option("--best", default=5, show_default=True, help="How many hypotheses are shown.")
@click.option("--json", "as_json", is_flag=True, help='One line a file: {"file", "hypotheses", "rejected"}')
def hear(files: tuple[Path, ...], grammar: str, best: int, as_json: bool) -> None:
    """Say what was said in FILES (WAV, FLAC, Ogg, A-law; any rate).

    \b
    Example: ivr hear call.wav --grammar plate
    """
    for path in files:
        result = hear_file(path, grammar)
        shown = result.hypotheses[:best]
        if as_json:
            hypotheses = [{"text": h.text, "value": h.value, "probability": h.probability} for h in shown]
            line = {"file": str(path), "hypotheses": hypotheses, "rejected": result.rejected}
            click.echo(json.dumps(line, ensure_ascii=False))
            continue
        click.echo(f"{path}{'  (nothing of this grammar was heard)' if result.rejected else ''}")
        for hypothesis in shown:
            probability = "    ?" if hypothesis.probability is None else f"{hypothesis.probability:5.1%}"
            click.echo(f"  {probability}  {hypothesis.value}  {hypothesis.text}")
