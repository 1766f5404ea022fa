"""Asking an HTTP service on a flow's behalf: allowed hosts only, a time-out, an answer of bounded size."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from dialer.json_answer import MOST_BYTES, body_of
from ivr.flow.conversation import filled
from ivr.flow.model import Argument

LONGEST_S = 20.0
DEFAULT_S = 3.0
METHODS = ("GET", "POST", "PUT", "PATCH")
HOST = re.compile(r"[\w.:-]+")
PATH = re.compile(r"[\w-]+(\.[\w-]+)*")

Fetch = Callable[[str, str, Mapping[str, str], float], Awaitable[tuple[int, Any]]]
"""`await fetch(method, url, send, seconds)` → (status, what the answer's JSON holds or None)."""


class ServiceError(Exception):
    """The service could not be asked, or gave no answer that can be used."""


async def fetch(method: str, url: str, send: Mapping[str, str], seconds: float) -> tuple[int, Any]:
    """One request; `send` as query of a GET, else as JSON. Redirects are not followed. Raises ServiceError."""
    given = {"params": dict(send)} if method == "GET" else {"json": dict(send)}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session, \
                session.request(method, url, allow_redirects=False, **given) as reply:
            body = await body_of(reply)
            if len(body) > MOST_BYTES:
                raise ServiceError(f"the answer is over {MOST_BYTES} bytes")
            return reply.status, json.loads(body) if body.strip() else None
    except TimeoutError:
        raise ServiceError(f"no answer within {seconds:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ServiceError(type(error).__name__) from None


def wrong(arguments: Mapping[str, Argument]) -> Iterator[tuple[str, str]]:
    """What is wrong with a request as a flow writes it: pairs of an argument's name and a sentence."""
    url, method = str(arguments.get("url", "")), str(arguments.get("method", METHODS[0]))
    if url and (why := _wrong_url(url)):
        yield "url", why
    if method.upper() not in METHODS:
        yield "method", f"'{method}' is no method of a request; write one of {', '.join(METHODS)}"
    if seconds_of(str(arguments.get("seconds", DEFAULT_S))) is None:
        yield "seconds", f"'{arguments['seconds']}' is no time-out; write seconds, over 0 and up to {LONGEST_S:g}"
    for name, path in dict(arguments.get("take") or {}).items():
        if not PATH.fullmatch(path):
            yield f"take.{name}", f"'{path}' is no place in an answer; write names with dots between: car.status, lines.0.name"


def _wrong_url(url: str) -> str:
    """What keeps a text from being the address of a service; "" if nothing does."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"'{url}' has a host or port that cannot be; write https://host:8080/path"
    if "{" in url.partition("://")[0] or "{" in parts.netloc:
        return "a value may not choose the host that is asked; write the host out: https://host/path/{value}"
    if parts.scheme not in ("http", "https"):
        return f"'{url}' does not begin with http:// or https://; write https://host/path"
    if parts.username is not None or parts.password is not None:
        return "a name or password does not belong in an address that everybody reads; write https://host/path"
    if not parts.hostname or port == 0 or not HOST.fullmatch(parts.hostname) or any(map(str.isspace, url)):
        return f"'{url}' is no address; write https://host/path"
    return ""


def seconds_of(written: str) -> float | None:
    """A time-out in seconds; None for what is none."""
    try:
        seconds = float(written)
    except ValueError:
        return None
    return seconds if 0 < seconds <= LONGEST_S else None


def address(written: str, values: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    """The URL with its values quoted, if its host (or host:port) is allowed. Raises ServiceError.

    Values are no part of the host: what a caller says never chooses who is asked.
    """
    if why := _wrong_url(written):
        raise ServiceError(why)
    parts = urlsplit(written)
    if parts.netloc not in allowed and parts.hostname not in allowed:
        raise ServiceError(f"{parts.netloc} is not among [services] allowed_hosts of ivr.toml")
    return filled(written, values, lambda value: quote(value, safe=""))
