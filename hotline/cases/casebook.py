"""One case while it lives: its number, its log, and who is told of each entry."""

import asyncio
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from hotline.storage.store import Case, CaseEvent, Store, now_text

log = logging.getLogger("case")

LEFT_OPEN = "flow"
"""The channel of cases that a flow opened: they outlive the call and are closed by people."""
SETTLED = ("", "moved", "cancelled", "person")
"""Outcomes of cases of which nobody is asked any more: still on the line, at their end, not wanted, with a person."""
FEWEST_DIGITS = 7


@dataclass(frozen=True)
class Entry:
    """One thing that happened in a case: on which side, what, and its details."""

    case_id: str
    at: str
    side: str
    kind: str
    details: dict[str, Any]


Listener = Callable[[Entry], None]


class OpenCase:
    """A case being worked on. Every `note` is stored, logged as JSON, and told to listeners."""

    def __init__(self, store: Store, case_id: str, listeners: list[Listener]):
        self.id = case_id
        self.outcome = ""
        self.reason = ""
        self._store, self._listeners = store, listeners

    @classmethod
    def opened(cls, store: Store, channel: str, caller: str, listeners: list[Listener]) -> "OpenCase":
        """A new case."""
        case = cls(store, f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}", listeners)
        _reported(store.open_case(Case(
            id=case.id, channel=channel, opened_at=now_text(), closed_at="",
            caller=caller, plate="", outcome="", reason="",
        )))
        return case

    def beside(self, caller: str, reason: str, plate: str = "") -> "OpenCase":
        """A further case of the same caller, which stays open for the desk's people."""
        case = self.opened(self._store, LEFT_OPEN, caller, self._listeners)
        _reported(self._store.update_case(case.id, reason=reason, plate=plate))
        case.reason = reason
        return case

    def note(self, side: str, kind: str, **details: Any) -> None:
        """Append to the case's log. `side` is "caller", "owner" or "desk"."""
        entry = Entry(self.id, now_text(), side, kind, details)
        text = json.dumps(details, ensure_ascii=False)
        _reported(self._store.add_event(CaseEvent(
            case_id=self.id, seq=0, at=entry.at, side=side, kind=kind, details=text
        )))
        log.info(kind, extra={"fields": {"case": self.id, "side": side, **details}})
        for listener in self._listeners:
            listener(entry)

    def set_plate(self, plate: str) -> None:
        _reported(self._store.update_case(self.id, plate=plate))

    def set_reason(self, reason: str) -> None:
        """Why the case is there, as lists of cases show it."""
        self.reason = reason
        _reported(self._store.update_case(self.id, reason=reason))

    async def earlier(self, caller: str, life_s: float) -> list[tuple[str, str]]:
        """Cases of the same caller of the last `life_s` seconds that still wait for the word that the car moved:
        (case, plate), newest first. Nobody is known by a number that is withheld."""
        if not recognizable(caller):
            return []
        await self._store.flushed()
        found = await asyncio.to_thread(self._store.cases_of, caller, datetime.now(UTC) - timedelta(seconds=life_s))
        return [(case.id, case.plate) for case in found if case.id != self.id and case.plate and case.outcome not in SETTLED]

    def settle(self, case_id: str, outcome: str) -> None:
        """Another case has come to its end by what was said in this one."""
        OpenCase(self._store, case_id, self._listeners).note("desk", "settled", outcome=outcome, told_in=self.id)
        _reported(self._store.update_case(case_id, outcome=outcome, closed_at=now_text()))

    def close(self, outcome: str, reason: str = "") -> None:
        """Give the case its outcome; the first one stands."""
        if self.outcome:
            return
        self.outcome, self.reason = outcome, reason
        self.note("desk", "closed", outcome=outcome, reason=reason)
        _reported(self._store.update_case(self.id, outcome=outcome, reason=reason, closed_at=now_text()))


class Casebook:
    """All cases of a store by their number, for what goes on when no conversation of theirs does."""

    def __init__(self, store: Store, listeners: list[Listener]):
        self._store, self._listeners = store, listeners

    def case(self, case_id: str) -> OpenCase:
        """A case that is there already."""
        return OpenCase(self._store, case_id, self._listeners)

    def note(self, case_id: str, side: str, kind: str, **details: Any) -> None:
        """Append to a case's log, be it open or closed."""
        self.case(case_id).note(side, kind, **details)

    async def kept(self) -> None:
        """Return when all that was noted is on disk, or the database is away."""
        await self._store.flushed()

    async def plate(self, case_id: str) -> str:
        """The plate of a case, "" while it has none."""
        case = await self._stored(case_id)
        return case.plate if case else ""

    async def caller(self, case_id: str) -> str:
        """The number that a case's caller called from, "" where it was withheld."""
        case = await self._stored(case_id)
        return case.caller if case else ""

    async def _stored(self, case_id: str) -> Case | None:
        await self._store.flushed()
        return await asyncio.to_thread(self._store.case, case_id)


def recognizable(caller: str) -> bool:
    """Whether a caller's number tells who calls: `anonymous` and a switchboard's short number do not."""
    return len(re.sub(r"\D", "", caller)) >= FEWEST_DIGITS


def _reported(written) -> None:
    """The store keeps what its database cannot take; a mistake in that is logged, and the conversation goes on."""
    def report(future) -> None:
        if error := future.exception():
            log.error("not_stored", extra={"fields": {"error": type(error).__name__}})

    written.add_done_callback(report)
