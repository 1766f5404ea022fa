"""A call leg and its events, seen from asyncio."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ivr.sip import protocol as wire

if TYPE_CHECKING:
    from ivr.sip.line import Line

log = logging.getLogger(__name__)
_DTMF = re.compile(r"[0-9*#A-D]*")


@dataclass(frozen=True, slots=True)
class Ringing:
    """A provisional response. ``early_media``: audio of the peer's side flows already."""

    code: int
    early_media: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """The call is up."""


@dataclass(frozen=True, slots=True)
class Held:
    """The peer put us on hold, or took us back; queued audio waits meanwhile."""

    on: bool


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key. ``source``: ``rfc4733`` or ``info``."""

    digit: str
    source: str


@dataclass(frozen=True, slots=True)
class Played:
    """What was queued with ``mark`` has left, or (``dropped``) never will."""

    mark: str
    dropped: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of a leg. ``code``: SIP response; 200 for a call that was up, 408 by local
    where nobody answered in time. ``by``: ``remote``, ``local`` or ``worker-lost``."""

    code: int
    reason: str
    by: str


LegEvent = Ringing | Answered | Held | Dtmf | Played | Ended


class Leg:
    """One call leg. Commands never wait and never fail: after the end they do nothing.

    ``on_frame(received, sent)`` is called every 20 ms while media flows, 320 bytes each
    (16-bit, 8 kHz), in the loop's thread; keep it short.
    """

    def __init__(
        self,
        line: Line,
        number: int,
        direction: Literal["in", "out"],
        *,
        remote: str = "",
        called: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.direction = direction
        self.remote = remote
        self.called = called
        self.headers: Mapping[str, str] = headers or {}
        self.events: asyncio.Queue[LegEvent] = asyncio.Queue()
        self.on_frame: Callable[[bytes, bytes], None] | None = None
        self.ended: Ended | None = None
        self.line = line
        self.number = number

    def ring(self) -> None:
        """Answer an incoming call with 180."""
        self._send(wire.Ring(self.number))

    def answer(self) -> None:
        """Answer an incoming call with 200; ``Answered`` follows when the peer confirms."""
        self._send(wire.Answer(self.number))

    def reject(self, code: int) -> None:
        """Refuse an incoming call.

        Raises:
            ValueError: ``code`` is not a SIP final response of 400 to 699.
        """
        if not 400 <= code <= 699:
            raise ValueError(f"a call is rejected with 400 to 699, not {code}")
        self._send(wire.Reject(self.number, code))

    def play(self, pcm_8k: bytes, mark: str) -> None:
        """Queue PCM (16-bit, 8 kHz) behind what is queued; ``Played(mark)`` when it left."""
        self._send(wire.Play(self.number, mark, bytes(pcm_8k)))

    def flush(self) -> None:
        """Silence now; queued marks come back dropped."""
        self._send(wire.Flush(self.number))

    def send_dtmf(self, digits: str) -> None:
        """Press keys, by RFC 4733.

        Raises:
            ValueError: something other than ``0-9*#A-D``.
        """
        if not _DTMF.fullmatch(digits):
            raise ValueError("keys are 0-9, *, # and A-D")
        self._send(wire.SendDtmf(self.number, digits))

    def bridge(self, other: "Leg") -> None:
        """Let this leg and ``other`` hear each other, besides what is played to each.

        Raises:
            ValueError: ``other`` is on another line.
        """
        if other.line is not self.line:
            raise ValueError("only two legs of the same line can be bridged: relay their frames")
        self._send(wire.Bridge(self.number, other.number))

    def unbridge(self) -> None:
        """Undo ``bridge``, on both legs."""
        self._send(wire.Unbridge(self.number))

    def hangup(self, code: int = 0) -> None:
        """End the call: BYE, CANCEL, or the final response ``code`` if it was not answered."""
        self._send(wire.Hangup(self.number, code))

    def _send(self, message: wire.Message) -> None:
        if self.ended is None:
            self.line.send(message)

    def deliver(self, event: LegEvent) -> None:
        """Give the leg an event (the line does)."""
        if self.ended is None:
            if isinstance(event, Ended):
                self.ended = event
            self.events.put_nowait(event)

    def deliver_frame(self, received: bytes, sent: bytes) -> None:
        """Give the leg a frame (the line does)."""
        if self.on_frame is None:
            return
        try:
            self.on_frame(received, sent)
        except Exception:  # one call's fault must not take the other calls of the line along
            log.exception("leg %s: on_frame failed; it gets no more frames", self.id)
            self.on_frame = None


def event_of(message: wire.Message) -> LegEvent:
    """The event that a message tells.

    Raises:
        ProtocolError: a line does not send such a message.
    """
    match message:
        case wire.RingingMsg():
            return Ringing(message.code, message.early_media)
        case wire.AnsweredMsg():
            return Answered()
        case wire.HeldMsg():
            return Held(message.on)
        case wire.DtmfMsg():
            return Dtmf(message.digit, message.source)
        case wire.PlayedMsg():
            return Played(message.mark, message.dropped)
        case wire.EndedMsg():
            return Ended(message.code, message.reason, message.by)
    raise wire.ProtocolError(f"a line does not send {type(message).__name__}")
