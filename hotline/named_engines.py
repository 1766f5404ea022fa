"""Recognizer engines that an operator gave a name: kept in the data folder, chosen by `[hearing] engine = "NAME"`."""

import json
import re
from pathlib import Path
from typing import Any

from asr.engines.choice import ENGINES, EngineChoice
from hotline.errors import CannotRun

FILE = "engines.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def recorded(data: Path) -> dict[str, EngineChoice]:
    """Name → engine, of a data folder. Raises `CannotRun` for a damaged file."""
    path = data / FILE
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {name: _from_json(entry) for name, entry in entries.items()}
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise CannotRun(f"{path} is damaged ({error}); remove it and add the engines anew: ivr models add") from None


def record(data: Path, name: str, choice: EngineChoice) -> None:
    """Keep an engine under a name; an earlier one of that name is replaced. Raises `CannotRun`."""
    check_name(name)
    entries = {known: _to_json(engine) for known, engine in recorded(data).items()}
    entries[name] = _to_json(choice)
    data.mkdir(parents=True, exist_ok=True)
    part = data / (FILE + ".part")
    part.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.chmod(0o600)                      # an address may hold a password
    part.replace(data / FILE)


def check_name(name: str) -> None:
    """Raises `CannotRun` for what cannot name an engine."""
    if not NAME.fullmatch(name):
        raise CannotRun(f"{name!r} is no name for an engine: use small letters, digits, dots and dashes")
    if name in ENGINES:
        raise CannotRun(f"{name!r} is an engine's own name; choose another, such as {name}-1")


def _to_json(choice: EngineChoice) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Path) else value for key, value in vars(choice).items() if value}


def _from_json(entry: dict[str, Any]) -> EngineChoice:
    paths = {key: Path(entry[key]) for key in ("model", "certificate") if entry.get(key)}
    return EngineChoice(**{**entry, **paths})
