"""`gateway.toml`: how a provider's HTTP gateway is asked to send a text, and what its answers mean."""

from __future__ import annotations

import ipaddress
import os
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dialer.errors import ConfigProblem
from dialer.toml_file import read_toml

METHODS = ("POST", "PUT", "GET")
GIVEN = ("number", "text", "id")
"""What a template may name besides the secrets."""
LONGEST_S = 60.0
MOBILE = r"(\+?86)?1[3-9]\d{9}"
_SECTIONS = ("headers", "secrets", "json", "form", "query", "accepted")


@dataclass(frozen=True)
class Accepted:
    """Which answers say what. `status`: taken for delivery. `path`: a place in the answer's JSON whose value must
    then be one of `values`; one of `again` there asks for a later try. `already`: statuses by which a gateway
    says that it knows this {id}. `reference`: the place of the gateway's own number of the text."""

    status: tuple[int, ...] = (200, 201, 202)
    path: str = ""
    values: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    already: tuple[int, ...] = ()
    reference: str = ""


@dataclass(frozen=True)
class Gateway:
    """A gateway. `same_id`: it sends a text once, however often it is asked with one {id}. `numbers`: a
    pattern of the numbers that can get texts. `secrets`: by name, never shown."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    accepted: Accepted = Accepted()
    same_id: bool = False
    timeout_s: float = 10.0
    per_minute: int = 60
    numbers: str = MOBILE
    certificate: Path | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def takes(self, number: str) -> bool:
        """Whether a text to this number can be delivered."""
        return bool(re.fullmatch(self.numbers, number))


def load_gateway(path: Path, environment: Mapping[str, str] = os.environ) -> Gateway:
    """Read `gateway.toml`; its secrets come from files beside it or from `environment`.

    Raises:
        ConfigProblem: says what to write instead; nothing is sent by such settings.
    """
    written = read_toml(path, "copy gateway.toml.example there, or leave the setting out")
    try:
        return _gateway(path.parent, written, environment)
    except ConfigProblem as problem:
        raise ConfigProblem(f"{path}: {problem}") from None


def _gateway(folder: Path, written: dict[str, Any], environment: Mapping[str, str]) -> Gateway:
    _known(written, {each.name for each in fields(Gateway)}, "")
    for name in _SECTIONS:
        if not isinstance(written.get(name, {}), dict):
            raise ConfigProblem(f"[{name}] must be a section with one setting a line")
    values = dict(written)
    values["secrets"] = {name: _secret(folder, name, where, environment) for name, where in written.get("secrets", {}).items()}
    values["accepted"] = _accepted(written.get("accepted", {}))
    if written.get("certificate"):
        values["certificate"] = folder / str(written["certificate"])
    if isinstance(values.get("timeout_s"), int):
        values["timeout_s"] = float(values["timeout_s"])
    if "url" not in values:
        raise ConfigProblem("url is missing: write the gateway's address, such as https://sms.example/v1/messages")
    gateway = Gateway(**values)
    _check(gateway)
    return gateway


def _check(gateway: Gateway) -> None:
    _check_address(gateway.url)
    if gateway.method not in METHODS:
        raise ConfigProblem(f"method must be one of {', '.join(METHODS)}")
    if type(gateway.same_id) is not bool:
        raise ConfigProblem("same_id must be true or false")
    if type(gateway.timeout_s) is not float or not 0 < gateway.timeout_s <= LONGEST_S:
        raise ConfigProblem(f"timeout_s must be over 0 and at most {LONGEST_S:g} seconds")
    if type(gateway.per_minute) is not int or not 1 <= gateway.per_minute <= 6000:
        raise ConfigProblem("per_minute must be a whole number from 1 to 6000")
    try:
        re.compile(gateway.numbers)
    except (re.error, TypeError):
        raise ConfigProblem("numbers must be a pattern (a regular expression) such as 1[3-9]\\d{9}") from None
    if gateway.json is not None and gateway.form is not None:
        raise ConfigProblem("[json] and [form] exclude each other: keep the one that the gateway reads")
    _check_templates(gateway)


def _check_address(url: object) -> None:
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or "{" in parts.netloc or parts.username:
        raise ConfigProblem("url must be https://host/path, the host without {…} and without a user's name")
    if parts.scheme == "http" and not _near(parts.hostname):
        raise ConfigProblem(f"url must begin with https://: numbers would pass to {parts.hostname} in plain")


def _near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def _check_templates(gateway: Gateway) -> None:
    places = {"number": False, "text": False, "id": False}
    body = [gateway.url, *_texts(dict(gateway.headers)), *_texts(dict(gateway.query)), *_texts(gateway.json), *_texts(gateway.form)]
    for template in body:
        for name in _names(template):
            if name not in GIVEN and name not in gateway.secrets:
                known = ", ".join("{%s}" % each for each in (*GIVEN, *gateway.secrets))
                raise ConfigProblem(f"'{{{name}}}' is not known in a template; known: {known}")
            places[name] = True
    for name in ("number", "text"):
        if not places[name]:
            raise ConfigProblem(f"no template has {{{name}}} in it: write it in [json], [form] or [query]")
    if gateway.same_id and not places["id"]:
        raise ConfigProblem("same_id = true needs {id} in a template: by it the gateway knows a text again")


def _names(template: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError:
        raise ConfigProblem(f"'{template}' has a brace that is not closed; write {{{{ for a brace itself") from None


def _texts(template: Any) -> list[str]:
    """All texts of a template, however deep. Raises ConfigProblem for what JSON does not have."""
    if isinstance(template, dict):
        return [text for each in template.values() for text in _texts(each)]
    if isinstance(template, list):
        return [text for each in template for text in _texts(each)]
    if template is None or isinstance(template, str | int | float):
        return [template] if isinstance(template, str) else []
    raise ConfigProblem(f"{template!r} cannot stand in a template: write text, numbers, true or false")


def _accepted(written: dict[str, Any]) -> Accepted:
    _known(written, {each.name for each in fields(Accepted)}, " in [accepted]")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in written.items()}
    for name in ("status", "already"):
        codes = values.get(name, ())
        if not isinstance(codes, tuple) or not all(type(code) is int and 100 <= code <= 599 for code in codes):
            raise ConfigProblem(f"{name} in [accepted] must be a list of HTTP statuses such as [200, 202]")
    for name in ("values", "again"):
        if not isinstance(values.get(name, ()), tuple):
            raise ConfigProblem(f'{name} in [accepted] must be a list such as ["0", "OK"]')
        values[name] = tuple(_written(each) for each in values.get(name, ()))
    accepted = Accepted(**values)
    if bool(accepted.path) != bool(accepted.values):
        raise ConfigProblem("path and values in [accepted] belong together: where in the answer, and what it must be there")
    return accepted


def _written(value: object) -> str:
    """As JSON writes it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _secret(folder: Path, name: str, where: object, environment: Mapping[str, str]) -> str:
    kind, _, place = str(where).partition(":")
    if kind not in ("file", "env") or not place:
        raise ConfigProblem(f'{name} in [secrets] must be "file:NAME" or "env:NAME": no secret stands in these settings')
    if kind == "env":
        if not environment.get(place):
            raise ConfigProblem(f"the environment has no {place}, from which [secrets] {name} is to come")
        return environment[place]
    path = folder / place
    try:
        if path.stat().st_mode & 0o007:
            raise ConfigProblem(f"{path} can be read by everybody: run chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigProblem(f"{path} cannot be read: write the secret {name} there, for this user alone") from None


def _known(written: Mapping[str, object], known: set[str], where: str) -> None:
    for name in written:
        if name not in known:
            raise ConfigProblem(f"'{name}'{where} is not known; known: {', '.join(sorted(known))}")
