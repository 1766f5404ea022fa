"""Sends what stands in the outbox: texts to callers by the engine's gateway, those to owners by the vault.

Nothing waits for a gateway: who wants a text puts it in the outbox, and the case's log tells what became of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from dialer.texting.gateway import Sent, ask_gateway
from dialer.texting.outbox import QUIET, Outbox, Text, owner_once
from dialer.texting.settings import Gateway
from dialer.vault.client import LookupRefused, VaultUnavailable
from hotline.storage.database import Reach
from hotline.storage.owed import Owed
from hotline.storage.rounds import LOOK_S, Bell, Rounds
from hotline.texting.texts import TextTemplate

log = logging.getLogger(__name__)

MOST_AT_ONCE = 8
VAULT_AWAY_S = DATABASE_AWAY_S = 15.0
QUIET_AGAIN_S = 300.0
OWNER_TEXT = "owner_please_move"
"""The template of the text for owners whom no call reached; without it they get none."""
OWED_S = 600.0
"""A text that nobody could think of for so long, because no engine ran, is not sent any more."""


class Cases(Protocol):
    """The cases' logs, open or closed, and the numbers that callers called from."""

    def note(self, case_id: str, side: str, kind: str, **details: object) -> None: ...

    async def caller(self, case_id: str) -> str: ...

    async def plate(self, case_id: str) -> str: ...


class OwnerTexts(Protocol):
    """The vault, as far as it sends texts."""

    async def text(self, ticket: str, text_id: str, text: str) -> Sent: ...


class TextDesk:
    """The texts of one engine. Use as an async context: entered, what is due is sent.

    `gateway`: None where none is set up: then no text is taken. `templates`: of this moment. `quiet_s`: seconds
    until owners may get texts, by the desk's own quiet hours. `run`: where the outbox's work is done. `reach`: who
    says that the database is away. `ask`: how the gateway is asked. `bell`: tells of changes, where desks share one.
    """

    def __init__(
        self, gateway: Gateway | None, outbox: Outbox, cases: Cases, vault: Callable[[], OwnerTexts],
        templates: Callable[[], Mapping[str, TextTemplate]], *,
        quiet_s: Callable[[], float] = lambda: 0.0, run: Callable[..., Awaitable] = asyncio.to_thread,
        reach: Reach | None = None, ask: Callable[..., Awaitable[Sent]] = ask_gateway, bell: Bell | None = None,
    ) -> None:
        self._reach, self._ask = reach or Reach(), ask
        self._owed = Owed(self._reach)
        self.gateway, self.outbox = gateway, outbox
        self._cases, self._vault, self._templates = cases, vault, templates
        self._quiet_s, self._run = quiet_s, run
        self._rounds = Rounds(self._look, "text-desk", bell)
        self._next_s = 0.0
        self._refused: set[int] = set()       # requests whose owner gets none: asked not to be called

    async def __aenter__(self) -> "TextDesk":
        if self.gateway:
            try:
                for text in await self._run(self.outbox.recover):
                    self._tell_end(text)
            except SQLAlchemyError as error:
                self._reach.failed(error)  # they go on at a later round
            self._rounds.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rounds.end()
        await self._owed.settle("texts")

    def reaches(self, number: str) -> bool:
        """Whether texts can be sent to this number."""
        return bool(self.gateway and number and self.gateway.takes(number))

    async def put(
        self, template: TextTemplate, case_id: str, once: str, values: dict[str, str], *, ticket: str = "", owner: str = "",
    ) -> bool:
        """Take a text, on disk when this returns; False where one for the same was taken, or none may be.
        Raises KeyError for a template with a value that is not known."""
        if not self.gateway:
            return False
        taken = await self._run(lambda: self.outbox.put(
            once, case_id, template.to, template.name, template.filled(values), minutes=template.minutes,
            ticket=ticket, owner=owner))
        if taken:
            self._cases.note(case_id, "desk", "text_queued", to=template.to, text=template.name)
            self._rounds.bell.ring()
        return taken

    async def under_way(self, once: str) -> bool:
        """Whether a text for this was sent or still may be."""
        text = await self._run(self.outbox.text, once)
        return text is not None and text.state in ("waiting", "sending", "sent")

    async def withdraw(self, case_id: str) -> None:
        """The car has moved: a case's texts that are not on their way yet are not sent; on disk as soon as the
        database takes it."""
        async def change() -> None:
            for text in await self._run(self.outbox.withdraw, case_id):
                self._cases.note(text.case_id, "desk", "text_withdrawn", to=text.to, text=text.name)

        await self._owed.write(change)

    async def _look(self) -> None:
        try:
            if not await self._owed.pay():
                return
            await self._take_owed()
            due, ended = await self._run(self.outbox.claim, self._room())
        except SQLAlchemyError as error:
            self._reach.failed(error)
            return
        self._spend(len(due))
        for text in ended:
            self._tell_end(text)
        for text in due:
            self._rounds.start(self._send(text))

    async def _take_owed(self) -> None:
        """An owner whom no call reached gets one text, whether or not a caller still waits on the line."""
        template = self._templates().get(OWNER_TEXT)
        for request, case_id in await self._run(self.outbox.owed, OWED_S) if template else ():
            if request.id not in self._refused:
                plate = await self._cases.plate(case_id)
                taken = plate and await self.put(template, case_id, owner_once(request.id), {"plate": plate},
                                                 ticket=request.ticket, owner=request.owner)
                if not taken:
                    self._refused.add(request.id)

    def _room(self) -> int:
        """How many texts may go now, by the gateway's rate."""
        if asyncio.get_running_loop().time() < self._next_s:
            return 0
        return min(max(1, int(LOOK_S * self.gateway.per_minute / 60)), MOST_AT_ONCE - len(self._rounds))

    def _spend(self, texts: int) -> None:
        now = asyncio.get_running_loop().time()
        self._next_s = max(self._next_s, now) + texts * 60 / self.gateway.per_minute

    async def _send(self, text: Text) -> None:
        """One try to its end, and the end on disk: what a gateway took must not be forgotten."""
        try:
            change = await (self._to_owner(text) if text.to == "owner" else self._to_caller(text))
        except SQLAlchemyError as error:
            self._reach.failed(error)
            change = partial(self.outbox.put_off, text.id, DATABASE_AWAY_S, "the database was away")

        async def end() -> None:
            self._tell_end(await self._run(change), before=text)

        await self._owed.write(end)

    async def _to_caller(self, text: Text) -> Callable[[], Text]:
        number = await self._cases.caller(text.case_id)
        if not self.reaches(number):
            return partial(self.outbox.end, text.id, Sent("refused", "the number gets no texts"))
        return partial(self.outbox.end, text.id, await self._ask(self.gateway, number, text.text, text.id))

    async def _to_owner(self, text: Text) -> Callable[[], Text]:
        """By the vault, which alone knows the number, and keeps to the owner's own hours."""
        quiet_s = self._quiet_s()
        if quiet_s > 0 and not await self._run(self.outbox.is_emergency, text):
            return partial(self.outbox.put_off, text.id, min(quiet_s, QUIET_AGAIN_S), QUIET)
        try:
            sent = await self._vault().text(text.ticket, text.id, text.text)
        except LookupRefused as refused:
            if refused.kind == "quiet":
                return partial(self.outbox.put_off, text.id, QUIET_AGAIN_S, QUIET)
            sent = Sent("refused", refused.kind)
        except VaultUnavailable:
            return partial(self.outbox.put_off, text.id, VAULT_AWAY_S, "the vault is down")
        return partial(self.outbox.end, text.id, sent)

    def _tell_end(self, text: Text, before: Text | None = None) -> None:
        """What became of a text, in its case; what goes on as `before` is told once."""
        if before and text.state == "waiting" and text.why == before.why:
            return
        kind = {"sent": "text_sent", "waiting": "text_delayed", "sending": "text_delayed"}.get(text.state, "text_failed")
        self._cases.note(text.case_id, "desk", kind, to=text.to, text=text.name, why=text.why, reference=text.reference,
                         **({"end": text.state} if kind == "text_failed" else {}))
