"""What the outbox keeps, as a table beside the queue of owners' calls."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from dialer.database.tables import Base


class Text(Base):
    """A text that is to be sent. Times are seconds since 1970. No number is here: a caller's is that of the
    case, an owner's is the vault's.

    `id`: the gateway's {id}, never used again. `once`: what this text is for; a second one for the same is
    not taken. `to`: `caller` or `owner`. `name`: of the template. `ticket`: the owner's, for the vault.
    `state`: `waiting`, `sending`, or its end: `sent`, `refused`, `expired`, `unsure`, `withdrawn`. `why`: of the
    last try. `reference`: the gateway's own number. `engine`: whose it is to send.
    """

    __tablename__ = "text_message"
    __table_args__ = (Index("text_message_due", "state", "due_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    once: Mapped[str] = mapped_column(unique=True)
    case_id: Mapped[str] = mapped_column(index=True)
    to: Mapped[str]
    name: Mapped[str]
    text: Mapped[str]
    ticket: Mapped[str]
    state: Mapped[str]
    queued_at: Mapped[float]
    due_at: Mapped[float]
    expires_at: Mapped[float]
    ended_at: Mapped[float] = mapped_column(default=0.0)
    tries: Mapped[int] = mapped_column(default=0)
    why: Mapped[str] = mapped_column(default="")
    reference: Mapped[str] = mapped_column(default="")
    engine: Mapped[str] = mapped_column(default="")
