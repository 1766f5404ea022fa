"""Asking an HTTP service on a flow's behalf: allowed hosts only, a time-out, an answer of bounded size."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from ivr.flow.conversation import filled

MOST_BYTES = 65_536
LONGEST_S = 20.0

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
            body = await reply.content.read(MOST_BYTES + 1)
            while len(body) <= MOST_BYTES and (more := await reply.content.read(MOST_BYTES)):
                body += more
            if len(body) > MOST_BYTES:
                raise ServiceError(f"the answer is over {MOST_BYTES} bytes")
            return reply.status, json.loads(body) if body.strip() else None
    except TimeoutError:
        raise ServiceError(f"no answer within {seconds:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ServiceError(type(error).__name__) from None


def address(written: str, values: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    """The URL with its values quoted, if its host (or host:port) is allowed. Raises ServiceError.

    Values are no part of the host: what a caller says never chooses who is asked.
    """
    parts = urlsplit(written)
    if parts.scheme not in ("http", "https") or "{" in parts.netloc or parts.username:
        raise ServiceError(f"'{written}' is no address of a service: write https://host/path")
    if parts.netloc not in allowed and parts.hostname not in allowed:
        raise ServiceError(f"{parts.netloc} is not among [services] allowed_hosts of ivr.toml")
    return filled(written, values, lambda value: quote(value, safe=""))


def picked(answer: Any, path: str) -> str:
    """What stands at `data.status` in an answer, as text; "" where nothing does."""
    for step in path.split("."):
        if isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            answer = answer.get(step) if isinstance(answer, dict) else None
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return str(answer) if isinstance(answer, str | int | float) else ""
