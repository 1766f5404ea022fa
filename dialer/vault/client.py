"""The engine's side of the vault: match what was heard, and dial owners by token."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dialer.errors import LookupRefused, VaultUnavailable
from dialer.texting.gateway import Sent
from dialer.texting.settings import LONGEST_S
from dialer.vault.server import line_socket
from ivr.sip.line import Line, LineError

__all__ = ["LookupRefused", "Match", "Renewed", "Vault", "VaultUnavailable"]

log = logging.getLogger(__name__)
_CONNECT_S = 0.5
_REPLY_S = 3.0  # a lookup takes under 0.2 s: longer is a machine in trouble
_TEXT_S = LONGEST_S + 3.0
_AGAIN_S = 0.1


@dataclass(frozen=True)
class Match:
    """What the vault says of a plate.

    `token`: dials the owner's first number, once, within ten minutes; `more_tokens` the further
    ones. `held`: see `plate_parser.match.Decision`. `tail`: last digits for a seat's screen. `address`: 先生, 女士 or "".
    `ticket`: gets tokens again for a later attempt (`Vault.renew`). `car`, `owner`: blind marks.
    """

    kind: Literal["match", "ask", "none"]
    plate: str | None
    probability: float
    alternatives: tuple[str, ...] = ()
    token: str | None = None
    tail: str = ""
    address: str = ""
    language: str = ""
    more_tokens: tuple[str, ...] = ()
    held: str = ""
    ticket: str = ""
    car: str = ""
    owner: str = ""

    @property
    def tokens(self) -> tuple[str, ...]:
        """One for each of the owner's numbers, in order."""
        return ((self.token,) if self.token else ()) + self.more_tokens


@dataclass(frozen=True)
class Renewed:
    """An owner found again by a ticket: as in `Match`."""

    tokens: tuple[str, ...]
    tail: str
    owner: str


class Vault:
    """A vault on `socket`. `line` is its line: `line.dial(token)`; it outlives restarts."""

    def __init__(self, socket: Path) -> None:
        self.line = Line("vault")
        self._socket = socket
        self._keeper: asyncio.Task[None] | None = None

    async def connect(self, *, timeout_s: float = 10.0) -> None:
        """Connect, and stay connected from then on.

        Raises:
            VaultUnavailable: no vault serves the socket within `timeout_s` seconds.
        """
        try:
            await self.line.connect(line_socket(self._socket), timeout_s=timeout_s)
        except LineError:
            raise VaultUnavailable(f"no vault serves {self._socket}: start it") from None
        self._keeper = asyncio.create_task(self._keep_connected(), name="vault-connection")

    async def close(self) -> None:
        """Leave the vault; owners' calls end."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self.line.close()

    async def match(
        self, case_id: str, heard: Sequence[tuple[str, float]], *, caller: str | None = None,
        denied: Collection[str] = (),
    ) -> Match:
        """Weigh what was heard (plate, probability) against the register, but for what the caller `denied`.

        `caller`: who asks, for the budget a caller has; "" who withholds it; None: not told, no such budget.

        Raises:
            VaultUnavailable: the vault is down (known within 0.5 s) or silent (3 s).
            LookupRefused: over budget, or not a request; a kind of `VaultUnavailable`.
        """
        request = {"op": "match", "case": case_id, "caller": caller, "heard": [list(reading) for reading in heard],
                   "denied": sorted(denied)}
        reply = await self._granted(request)
        lists = {name: tuple(reply.pop(name)) for name in ("alternatives", "more_tokens")}
        return Match(**reply, **lists)

    async def renew(self, ticket: str) -> Renewed:
        """Fresh tokens for the owner that a ticket stands for.

        Raises:
            VaultUnavailable: the vault is down or silent: ask again later.
            LookupRefused: the ticket is too old or foreign, its renewals are spent, or the owner is gone.
        """
        reply = await self._granted({"op": "renew", "ticket": ticket})
        return Renewed((reply["token"], *reply["more_tokens"]), reply["tail"], reply["owner"])

    async def text(self, ticket: str, text_id: str, text: str) -> Sent:
        """Send a text to the owner that a ticket stands for; asked again with one `text_id`, it is sent once.

        Raises:
            VaultUnavailable: the vault is down or silent: ask again later.
            LookupRefused: as `renew`; also "quiet" (the owner's hours), "texts" (the budget), "number"
                (none of the owner's gets texts), "gateway" (none is set up).
        """
        reply = await self._granted({"op": "text", "ticket": ticket, "id": text_id, "text": text}, _TEXT_S)
        return Sent(**reply)

    async def _granted(self, request: dict[str, object], reply_s: float = _REPLY_S) -> dict:
        reply = await self._ask(request, reply_s)
        if "refused" in reply:
            raise LookupRefused(reply["refused"], reply["text"])
        return reply

    async def _ask(self, request: dict[str, object], reply_s: float) -> dict:
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
        except (OSError, TimeoutError):
            raise VaultUnavailable("the vault is down: hand the call to a person") from None
        try:
            writer.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
            async with asyncio.timeout(reply_s):
                return json.loads(await reader.readline())
        except (OSError, TimeoutError, ValueError):
            raise VaultUnavailable("the vault gave no answer: hand the call to a person") from None
        finally:
            writer.close()

    async def _keep_connected(self) -> None:
        while True:
            await self.line.closed.wait()
            try:
                await self.line.connect(line_socket(self._socket), timeout_s=5.0)
            except (LineError, OSError) as error:
                log.warning("the line to the vault is not back, trying again: %s", error)
                await asyncio.sleep(_AGAIN_S)
