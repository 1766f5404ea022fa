"""The outbox: what is to be sent stands on disk before anybody is told of it, and until a gateway has it.

A try is written down before the gateway is asked. If the process dies then, the text goes to the gateway
again under the same {id} where the gateway knows ids, and never again where it does not. The engine that took
a text sends it; another takes it up when that one is dead (`dialer.database.pulse`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sqlalchemy import Engine, String, cast, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dialer.database.pulse import Pulse
from dialer.database.tables import NoCalls, Request, RequestCase
from dialer.database.transactions import Transactions
from dialer.outcome import UNREACHED
from dialer.texting.gateway import LONGEST_RETRY_AFTER_S, Sent
from dialer.texting.table import Text

__all__ = ["Outbox", "Text"]

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
QUIET = "quiet hours"
"""Why a text to an owner waits for the morning."""
ENDS = {"accepted": "sent", "refused": "refused", "unsure": "unsure"}


def owner_once(request_id):
    """However many callers ask for a car, its owner gets one text about it. An id, or a column of ids."""
    return "owner of request " + (str(request_id) if isinstance(request_id, int) else cast(request_id, String))


class Outbox(Transactions):
    """Texts in one database. Every method is one transaction, on disk when it returns, and may be called from
    any thread. `now` gives seconds since 1970. `pulse`: this engine among those that work on the database. `same_id`:
    the engine's own gateway sends a text once for one id, so that what is unsure may be tried again; of texts to
    owners the vault knows what may."""

    def __init__(
        self, engine: Engine, now: Callable[[], float], pulse: Pulse | None = None, *, same_id: bool = False
    ) -> None:
        super().__init__(engine, now, pulse)
        self._same_id = same_id

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
        """Up to `most` texts of this engine's to send now, each on disk as being sent; and those that ended unsent.
        What engines that died were sending comes first."""
        return self._change(self._claim, most, then=self._keep_in_mind)

    def end(self, text_id: str, sent: Sent) -> Text:
        """What came of a try."""
        text = self._change(self._end, text_id, sent)
        self._under_way.discard((text_id,))
        return text

    def put_off(self, text_id: str, seconds: float, why: str) -> Text:
        """Nobody was asked (the vault is down, the owner's quiet hours): later again."""
        text = self._change(self._put_off, text_id, seconds, why)
        self._under_way.discard((text_id,))
        return text

    def recover(self) -> list[Text]:
        """After a start: what a crash of this engine cut off goes on, or, where the gateway knows no ids, is `unsure`."""
        return self._change(self._take_over)

    def withdraw(self, case_id: str) -> list[Text]:
        """Nobody needs a case's texts any more, where they are not on their way yet: the caller's, and the
        owner's unless another caller waits for the same car."""
        return self._change(self._withdraw, case_id)

    def is_emergency(self, text: Text) -> bool:
        """Whether the case of a text waits for an owner's call that is an emergency."""
        query = select(Request.emergency).join(RequestCase, RequestCase.request_id == Request.id)
        with self._reading() as session:
            return bool(session.scalar(query.where(RequestCase.case_id == text.case_id)))

    def owed(self, window_s: float) -> list[tuple[Request, str]]:
        """Requests of the last `window_s` seconds in which no call reached the owner, for whom no text was taken;
        each with a case that asked."""
        query = (select(Request, func.min(RequestCase.case_id))
                 .join(RequestCase, RequestCase.request_id == Request.id)
                 .where(RequestCase.withdrawn.is_(False), Request.state == "done", Request.outcome.in_(UNREACHED), Request.ended_at > self.time() - window_s,
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

    def _keep_in_mind(self, claimed: tuple[list[Text], list[Text]]) -> None:
        self._under_way.update((text.id,) for text in claimed[0])

    def _put(self, session: Session, now: float, once, case_id, to, name, text, minutes, ticket, owner) -> bool:
        there = session.scalars(select(Text.id).where(Text.once == once)).first()
        if there or (owner and session.get(NoCalls, owner)):
            return False
        self._pulse.beat(session)
        session.add(Text(
            id=secrets.token_hex(16), once=once, case_id=case_id, to=to, name=name, text=text, ticket=ticket,
            state="waiting", queued_at=now, due_at=now, expires_at=now + 60 * minutes, engine=self._pulse.name,
        ))
        return True

    def _claim(self, session: Session, now: float, most: int) -> tuple[list[Text], list[Text]]:
        ended = []
        if self._each_beat():
            ended += [text for text in self._take_over(session, now) if text.state == "unsure"]
            self._set_back(session, now)
            session.flush()
        ours = select(Text).where(Text.state == "waiting", self._left_to_us(session, Text)).with_for_update(skip_locked=True)
        for text in session.scalars(ours.where(Text.expires_at <= now)):
            text.state, text.ended_at = "expired", now
            ended.append(text)
        session.flush()
        found = list(session.scalars(ours.where(Text.due_at <= now).order_by(Text.due_at).limit(most))) if most > 0 else []
        for text in found:
            text.state, text.tries, text.engine = "sending", text.tries + 1, self._pulse.name
        return found, ended

    def _end(self, session: Session, now: float, text_id: str, sent: Sent) -> Text:
        text = session.get(Text, text_id, with_for_update=True)
        if text.state != "sending" or (text.engine != self._pulse.name and sent.how != "accepted"):
            return text     # this engine was taken for dead meanwhile, and another has it
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
        if text.state == "sending" and text.engine == self._pulse.name:
            text.why, text.tries = why, text.tries - 1
            self._wait(text, now, seconds)
        return text

    def _wait(self, text: Text, now: float, seconds: float) -> Text:
        text.state, text.due_at = "waiting", now + seconds
        if text.due_at >= text.expires_at:
            text.state, text.ended_at = "expired", now
        return text

    def _take_over(self, session: Session, now: float) -> list[Text]:
        """What nobody will end any more. Texts to owners go back to the vault, which knows what it sent."""
        self._pulse.beat(session)
        cut_off = self._cut_off(session, Text, Text.state == "sending")
        for text in cut_off:
            if text.to == "owner" or self._may_repeat(text):
                text.state, text.due_at = "waiting", now
            else:
                text.state, text.ended_at, text.why = "unsure", now, "cut off while it was sent"
        return cut_off

    def _set_back(self, session: Session, now: float) -> None:
        """Where the clock was set back between two runs, no text waits, or may be sent, longer than it should."""
        ours = Text.state == "waiting", self._left_to_us(session, Text)
        for text in session.scalars(select(Text).where(*ours, Text.queued_at > now)):
            ahead = text.queued_at - now
            text.queued_at, text.due_at, text.expires_at = now, text.due_at - ahead, text.expires_at - ahead
        session.flush()
        session.execute(update(Text).where(*ours, Text.due_at > now + LONGEST_RETRY_AFTER_S).values(due_at=now))

    def _withdraw(self, session: Session, now: float, case_id: str) -> list[Text]:
        for_it = (Text.case_id == case_id) & (Text.to == "caller")
        if asked := session.get(RequestCase, case_id):
            others = select(RequestCase).where(RequestCase.request_id == asked.request_id, RequestCase.withdrawn.is_(False))
            if session.scalars(others.limit(1)).first() is None:
                for_it |= Text.once == owner_once(asked.request_id)
        query = select(Text).where(Text.state == "waiting", for_it)
        withdrawn = list(session.scalars(query.with_for_update(skip_locked=True)))
        for text in withdrawn:
            text.state, text.ended_at = "withdrawn", now
        return withdrawn
