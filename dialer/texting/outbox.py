"""The outbox: what is to be sent stands on disk before anybody is told of it, and until a gateway has it.

A try is written down before the gateway is asked. If the process dies then, the text goes to the gateway
again under the same {id} where the gateway knows ids, and never again where it does not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sqlalchemy import Engine, String, cast, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dialer.outcome import UNREACHED
from dialer.queue_tables import NoCalls, Request, RequestCase
from dialer.texting.gateway import Sent
from dialer.texting.table import Text
from dialer.transactions import Transactions

__all__ = ["Outbox", "Text"]

LEASE_S = 90.0
"""Longer than any gateway may take (`settings.LONGEST_S`): who has not written down an end by then is dead."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
ENDS = {"accepted": "sent", "refused": "refused", "unsure": "unsure"}


def owner_once(request_id):
    """However many callers ask for a car, its owner gets one text about it. An id, or a column of ids."""
    return "owner of request " + (str(request_id) if isinstance(request_id, int) else cast(request_id, String))


class Outbox(Transactions):
    """Texts in one database. Every method is one transaction, on disk when it returns, and may be called from
    any thread. `now` gives seconds since 1970. `name`: the engine's, one of several on the database. `same_id`:
    the engine's own gateway sends a text once for one id, so that what is unsure may be tried again; of texts to
    owners the vault knows what may."""

    def __init__(self, engine: Engine, now: Callable[[], float], name: str = "engine", *, same_id: bool = False) -> None:
        super().__init__(engine, now)
        self.name, self._same_id = name, same_id

    def put(
        self, once: str, case_id: str, to: str, name: str, text: str, *, minutes: float, ticket: str = "", owner: str = "",
    ) -> bool:
        """Take a text, which is not sent when it is older than `minutes`. False where one for the same (`once`) was
        taken before, or `owner` (a mark) asked to be left alone."""
        try:
            return self._change(self._put, once, case_id, to, name, text, minutes, ticket, owner)
        except IntegrityError:  # another engine put it in this moment
            return False

    def claim(self, most: int) -> tuple[list[Text], list[Text]]:
        """Up to `most` texts to send now, each on disk as being sent by this engine; and those that ended unsent."""
        return self._change(self._claim, most)

    def end(self, text_id: str, sent: Sent) -> Text:
        """What came of a try."""
        return self._change(self._end, text_id, sent)

    def put_off(self, text_id: str, seconds: float, why: str) -> Text:
        """Nobody was asked (the vault is down, the owner's quiet hours): later again."""
        return self._change(self._put_off, text_id, seconds, why)

    def recover(self) -> list[Text]:
        """After a start: what a crash of this engine cut off goes on, or, where the gateway knows no ids, is `unsure`."""
        return self._change(self._take_over, Text.engine == self.name)

    def withdraw(self, once: str) -> None:
        """It need not be sent any more, where it is not on its way yet."""
        self._change(self._withdraw, once)

    def owed(self, window_s: float) -> list[tuple[Request, str]]:
        """Requests of the last `window_s` seconds in which no call reached the owner, for whom no text was taken;
        each with a case that asked."""
        query = (select(Request, func.min(RequestCase.case_id))
                 .join(RequestCase, RequestCase.request_id == Request.id)
                 .where(Request.state == "done", Request.outcome.in_(UNREACHED), Request.ended_at > self.time() - window_s,
                        ~exists().where(Text.once == owner_once(Request.id)))
                 .group_by(Request.id))
        with self._reading() as session:
            return [(request, case_id) for request, case_id in session.execute(query)]

    def text(self, once: str) -> Text | None:
        """The text that was taken for this, as it is now."""
        with self._reading() as session:
            return session.scalars(select(Text).where(Text.once == once)).first()

    def texts(self, limit: int = 20) -> list[Text]:
        """The newest first."""
        with self._reading() as session:
            return list(session.scalars(select(Text).order_by(Text.queued_at.desc()).limit(limit)))

    # --- one transaction each ---

    def _put(self, session: Session, now: float, once, case_id, to, name, text, minutes, ticket, owner) -> bool:
        there = session.scalars(select(Text.id).where(Text.once == once)).first()
        if there or (owner and session.get(NoCalls, owner)):
            return False
        session.add(Text(
            id=secrets.token_hex(16), once=once, case_id=case_id, to=to, name=name, text=text, ticket=ticket,
            state="waiting", queued_at=now, due_at=now, expires_at=now + 60 * minutes,
        ))
        return True

    def _claim(self, session: Session, now: float, most: int) -> tuple[list[Text], list[Text]]:
        dead = or_(Text.lease_until < now, Text.lease_until > now + 2 * LEASE_S)  # or the clock was set back
        ended = [text for text in self._take_over(session, now, dead) if text.state == "unsure"]
        session.flush()
        for text in session.scalars(select(Text).where(Text.state == "waiting", Text.expires_at <= now)):
            text.state, text.ended_at = "expired", now
            ended.append(text)
        session.flush()
        due = select(Text).where(Text.state == "waiting", Text.due_at <= now).order_by(Text.due_at)
        found = list(session.scalars(due.limit(most).with_for_update(skip_locked=True))) if most > 0 else []
        for text in found:
            text.state, text.tries = "sending", text.tries + 1
            text.engine, text.lease_until = self.name, now + LEASE_S
        return found, ended

    def _end(self, session: Session, now: float, text_id: str, sent: Sent) -> Text:
        text = session.get(Text, text_id, with_for_update=True)
        if text.state != "sending":
            return text
        text.why, text.reference = sent.why, sent.reference
        if sent.how == "again" or (sent.how == "unsure" and self._may_repeat(text)):
            pause = min(FIRST_PAUSE_S * 2 ** min(text.tries - 1, 16), LONGEST_PAUSE_S)
            return self._wait(text, now, max(pause, sent.after_s))
        text.state, text.ended_at = ENDS[sent.how], now
        return text

    def _may_repeat(self, text: Text) -> bool:
        return text.to == "caller" and self._same_id

    def _put_off(self, session: Session, now: float, text_id: str, seconds: float, why: str) -> Text:
        text = session.get(Text, text_id, with_for_update=True)
        if text.state == "sending":
            text.why, text.tries = why, text.tries - 1
            self._wait(text, now, seconds)
        return text

    def _wait(self, text: Text, now: float, seconds: float) -> Text:
        text.state, text.due_at = "waiting", now + seconds
        if text.due_at >= text.expires_at:
            text.state, text.ended_at = "expired", now
        return text

    def _take_over(self, session: Session, now: float, whose) -> list[Text]:
        """What nobody will end any more. Texts to owners go back to the vault, which knows what it sent."""
        cut_off = list(session.scalars(select(Text).where(Text.state == "sending", whose)))
        for text in cut_off:
            if text.to == "owner" or self._may_repeat(text):
                text.state, text.due_at = "waiting", now
            else:
                text.state, text.ended_at, text.why = "unsure", now, "cut off while it was sent"
        return cut_off

    def _withdraw(self, session: Session, now: float, once: str) -> None:
        session.execute(update(Text).where(Text.once == once, Text.state == "waiting").values(state="withdrawn", ended_at=now))
