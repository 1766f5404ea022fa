"""`ivr.toml`: where things are and how many of them run. Every setting has a default."""

import tomllib
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from asr.engines.choice import ENGINES, EngineChoice
from dialer.errors import ConfigProblem
from dialer.queue.attempts import AttemptPolicy
from dialer.queue.promises import CallBackPolicy
from dialer.texting.settings import Gateway, load_gateway
from hotline.desk.open_register import OpenRegister
from hotline.errors import CannotRun
from hotline.named_engines import recorded
from hotline.storage.database import database_url
from plate_parser.open_list import OpenListError, read_open_list

LONGEST_TIMEOUT_S = 10
"""A caller who waits for longer has hung up."""
SHORTEST_TAKE_OVER_S = 5
LEAST = {"recognizer_workers": 1, "seat_ring_s": 1, "owner_ring_s": 1, "call_back_ring_s": 1, "hold_s": 0, "case_life_s": 0,
         "finish_calls_s": 0}
"""What has rules of its own, as owners' attempts and texts have, is not among them."""
MOST = {"hold_s": 3600}


@dataclass(frozen=True)
class EngineConfig:
    """What the engine is started with. Paths are absolute or relative to the file's folder."""

    data: Path = Path("var")
    flows: Path = Path("flows")
    inbound_flow: str = "move_car_inbound"
    outbound_flow: str = "move_car_outbound"
    database_url: str = ""
    take_over_s: int = 30
    sip_conf: Path = Path("sip.conf")
    vault_config: Path = Path("vault.toml")
    vault_socket: Path = Path()
    recognizer_workers: int = 1
    hearing_engine: str = "embedded"
    hearing_model: Path = Path()
    hearing_url: str = ""
    hearing_certificate: Path = Path()
    hearing_connect_timeout_s: float = 2.0
    hearing_answer_timeout_s: float = 2.0
    free_speech: bool = False
    open_list: Path = Path()
    seat_ring_s: int = 20
    owner_ring_s: int = 30
    caller_numbers: Path = Path()
    caller_header: str = ""
    service_hosts: tuple[str, ...] = ()
    owner_message: bool = True
    owner_second_ear: bool = True
    hold_s: int = 90
    case_life_s: int = 7200
    owner_attempts: int = AttemptPolicy.attempts
    owner_daily: int = AttemptPolicy.daily
    owner_busy_wait_s: int = AttemptPolicy.busy_wait_s
    owner_no_answer_wait_s: int = AttemptPolicy.no_answer_wait_s
    owner_off_wait_s: int = AttemptPolicy.off_wait_s
    owner_trunk_wait_s: int = AttemptPolicy.trunk_wait_s
    owner_call_later_wait_s: int = AttemptPolicy.call_later_wait_s
    owner_no_calls_s: int = AttemptPolicy.no_calls_s
    owner_keep_trying_s: int = AttemptPolicy.keep_trying_s
    owner_answer_stands_s: int = AttemptPolicy.answer_stands_s
    owner_quiet: str = AttemptPolicy.quiet
    owner_remind_s: int = AttemptPolicy.remind_s
    text_gateway: Path = Path()
    call_back_flow: str = "move_car_call_back"
    call_back_dial: str = "{number}"
    call_back_tries: int = CallBackPolicy.tries
    call_back_wait_s: int = int(CallBackPolicy.wait_s)
    call_back_ring_s: int = 30
    finish_calls_s: int = 60

    @property
    def database(self) -> URL:
        """Where cases and the queue of owners' calls are."""
        return database_url(self.database_url or str(self.data / "cases.db"), Path())

    @property
    def hearing(self) -> EngineChoice:
        """The recognizer. Raises `CannotRun` where `hearing_engine` names none, and not for what it lacks."""
        if self.hearing_engine in ENGINES:
            nowhere = Path()
            return EngineChoice(
                self.hearing_engine, self.hearing_model if self.hearing_model != nowhere else None, self.hearing_url,
                self.hearing_certificate if self.hearing_certificate != nowhere else None,
                self.hearing_connect_timeout_s, self.hearing_answer_timeout_s)
        named = recorded(self.data)
        if self.hearing_engine not in named:
            raise CannotRun(f"[hearing] engine '{self.hearing_engine}' is not known"
                            f"{_hint(self.hearing_engine, (*ENGINES, *named))}")
        return named[self.hearing_engine]

    @property
    def owner_policy(self) -> AttemptPolicy:
        """How owners may be called. Raises `ConfigProblem`: with rules that cannot be meant nobody is called."""
        return AttemptPolicy(**{rule.name: getattr(self, f"owner_{rule.name}") for rule in fields(AttemptPolicy)})

    @property
    def gateway(self) -> Gateway | None:
        """Where texts are sent, None for nowhere. Raises `ConfigProblem`: with wrong settings none is sent."""
        return load_gateway(self.text_gateway) if self.text_gateway != Path() else None

    @property
    def open_register(self) -> OpenRegister | None:
        """The list of plates that is searched instead of the sealed register. Raises CannotRun for a list with a fault."""
        if self.open_list == Path():
            return None
        try:
            return OpenRegister(read_open_list(self.open_list))
        except OpenListError as error:
            raise CannotRun(f"[register] open_list: {error}") from None

    @property
    def recordings(self) -> Path:
        return self.data / "recordings"


SECTIONS = {
    "engine": {"data", "flows", "inbound_flow", "outbound_flow", "call_back_flow", "finish_calls_s"},
    "database": {"url": "database_url", "take_over_s": "take_over_s"},
    "sip": {"config": "sip_conf"},
    "vault": {"config": "vault_config", "socket": "vault_socket"},
    "register": {"open_list": "open_list"},
    "hearing": {
        "workers": "recognizer_workers", "engine": "hearing_engine", "model": "hearing_model",
        "url": "hearing_url", "certificate": "hearing_certificate",
        "connect_timeout_s": "hearing_connect_timeout_s", "answer_timeout_s": "hearing_answer_timeout_s",
        "free_speech": "free_speech",
    },
    "seats": {"ring_s": "seat_ring_s"},
    "callers": {"numbers": "caller_numbers", "header": "caller_header", "case_life_s": "case_life_s"},
    "texts": {"gateway": "text_gateway"},
    "call_back": {"dial": "call_back_dial", "tries": "call_back_tries", "wait_s": "call_back_wait_s", "ring_s": "call_back_ring_s"},
    "services": {"allowed_hosts": "service_hosts"},
    "owners": {"ring_s": "owner_ring_s", "hold_s": "hold_s", "message": "owner_message",
               "second_ear": "owner_second_ear"}
    | {rule.name: f"owner_{rule.name}" for rule in fields(AttemptPolicy)},
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
            settings[name] = _fitting(path, name, f"'{key}' in [{section}]", value)
    if written_url := settings.get("database_url"):
        settings["database_url"] = database_url(written_url, path.parent).render_as_string(hide_password=False)
    config = EngineConfig(**settings)
    if config.take_over_s < SHORTEST_TAKE_OVER_S:
        raise CannotRun(f"{path}: 'take_over_s' in [database] must be {SHORTEST_TAKE_OVER_S} or more: an engine that is "
                        "only slow would lose its calls")
    for name in ("hearing_connect_timeout_s", "hearing_answer_timeout_s"):
        if not 0 < getattr(config, name) <= LONGEST_TIMEOUT_S:
            raise CannotRun(f"{path}: '{name.removeprefix('hearing_')}' in [hearing] must be over 0 and at most "
                            f"{LONGEST_TIMEOUT_S} seconds")
    if "{number}" not in config.call_back_dial or not 1 <= config.call_back_tries <= 10 or config.call_back_wait_s < 5:
        raise CannotRun(f"{path}: [call_back] needs {{number}} in dial, 1 to 10 tries, and wait_s of at least 5")
    try:
        config.owner_policy
    except ConfigProblem as problem:
        raise CannotRun(f"{path}: {problem}: no owner is called by such rules") from None
    return config


def _fitting(path: Path, name: str, shown: str, value: Any) -> Any:
    """The value in its field's type; paths are taken from the file's own folder. `shown`: the setting as the file has it."""
    field = next(field for field in fields(EngineConfig) if field.name == name)
    wanted = type(field.default if field.default is not MISSING else "")
    if issubclass(wanted, Path):
        return (path.parent / str(value)).resolve()
    if wanted is tuple and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
        raise CannotRun(f"{path}: {shown} must be {_spoken(wanted)}, not {value!r}")
    if wanted is int and value < LEAST.get(name, value):
        raise CannotRun(f"{path}: {shown} must be {LEAST[name]} or more, not {value}")
    if wanted is int and value > MOST.get(name, value):
        raise CannotRun(f"{path}: {shown} must be {MOST[name]} or less, not {value}")
    return value


def _spoken(wanted: type) -> str:
    return {int: "a whole number", float: "a number", str: "text in quotes", bool: "true or false",
            tuple: 'a list such as ["api.city.example"]'}[wanted]


def _hint(word: str, known) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(sorted(known))}"
