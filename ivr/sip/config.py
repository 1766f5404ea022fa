"""`sip.conf`: where calls come from and go to, as dataclasses checked when read.

The file looks like Asterisk's: ``[section]``, ``option = value`` (or ``=>``), comments after
``;`` or ``#``. ``${NAME}`` is taken from the environment, so that no secret is in the file.
`sip.conf.example` explains every option.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

_CODECS = {
    "alaw": "PCMA/8000", "pcma": "PCMA/8000", "ulaw": "PCMU/8000", "pcmu": "PCMU/8000",
    "g722": "G722/16000", "gsm": "GSM/8000", "ilbc": "iLBC/8000",
}  # fmt: skip
_SIP_URI = re.compile(r"sips?:[^\s<>\"@;]+@[^\s<>\"@]+|sips?:[^\s<>\"@]+", re.IGNORECASE)
_EXTENSION = re.compile(r"[0-9A-Za-z*#+._-]{1,32}")


class ConfigError(Exception):
    """`sip.conf` has a mistake. The message is one sentence, FILE:LINE first."""


@dataclass(frozen=True, slots=True)
class Transport:
    """Where SIP is spoken. ``port`` 0 takes any free one."""

    bind: str = "0.0.0.0"
    port: int = 5060
    tcp: bool = False
    public_address: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """The operator's (or PBX's) account through which numbers are dialled."""

    registrar: str
    username: str = ""
    password: str = field(default="", repr=False)
    domain: str = ""
    realm: str = "*"
    outbound_proxy: str = ""
    register: bool = True
    expiry_s: int = 300


@dataclass(frozen=True, slots=True)
class Media:
    """Codecs, best first, and the UDP ports of audio (first, last)."""

    codecs: tuple[str, ...] = ("PCMA/8000", "PCMU/8000")
    rtp_range: tuple[int, int] = (10000, 10999)


@dataclass(frozen=True, slots=True)
class Security:
    """``allowed_peers``: networks that may call (none named: all). ``mask_remote``: peers'
    numbers never leave the worker; for owners' calls."""

    allowed_peers: tuple[str, ...] = ()
    mask_remote: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """A person's phone. ``target``: SIP URI, or an extension dialled through the trunk."""

    name: str
    target: str
    penalty: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """``seat_legs``: calls kept free for seats. Times in seconds; 0 switches a limit off."""

    seat_legs: int = 1
    max_call_s: int = 3600
    media_timeout_s: int = 60
    retry_after_s: int = 10


@dataclass(frozen=True, slots=True)
class SipConfig:
    """Everything a SIP worker has to know."""

    transport: Transport = Transport()
    trunk: Trunk | None = None
    media: Media = Media()
    security: Security = Security()
    seats: tuple[Seat, ...] = ()
    limits: Limits = Limits()

    def for_worker(self, index: int) -> "SipConfig":
        """The configuration of worker ``index`` (0, 1, …) of one file: SIP port + index."""
        return self.with_port(self.transport.port and self.transport.port + index)

    def with_port(self, port: int) -> "SipConfig":
        """The same with another SIP port."""
        return replace(self, transport=replace(self.transport, port=port))

    def to_json(self) -> str:
        """For the worker's standard input; it holds the trunk's password."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "SipConfig":
        """Read back what ``to_json`` wrote.

        Raises:
            ConfigError: it is not such JSON.
        """
        try:
            raw = json.loads(text)
            trunk, media, seats = raw.get("trunk"), raw.get("media", {}), raw.get("seats", [])
            security = raw.get("security", {})
            lists = {name: tuple(value) for name, value in media.items()}
            peers = {"allowed_peers": tuple(security.pop("allowed_peers", ()))}
            return cls(
                transport=Transport(**raw.get("transport", {})),
                trunk=Trunk(**trunk) if trunk else None,
                media=Media(**lists),
                security=Security(**security, **peers),
                seats=tuple(Seat(**seat) for seat in seats),
                limits=Limits(**raw.get("limits", {})),
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"the worker's JSON configuration cannot be read: {error}") from error


def load_sip_config(
    path: Path, environment: Mapping[str, str] = os.environ
) -> SipConfig:
    """Read and check ``sip.conf``.

    Raises:
        ConfigError: the file, a section, an option or a value is wrong; says where and what
            to write instead.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}; copy sip.conf.example there and edit it"
        ) from error
    sections = _read_sections(text, str(path), environment)
    seats = tuple(_seat(option) for option in sections.pop("seats", {}).values())
    parts = {name: _section(name, options) for name, options in sections.items()}
    trunk = parts.pop("trunk", None)
    if "trunk" in sections and not trunk.get("registrar"):
        raise ConfigError(f"{path}: [trunk] needs registrar = host[:port], or leave [trunk] out")
    return SipConfig(
        transport=Transport(**parts.get("transport", {})),
        trunk=Trunk(**trunk) if trunk else None,
        media=Media(**parts.get("media", {})),
        security=Security(**parts.get("security", {})),
        seats=seats,
        limits=Limits(**parts.get("limits", {})),
    )


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    value: str
    where: str  # FILE:LINE

    def error(self, want: str) -> ConfigError:
        shown = "***" if self.name == "password" else self.value
        return ConfigError(f"{self.where}: {self.name} = {shown} is not right: write {want}")


def _read_sections(
    text: str, file: str, environment: Mapping[str, str]
) -> dict[str, dict[str, _Option]]:
    sections: dict[str, dict[str, _Option]] = {}
    current: dict[str, _Option] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line, where = re.split(r"(?:^|\s)[;#]", raw, maxsplit=1)[0].strip(), f"{file}:{number}"
        if not line:
            continue
        if line.startswith("["):
            name = line.strip("[]").strip().lower()
            if name not in (*_OPTIONS, "seats"):
                known = ", ".join(f"[{known}]" for known in (*_OPTIONS, "seats"))
                raise ConfigError(f"{where}: there is no section [{name}]: write one of {known}")
            current = sections.setdefault(name, {})
            continue
        name, equals, value = line.partition("=")
        name = name.strip()
        if not equals or current is None:
            raise ConfigError(f"{where}: write [section] lines and, under them, option = value")
        if name in current:
            raise ConfigError(f"{where}: {name} is set twice: keep one of the two lines")
        value = _environment(value.removeprefix(">").strip(), where, environment)
        current[name] = _Option(name, value, where)
    return sections


def _environment(value: str, where: str, environment: Mapping[str, str]) -> str:
    def look_up(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environment:
            raise ConfigError(f"{where}: the environment variable {name} is not set: export it")
        return environment[name]

    return re.sub(r"\$\{(\w+)\}", look_up, value)


def _section(name: str, options: dict[str, _Option]) -> dict[str, Any]:
    known = _OPTIONS[name]
    for option in options.values():
        if option.name not in known:
            raise ConfigError(
                f"{option.where}: [{name}] has no option {option.name}: "
                f"write one of {', '.join(known)}"
            )
    return {option.name: known[option.name](option) for option in options.values()}


def _seat(option: _Option) -> Seat:
    target, _, penalty = (part.strip() for part in option.value.partition(","))
    if not (_SIP_URI.fullmatch(target) or _EXTENSION.fullmatch(target)):
        raise option.error("NAME = sip:user@host, penalty or NAME = extension, penalty")
    if penalty and not penalty.isdecimal():
        raise option.error("a penalty of 0 or more after the comma")
    return Seat(option.name, target, int(penalty or 0))


def _text(option: _Option) -> str:
    return option.value


def _host(option: _Option) -> str:
    if not re.fullmatch(r"[0-9A-Za-z._-]+(:\d{1,5})?", option.value):
        raise option.error("host or host:port, without sip:")
    return option.value


def _address(option: _Option) -> str:
    try:
        return str(ipaddress.ip_address(option.value))
    except ValueError:
        raise option.error("an IP address, such as 0.0.0.0 or 203.0.113.7") from None


def _proxy(option: _Option) -> str:
    if option.value and not _SIP_URI.fullmatch(option.value):
        raise option.error("a SIP URI, such as sip:proxy.example:5060")
    return option.value


def _yes_no(option: _Option) -> bool:
    words = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
    if option.value.lower() not in words:
        raise option.error("yes or no")
    return words[option.value.lower()]


def _between(low: int, high: int) -> Callable[[_Option], int]:
    def check(option: _Option) -> int:
        if not option.value.isdecimal() or not low <= int(option.value) <= high:
            raise option.error(f"a whole number from {low} to {high}")
        return int(option.value)

    return check


def _codecs(option: _Option) -> tuple[str, ...]:
    names = [name.strip().lower() for name in option.value.split(",") if name.strip()]
    if not names or any(name not in _CODECS for name in names):
        raise option.error("some of alaw, ulaw, g722, gsm, ilbc, with commas, best first")
    return tuple(dict.fromkeys(_CODECS[name] for name in names))


def _rtp_range(option: _Option) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{4,5})\s*-\s*(\d{4,5})", option.value)
    if match is None or not 1024 <= int(match[1]) < int(match[2]) <= 65535:
        raise option.error("FIRST-LAST, such as 10000-10999")
    return int(match[1]), int(match[2])


def _networks(option: _Option) -> tuple[str, ...]:
    try:
        parts = [part.strip() for part in option.value.split(",") if part.strip()]
        return tuple(str(ipaddress.ip_network(part, strict=False)) for part in parts)
    except ValueError:
        raise option.error("addresses or networks with commas: 10.0.0.5, 192.0.2.0/24") from None


_OPTIONS: dict[str, dict[str, Callable[[_Option], Any]]] = {
    "transport": {
        "bind": _address, "port": _between(0, 65535), "tcp": _yes_no, "public_address": _address,
    },
    "trunk": {
        "registrar": _host, "username": _text, "password": _text, "domain": _host, "realm": _text,
        "outbound_proxy": _proxy, "register": _yes_no, "expiry_s": _between(30, 86400),
    },
    "media": {"codecs": _codecs, "rtp_range": _rtp_range},
    "security": {"allowed_peers": _networks, "mask_remote": _yes_no},
    "limits": {
        "seat_legs": _between(0, 1000), "max_call_s": _between(0, 86400),
        "media_timeout_s": _between(0, 3600), "retry_after_s": _between(1, 3600),
    },
}  # fmt: skip
