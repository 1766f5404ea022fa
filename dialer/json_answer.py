"""What an HTTP service answers: so much of its body, and what stands at a place in its JSON."""

from __future__ import annotations

from typing import Any

import aiohttp

MOST_BYTES = 65_536


async def body_of(reply: aiohttp.ClientResponse) -> bytes:
    """The body as far as it goes; of one that is longer than `MOST_BYTES` at least one byte more."""
    body = b""
    while len(body) <= MOST_BYTES and (more := await reply.content.read(MOST_BYTES + 1)):
        body += more
    return body


def picked(answer: Any, path: str, *, true: str = "true", false: str = "false") -> str:
    """What stands at `data.code` in an answer, as text; "" where nothing does."""
    for step in path.split("."):
        if isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            answer = answer.get(step) if isinstance(answer, dict) else None
    if isinstance(answer, bool):
        return true if answer else false
    return str(answer) if isinstance(answer, str | int | float) else ""
