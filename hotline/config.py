"""`ivr.toml`: where things are and how many of them run. Every setting has a default."""

import tomllib
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hotline.errors import CannotRun


@dataclass(frozen=True)
class EngineConfig:
    """What the engine is started with. Paths are absolute or relative to the file's folder."""

    data: Path = Path("var")
    flows: Path = Path("flows")
    inbound_flow: str = "move_car_inbound"
    outbound_flow: str = "move_car_outbound"
    store_url: str = ""
    sip_conf: Path = Path("sip.conf")
    vault_config: Path = Path("vault.toml")
    recognizer_workers: int = 1
    seat_ring_s: int = 20
    owner_ring_s: int = 30
    finish_calls_s: int = 60

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the case database."""
        return self.store_url or f"sqlite:///{self.data / 'cases.db'}"

    @property
    def recordings(self) -> Path:
        return self.data / "recordings"


SECTIONS = {
    "engine": {"data", "flows", "inbound_flow", "outbound_flow", "finish_calls_s"},
    "store": {"url": "store_url"},
    "sip": {"config": "sip_conf"},
    "vault": {"config": "vault_config"},
    "hearing": {"workers": "recognizer_workers"},
    "seats": {"ring_s": "seat_ring_s"},
    "owners": {"ring_s": "owner_ring_s"},
}


def load_config(path: Path) -> EngineConfig:
    """Read `ivr.toml`. Raises `CannotRun` with what to write instead."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CannotRun(f"{path} is not there; copy ivr.toml.example to {path} and edit it") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotRun(f"{path} is not TOML: {error}") from None
    settings: dict[str, Any] = {}
    for section, entries in written.items():
        if section not in SECTIONS or not isinstance(entries, dict):
            raise CannotRun(f"{path}: [{section}] is not known{_hint(section, SECTIONS)}")
        for key, value in entries.items():
            known = SECTIONS[section]
            if key not in known:
                raise CannotRun(f"{path}: '{key}' in [{section}] is not known{_hint(key, known)}")
            name = known[key] if isinstance(known, dict) else key
            settings[name] = _fitting(path, name, value)
    return EngineConfig(**settings)


def _fitting(path: Path, name: str, value: Any) -> Any:
    """The value in its field's type; paths are taken from the file's own folder."""
    field = next(field for field in fields(EngineConfig) if field.name == name)
    wanted = type(field.default if field.default is not MISSING else "")
    if issubclass(wanted, Path):
        return (path.parent / str(value)).resolve()
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise CannotRun(f"{path}: '{name}' must be a {_spoken(wanted)}, not {value!r}")
    return value


def _spoken(wanted: type) -> str:
    return {int: "whole number", str: "text in quotes"}[wanted]


def _hint(word: str, known) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(sorted(known))}"
