"""`ivr flow graph`: a flow as a picture for a browser or for a document."""

import shutil
import subprocess
from pathlib import Path

import click

from hotline.errors import CannotRun
from hotline.flows import ACTIONS
from ivr.flow.diagram import picture
from ivr.flow.drawing import to_dot, to_mermaid
from ivr.flow.load import load_flow
from tts.script import load_script

ENDINGS = {".svg": "svg", ".mmd": "mermaid", ".md": "mermaid", ".dot": "dot", ".gv": "dot"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["svg", "mermaid", "dot"]), default=None,
              help="For a browser, for a document, or Graphviz's own language; unless given, by the file's ending, else svg.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where to write; else standard output.")
@click.option("--full", is_flag=True, help="Every state by itself, and every miss, of a large flow too.")
def graph(file: Path, kind: str | None, out: Path | None, full: bool) -> None:
    """Draw the flow in FILE: SVG that opens in a browser, or Mermaid for a document.

    A large flow is drawn folded: a question with its ladder is one box, and so are ends of one kind.

    \b
    Example: ivr flow graph flows/move_car_inbound.yaml -o inbound.svg
             ivr flow graph flows/city_desk.yaml --format mermaid
    """
    kind = kind or (_kind_of(out) if out else "svg")
    texts = {name: prompt.text for name, prompt in load_script(file.parent / "prompts").prompts.items()}
    persons = frozenset(name for name, spec in ACTIONS.items() if spec.person)
    drawn = picture(load_flow(file), texts, persons, full)
    text = to_mermaid(drawn) if kind == "mermaid" else to_dot(drawn)
    if kind == "svg":
        text = _laid_out(text)
    if out:
        _write(out, text)
        click.echo(f"{out} written; open it with a browser" if kind == "svg" else f"{out} written")
    else:
        click.echo(text, nl=False)


def _kind_of(out: Path) -> str:
    if out.suffix.lower() not in ENDINGS:
        raise CannotRun(f"{out}: a graph is written to {', '.join(ENDINGS)}; name such a file, or say which by --format")
    return ENDINGS[out.suffix.lower()]


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{out} cannot be written ({error.strerror}): name a file in a folder that is there") from None


def _laid_out(dot: str) -> str:
    """Graphviz's SVG. Raises CannotRun where it is not installed."""
    program = shutil.which("dot")
    if not program:
        raise CannotRun("Graphviz is not installed: run setup/install.sh or apt-get install graphviz, "
                        "or take --format mermaid, which needs nothing")
    done = subprocess.run([program, "-Tsvg"], input=dot, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise CannotRun(f"Graphviz could not draw the flow: {done.stderr.strip().splitlines()[0]}")
    return done.stdout
