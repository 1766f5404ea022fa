"""`vault.toml`: where the vault's register and key are, how it dials, and what it allows."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

from dialer.errors import ConfigProblem
from dialer.toml_file import read_toml
from dialer.vault.alarms import Patterns
from ivr.sip.config import Media, SipConfig, Transport, load_sip_config
from plate_parser.match import Thresholds


@dataclass(frozen=True)
class VaultConfig:
    """Paths are taken from the file's own folder.

    `key_env`: environment variable with the key; wins over `key_file`. `dial`: what is dialled,
    with `{number}` in it: a SIP URI, or `{number}` alone through the trunk of `sip_conf`.
    `tail_digits`: shown to seats, at most a third of a number. `outside`, `sure`, `ask`, `offer`, `last`, `brought_up`: see
    `plate_parser.match.Thresholds`. `socket_group`: users of this group may connect; "": nobody but the
    vault's own user. `alarm_…`: see `dialer.vault.alarms`. `ticket_key`: made at the first start; what
    the engine's queue keeps for later attempts opens with it. `text_gateway`: the settings of the gateway
    for texts to owners (`dialer.texting.settings`). Times in seconds.
    """

    register: Path = Path("owners.reg")
    key_file: Path | None = None
    key_env: str = ""
    audit: Path = Path("audit.jsonl")
    dial: str = "{number}"
    sip_conf: Path | None = None
    tail_digits: int = 4
    rounds_per_case: int = 6
    rounds_per_caller: int = 12
    variants_per_round: int = 300
    lookups_per_hour: int = 60_000
    token_life_s: int = 600
    socket_group: str = ""
    alarm_strangers_from: int = 30
    alarm_strangers_share: float = 0.8
    alarm_plates_a_caller: int = 5
    alarm_calls_a_plate: int = 8
    alarm_in_order: int = 5
    alarm_refusals: int = 5
    ticket_key: Path = Path("tickets.key")
    ticket_life_s: int = 7200
    renewals_per_case: int = 20
    text_gateway: Path | None = None
    texts_per_case: int = 1
    texts_per_owner: int = 4
    outside: float = 0.02
    sure: float = 0.9
    ask: float = 0.7
    offer: float = 0.85
    last: float = 0.5
    brought_up: float = 0.95

    @property
    def patterns(self) -> Patterns:
        """From where on a pattern of lookups is told."""
        return Patterns(self.alarm_strangers_from, self.alarm_strangers_share, self.alarm_plates_a_caller,
                        self.alarm_calls_a_plate, self.alarm_in_order, self.alarm_refusals)

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.outside, self.sure, self.ask, self.offer, self.last, self.brought_up)

    def sip(self) -> SipConfig:
        """The SIP worker's configuration: peers masked, every line free for owners.

        Raises:
            ivr.sip.config.ConfigError: `sip_conf` has a mistake.
        """
        if self.sip_conf is not None:
            base = load_sip_config(self.sip_conf)
        else:  # no trunk: direct calls on this machine, as the demo has them
            base = SipConfig(transport=Transport("127.0.0.1", 0), media=Media(rtp_range=(11000, 11999)))
        security = replace(base.security, mask_remote=True)
        return replace(base, security=security, limits=replace(base.limits, seat_legs=0), seats=())


def load_vault_config(path: Path) -> VaultConfig:
    """Read `vault.toml`.

    Raises:
        ConfigProblem: says what to write instead.
    """
    written = read_toml(path, "write it as docs/register.md says")
    known = {field.name: field.type for field in fields(VaultConfig)}
    values = {}
    for name, value in written.items():
        if name not in known:
            raise ConfigProblem(f"{path}: {name} is not known: write one of {', '.join(known)}")
        values[name] = _fitting(path, name, known[name], value)
    beside = {name: path.parent / getattr(VaultConfig, name) for name in ("register", "audit", "ticket_key")}
    config = VaultConfig(**beside | values)
    if "{number}" not in config.dial:
        raise ConfigProblem(f"{path}: dial must have {{number}} in it, such as sip:{{number}}@192.0.2.7")
    return config


def _fitting(path: Path, name: str, kind: str, value: object) -> object:
    if "Path" in kind and isinstance(value, str):
        return (path.parent / value).resolve()
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "int" and type(value) is int and value > 0:
        return value
    if kind == "float" and type(value) in (int, float) and 0 <= value <= 1:
        return float(value)
    wanted = {"int": "a whole number over 0", "float": "a number from 0 to 1"}.get(kind, "text in quotes")
    raise ConfigProblem(f"{path}: {name} must be {wanted}")
