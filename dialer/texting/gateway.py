"""Asks a gateway to send one text, and says what its answer means. Keeps nothing and repeats nothing."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import aiohttp

from dialer.json_answer import MOST_BYTES, body_of, picked
from dialer.texting.settings import Gateway

LONGEST_RETRY_AFTER_S = 3600.0
_TURNED_AWAY = (408, 425, 429, 503)
"""By these a server says that it did nothing and would be asked again (RFC 9110 §15, RFC 6585)."""
_WHY = re.compile(r"[\w.:-]{1,32}")


@dataclass(frozen=True)
class Sent:
    """What came of asking a gateway once.

    `how`: `accepted`; `refused`, for good; `again`: surely not sent, may be asked later, after `after_s`
    seconds where the gateway says so; `unsure`: it may have been sent. `why` has no number and no
    text of the message in it. `reference`: the gateway's own number of the text.
    """

    how: Literal["accepted", "refused", "again", "unsure"]
    why: str = ""
    after_s: float = 0.0
    reference: str = ""


async def ask_gateway(gateway: Gateway, number: str, text: str, text_id: str) -> Sent:
    """One request. Never raises for what a network or a gateway can do."""
    values = {"number": number, "text": text, "id": text_id}
    answer = await _request(gateway, values)
    if isinstance(answer, Sent):
        return answer
    sent = _meaning(gateway, *answer)
    private = any(value and value in sent.why + sent.reference for value in (number, text, *gateway.secrets.values()))
    return Sent(sent.how, "", sent.after_s) if private else sent


async def _request(gateway: Gateway, values: Mapping[str, str]) -> Sent | tuple[int, Any, float]:
    """(status, the answer's JSON or None, seconds of Retry-After), or why there is none."""
    known = {**gateway.secrets, **values}
    given: dict[str, Any] = {"params": filled(dict(gateway.query), known)} if gateway.query else {}
    if gateway.json is not None:
        given["json"] = filled(gateway.json, known)
    if gateway.form is not None:
        given["data"] = filled(dict(gateway.form), known)
    try:
        trust = ssl.create_default_context(cafile=gateway.certificate) if gateway.certificate else True
        timeout = aiohttp.ClientTimeout(total=gateway.timeout_s, sock_connect=gateway.timeout_s / 2)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.request(
            gateway.method, filled(gateway.url, known, lambda value: quote(value, safe="")),
            headers=filled(dict(gateway.headers), known), allow_redirects=False, ssl=trust, **given,
        ) as reply:
            body = await _json_of(reply)
            return reply.status, body, _retry_after_s(reply.headers.get("Retry-After", ""))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        return Sent("again", type(error).__name__)
    except TimeoutError:
        return Sent("unsure", f"no answer within {gateway.timeout_s:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Sent("unsure", type(error).__name__)


def _meaning(gateway: Gateway, status: int, answer: Any, after_s: float) -> Sent:
    rules = gateway.accepted
    if status in rules.already:
        return Sent("accepted", f"{status}: known already")
    if status in rules.status:
        return _by_value(gateway, status, answer, after_s)
    if status in _TURNED_AWAY:
        return Sent("again", str(status), after_s)
    if status >= 500:
        return Sent("unsure", str(status), after_s)
    return Sent("refused", str(status))


def _by_value(gateway: Gateway, status: int, answer: Any, after_s: float) -> Sent:
    rules = gateway.accepted
    reference = picked(answer, rules.reference) if rules.reference else ""
    reference = reference if _WHY.fullmatch(reference) else ""
    if not rules.path:
        return Sent("accepted", reference=reference)
    value = picked(answer, rules.path)
    if value in rules.values:
        return Sent("accepted", reference=reference)
    shown = f"{status}, {rules.path} {value if _WHY.fullmatch(value) else 'missing' if not value else 'another'}"
    return Sent("again" if value in rules.again else "refused", shown, after_s)


def filled(template: Any, values: Mapping[str, str], shown=str) -> Any:
    """A template with its {names} replaced, in whatever it holds; values are never read as templates."""
    if isinstance(template, dict):
        return {name: filled(each, values, shown) for name, each in template.items()}
    if isinstance(template, list):
        return [filled(each, values, shown) for each in template]
    return template.format_map({name: shown(value) for name, value in values.items()}) if isinstance(template, str) else template


async def _json_of(reply: aiohttp.ClientResponse) -> Any:
    body = await body_of(reply)
    try:
        return json.loads(body[:MOST_BYTES]) if body.strip() else None
    except ValueError:
        return None


def _retry_after_s(written: str) -> float:
    return min(float(written), LONGEST_RETRY_AFTER_S) if written.isascii() and written.isdigit() else 0.0
