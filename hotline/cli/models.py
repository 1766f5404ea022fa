"""`ivr models`: the recognizer engines, their models and servers, and whether they hear."""

import asyncio
import json
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import click
from rich.console import Console

from asr.ear.acoustic import ENCODER
from asr.engines.choice import ENGINES, IN_WORKERS, SERVERS, EngineChoice, engine_of
from asr.measure.trial import SAID, Trial, try_engine
from asr.recognizer import AsrError
from hotline.config import EngineConfig, load_config
from hotline.errors import CannotRun
from hotline.named_engines import check_name, record, recorded

PACKAGES = {"vosk": "vosk", "sherpa-onnx": "sherpa-onnx"}
LICENCE_FILES = ("LICENSE*", "LICENCE*", "COPYING*", "README*", "NOTICE*")
LICENCES = ("Apache", "MIT", "GPL", "CC BY", "CC-BY", "BSD", "MPL")
EMBEDDED_FILES = Path(__file__).resolve().parents[2] / "asr" / "models"

config_option = click.option("--config", "config_path", type=click.Path(path_type=Path), default=Path("ivr.toml"),
                             show_default=True, help="The engine's settings; without the file, the defaults.")


@click.group()
def models() -> None:
    """The recognizer engines: which there are, adding one, and whether it hears. See docs/engines.md.

    \b
    Example: ivr models list
             ivr models check
    """


@models.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True,
              help='[{"name", "engine", "where", "size_mb", "licence", "in_use", "trouble"}]')
def list_models(config_path: Path, as_json: bool) -> None:
    """List engines and models, and which is in use. Nothing is loaded or connected to.

    \b
    Example: ivr models list --config ivr.toml
    """
    rows = _rows(_settings(config_path))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        size = f"{row['size_mb']} MB" if row["size_mb"] else ""
        click.echo(f"{'*' if row['in_use'] else ' '} {row['name']:<14} {row['engine']:<12} {size:>7}  "
                   f"{row['licence'] or '':<12} {row['trouble'] or row['where']}")
    click.echo("* in use. Add a model or server: ivr models add NAME DIR-or-URL")


@models.command()
@click.argument("name")
@click.argument("where")
@click.option("--engine", type=click.Choice(ENGINES), help="A server's kind must be said; a model's is seen from its files.")
@click.option("--certificate", type=click.Path(path_type=Path), help="PEM of a wss:// server that no known authority vouches for.")
@click.option("--unchecked", is_flag=True, help="Record it though it cannot be tried now.")
@config_option
def add(name: str, where: str, engine: str | None, certificate: Path | None, unchecked: bool, config_path: Path) -> None:
    """Give the model in a directory, or the server at an address, a NAME for [hearing] engine.

    It is tried first, as by `ivr models check`. Exit 2, and nothing recorded, if it cannot be used.

    \b
    Examples: ivr models add cn-small models/vosk-model-small-cn-0.22
              ivr models add city ws://10.0.0.5:10095 --engine funasr
    """
    config = _settings(config_path)
    check_name(name)
    choice = _chosen(where, engine, certificate)
    choice.check()
    if not unchecked:
        trial = _tried(choice, config)
        click.echo(_told(name, choice, trial))
        if not trial.right:
            click.echo("it is recorded all the same; is it a Chinese model?", err=True)
    record(config.data, name, choice)
    click.echo(f'recorded; use it with these lines in {config_path}:\n[hearing]\nengine = "{name}"')


@models.command()
@click.argument("name", required=False)
@config_option
@click.option("--json", "as_json", is_flag=True,
              help='{"name", "engine", "right", "said", "heard", "text", "ready_ms", "heard_ms", "audio_ms"}')
def check(name: str | None, config_path: Path, as_json: bool) -> None:
    """Load NAME (or the engine in use) or connect to it, and let it hear a short recording of a plate.

    Exit 0 if it heard the plate, 1 if it heard something else, 2 if it cannot be used.

    \b
    Examples: ivr models check
              ivr models check cn-small --json
    """
    config = _settings(config_path)
    choice = replace(config, hearing_engine=name).hearing if name and name != config.hearing_engine else config.hearing
    trial = _tried(choice, config)
    if as_json:
        click.echo(json.dumps({"name": name or config.hearing_engine, "engine": choice.engine, "right": trial.right,
                               "said": SAID, **vars(trial)}, ensure_ascii=False))
    else:
        click.echo(_told(name or config.hearing_engine, choice, trial))
    if not trial.right:
        raise SystemExit(1)


def _tried(choice: EngineChoice, config: EngineConfig) -> Trial:
    grammars = config.flows / "grammars"
    if not grammars.is_dir():
        raise CannotRun(f"{grammars} is not there: set flows in ivr.toml to the folder of flows, "
                        "or go where flows/ is")
    with Console(stderr=True).status(f"trying {choice.engine}, {choice.where}"):
        return asyncio.run(try_engine(choice, grammars))


def _told(name: str, choice: EngineChoice, trial: Trial) -> str:
    ready = "connected" if choice.engine in SERVERS else "loaded"
    heard = f"{trial.heard} (it wrote: {trial.text})" if trial.heard else f"nothing (it wrote: {trial.text or 'nothing'})"
    return (f"{name}: {choice.engine}, {choice.where}\n{ready} in {trial.ready_ms} ms; {trial.audio_ms / 1000:.1f} s "
            f"of speech answered in {trial.heard_ms} ms\nsaid {SAID}, heard {heard}")


def _chosen(where: str, engine: str | None, certificate: Path | None) -> EngineChoice:
    """The engine that a directory or an address stands for."""
    if "://" in where:
        if engine not in SERVERS:
            raise CannotRun(f"{where.partition('://')[0]}:// is a server's address: say which kind it is, "
                            f"with --engine {' or '.join(SERVERS)}")
        return EngineChoice(engine, url=where, certificate=certificate.resolve() if certificate else None)
    folder = Path(where).resolve()
    found = engine_of(folder)
    if engine not in (None, found):
        raise CannotRun(f"{folder} holds a model for {found}, not for {engine}: leave --engine out")
    return EngineChoice(found, model=folder)


def _settings(config_path: Path) -> EngineConfig:
    """The settings; the defaults where the default file is not there."""
    if not config_path.exists() and config_path == Path("ivr.toml"):
        return EngineConfig()
    return load_config(config_path)


def _rows(config: EngineConfig) -> list[dict[str, object]]:
    in_use = config.hearing_engine
    named = recorded(config.data)
    rows = [_row("embedded", EngineChoice(), in_use)]
    if in_use != "embedded" and in_use in ENGINES:
        rows.append(_row(in_use, config.hearing, in_use))
    rows += [_row(name, choice, in_use) for name, choice in named.items()]
    listed = {row["engine"] for row in rows}
    for engine in ENGINES:
        if engine not in listed:
            adding = "no server named yet" if engine in SERVERS else "no model yet"
            rows.append({"name": "-", "engine": engine, "where": _package(engine) or adding, "size_mb": 0,
                         "licence": None, "in_use": False, "trouble": _package_trouble(engine) or adding})
    if in_use not in (*ENGINES, *named):
        rows.append({"name": in_use, "engine": "?", "where": "", "size_mb": 0, "licence": None, "in_use": True,
                     "trouble": "in use by ivr.toml, and not known: ivr models add"})
    return rows


def _row(name: str, choice: EngineChoice, in_use: str) -> dict[str, object]:
    trouble = _package_trouble(choice.engine)
    try:
        choice.check()
        if choice.engine == "embedded" and not ENCODER.exists():
            trouble = f"{ENCODER} is missing: run make setup"
    except AsrError as error:
        trouble = str(error)
    folder = choice.model
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder and folder.is_dir() else 0
    if choice.engine == "embedded":
        size = sum(file.stat().st_size for file in (ENCODER, *EMBEDDED_FILES.glob("*")) if file.is_file())
    licence = _licence(EMBEDDED_FILES if choice.engine == "embedded" else folder)
    return {"name": name, "engine": choice.engine, "where": choice.where, "size_mb": round(size / 1e6) or int(size > 0),
            "licence": licence, "in_use": name == in_use, "trouble": trouble}


def _licence(folder: Path | None) -> str | None:
    """Names of licences that the model's own papers speak of, or None."""
    if folder is None or not folder.is_dir():
        return None
    papers = [file for pattern in LICENCE_FILES for file in sorted(folder.glob(pattern)) if file.is_file()]
    text = "\n".join(file.read_text("utf-8", "replace")[:20_000] for file in papers)
    return ", ".join(name for name in LICENCES if name in text) or None


def _package(engine: str) -> str:
    try:
        about = metadata(PACKAGES[engine]) if engine in PACKAGES else None
    except PackageNotFoundError:
        return ""
    return f"{about['Name']} {about['Version']}" if about else ""


def _package_trouble(engine: str) -> str | None:
    if engine in IN_WORKERS and engine in PACKAGES and not _package(engine):
        return f"the package {PACKAGES[engine]} is not installed: run make setup"
    return None
