"""Texts to owners, as the vault sends them: it alone knows the number, and accounts for each.

Each text is in the audit log before a gateway is asked, and its end after. Budgets, and which texts were
sent, are read from there: a vault that is started anew sends nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable

from dialer.errors import LookupRefused
from dialer.register.owner import Owner
from dialer.texting.gateway import Sent, ask_gateway
from dialer.texting.settings import Gateway
from dialer.vault.audit import AuditLog
from dialer.vault.config import VaultConfig
from dialer.vault.limits import DAY_S, Window

log = logging.getLogger(__name__)
_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 300


class OwnerTexts:
    """Sends within budget: `texts_per_case` and `texts_per_owner` in 24 hours. `clock` in seconds, one that is never
    set; `minute` gives the minute of the day; `ask`: how the gateway is asked."""

    def __init__(
        self, config: VaultConfig, gateway: Gateway | None, audit: AuditLog,
        clock: Callable[[], float] = time.monotonic, minute: Callable[[], int] = lambda: _minute_of_day(),
        ask: Callable[..., Awaitable[Sent]] = ask_gateway,
    ) -> None:
        self._config, self._gateway, self._audit = config, gateway, audit
        self._clock, self._minute, self._ask = clock, minute, ask
        self._spent = Window(DAY_S)
        self._begun: dict[str, Sent | None] = {}
        self._under_way: set[str] = set()
        self._remember()

    async def send(self, case: str, owner: Owner, mark: str, text_id: object, text: object) -> Sent:
        """One try. `mark`: the owner's. What was accepted before is accepted, and not sent again.

        Raises:
            LookupRefused: "gateway", "number", "quiet", "texts" or "request".
        """
        gateway = self._gateway
        if gateway is None:
            raise LookupRefused("gateway", "the vault has no gateway for texts: set text_gateway in vault.toml")
        if not isinstance(text_id, str) or not _ID.fullmatch(text_id) or not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
            raise LookupRefused("request", f"a text has an id of 32 hex digits and 1 to {_LONGEST} characters")
        if text_id in self._under_way:
            return Sent("again", "under way")
        if before := self._before(text_id):
            return before
        number = next((n for n in owner.numbers if gateway.takes(n.reveal())), None)
        if number is None:
            raise LookupRefused("number", "no number of this owner gets texts")
        if owner.is_quiet_at(self._minute()):
            raise LookupRefused("quiet", "the owner asked not to be disturbed at this hour")
        self._spend(case, mark, text_id)
        self._under_way.add(text_id)
        try:
            await asyncio.to_thread(self._audit.append, "text", case=case, plate=self._audit.plate_mark(owner.plate), owner=mark, id=text_id)
            sent = await self._ask(gateway, number.reveal(), text, text_id)
            await asyncio.to_thread(self._audit.append, "text_ended", case=case, id=text_id, how=sent.how, why=sent.why)
        finally:
            self._under_way.discard(text_id)
        self._begun[text_id] = sent
        return self._told(sent)

    def _before(self, text_id: str) -> Sent | None:
        """What an earlier try came to, where there must be no other."""
        if text_id not in self._begun:
            return None
        sent = self._begun[text_id] or Sent("unsure", "cut off while it was sent")
        told = self._told(sent)
        return None if told.how == "again" else told

    def _told(self, sent: Sent) -> Sent:
        """What is unsure may be tried again where the gateway sends a text once for one id."""
        if sent.how == "unsure" and self._gateway.same_id:
            return Sent("again", sent.why, sent.after_s)
        return sent

    def _spend(self, case: str, mark: str, text_id: str) -> None:
        """A further try of a text costs nothing."""
        if text_id in self._begun:
            return
        now = self._clock()
        over = (self._spent.total(now, f"case {case}") >= self._config.texts_per_case
                or self._spent.total(now, f"owner {mark}") >= self._config.texts_per_owner)
        if over:
            self._audit.append("refused", case=case, caller=None, why="texts")
            raise LookupRefused("texts", "the texts of this case or to this owner are spent for today")
        self._count(now, case, mark, text_id)

    def _count(self, at: float, case: str, mark: str, text_id: str) -> None:
        if text_id not in self._begun:
            self._spent.add(at, f"case {case}")
            self._spent.add(at, f"owner {mark}")
            self._begun[text_id] = None

    def _remember(self) -> None:
        for entry in self._audit.since("text", DAY_S):
            self._count(self._clock() - entry["age_s"], entry["case"], entry["owner"], entry["id"])
        for entry in self._audit.since("text_ended", DAY_S):
            self._begun[entry["id"]] = Sent(entry["how"], entry["why"])


def _minute_of_day() -> int:
    now = time.localtime()
    return now.tm_hour * 60 + now.tm_min
