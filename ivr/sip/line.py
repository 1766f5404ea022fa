"""A line and its legs, seen from asyncio: the engine's end of the Unix socket.

`Line` does not care whether a SIP worker or the vault serves it. A line survives its worker:
when the connection is lost every leg ends with ``by="worker-lost"``, and the supervisor
connects the same `Line` again.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ivr.sip import protocol as wire

log = logging.getLogger(__name__)
_HEADER_NAME = re.compile(r"[0-9A-Za-z-]{1,64}")
_DTMF = re.compile(r"[0-9*#A-D]*")
_WAIT_FOR_WORKER_S = 5.0  # a dial during a restart waits this long


class LineError(Exception):
    """The line cannot do it; the message is one sentence that says what to do."""


class LineDown(LineError):
    """No worker (or vault) is connected."""


class PortTaken(LineError):
    """The SIP port is in use by another program."""


class WorkerFailed(LineError):
    """The worker said that it cannot run: its configuration or the SIP stack."""


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
        line: "Line",
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


class Line:
    """One SIP worker, or the vault, over a Unix socket.

    ``capacity``: calls it can hold, of which ``seat_legs`` are kept for seats; ``port``: its SIP
    port (0 while unknown).
    """

    def __init__(self, name: str = "line") -> None:
        self.name = name
        self.capacity = 0
        self.seat_legs = 0
        self.port = 0
        self._on_notice: Callable[[str, str], None] | None = None
        self._early_notices: deque[tuple[str, str]] = deque(maxlen=20)
        self.closed = asyncio.Event()  # the connection is gone; set at first
        self.closed.set()
        self._up = asyncio.Event()
        self._legs: dict[int, Leg] = {}
        self._arrivals: asyncio.Queue[Leg | None] = asyncio.Queue()
        self._next_leg = 2
        self._channel: _Channel | None = None

    @property
    def on_notice(self) -> Callable[[str, str], None] | None:
        """A function called with (kind, text) of the line's news, such as
        ``("registration-failed", "registration failed: …")``; what came before it was set too."""
        return self._on_notice

    @on_notice.setter
    def on_notice(self, listener: Callable[[str, str], None] | None) -> None:
        self._on_notice = listener
        while listener is not None and self._early_notices:
            listener(*self._early_notices.popleft())

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs that have not ended."""
        return tuple(self._legs.values())

    async def incoming(self) -> AsyncIterator[Leg]:
        """Each call that comes in, until ``close``; one consumer at a time."""
        while (leg := await self._arrivals.get()) is not None:
            yield leg

    async def dial(
        self, target: str, *, ring_timeout_s: float = 30, headers: Mapping[str, str] | None = None
    ) -> Leg:
        """Start a call and return at once; its events tell how it goes.

        ``target``: a number (through the trunk), ``seat:NAME``, a SIP URI; at the vault a token.
        A restarting worker is waited for, at most 5 s.

        Raises:
            LineDown: no worker is connected.
            ValueError: a header that could break the SIP message.
        """
        for name, value in (headers or {}).items():
            if not _HEADER_NAME.fullmatch(name) or re.search(r"[\r\n\0]", value):
                raise ValueError(f"the SIP header {name!r} has a character that is not allowed")
        try:
            await asyncio.wait_for(self._up.wait(), _WAIT_FOR_WORKER_S)
        except TimeoutError:
            raise LineDown(f"{self.name} has no SIP worker: see why it does not start") from None
        number, self._next_leg = self._next_leg, self._next_leg + 2
        leg = Leg(self, number, "out", headers=headers)
        self._legs[number] = leg
        self.send(wire.Dial(number, target, ring_timeout_s, dict(headers or {})))
        return leg

    async def connect(self, path: Path, *, timeout_s: float = 10.0) -> None:
        """Connect to the server at ``path``, waiting for its socket and its ``Ready``.

        Raises:
            LineDown: nobody serves that socket within ``timeout_s`` seconds.
            PortTaken, WorkerFailed: the worker says that it cannot run.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        channel = _Channel(self)
        while True:
            try:
                await loop.create_unix_connection(lambda: channel, str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError) as error:
                if loop.time() > deadline:
                    raise LineDown(f"{self.name}: nobody serves {path}") from error
                await asyncio.sleep(0.02)
        try:
            ready = await asyncio.wait_for(channel.first, max(0.1, deadline - loop.time()))
        except TimeoutError:
            channel.close()
            raise LineDown(f"{self.name}: the worker says nothing at {path}") from None
        self._begin(channel, ready)

    def drain(self) -> None:
        """Take no new calls (503); those in progress go on."""
        self.send(wire.Drain(0))

    def shut_down_worker(self) -> None:
        """Ask the worker to end every call and itself."""
        self.send(wire.Shutdown(0))

    def close(self) -> None:
        """Close the connection (the server then ends the calls) and end ``incoming``."""
        if self._channel is not None:
            self._channel.close()
        self._arrivals.put_nowait(None)

    def send(self, message: wire.Message) -> None:
        """Send a message to the server; nothing while there is none: the legs have ended."""
        if self._channel is not None:
            self._channel.send(message)

    # --- what the channel tells ---

    def _begin(self, channel: "_Channel", ready: wire.Ready) -> None:
        self.capacity, self.seat_legs, self.port = ready.capacity, ready.seat_legs, ready.port
        self._next_leg = 2
        self._channel = channel
        if channel.lost:
            self._lose(channel)
            raise LineDown(f"{self.name}: the worker ended as soon as it was ready")
        self.closed.clear()
        self._up.set()

    def _lose(self, channel: "_Channel") -> None:
        if channel is not self._channel:
            return
        self._channel = None
        self._up.clear()
        legs, self._legs = self._legs, {}
        for leg in legs.values():
            leg.deliver(Ended(0, "the SIP worker was lost", "worker-lost"))
        self.closed.set()

    def _receive(self, message: wire.Message) -> None:
        if isinstance(message, wire.Incoming):
            self._arrive(message)
            return
        if isinstance(message, wire.Notice):
            log.info("%s: %s", self.name, message.text)
            if self._on_notice is None:
                self._early_notices.append((message.kind, message.text))
            else:
                self._on_notice(message.kind, message.text)
            return
        leg = self._legs.get(message.leg)
        if leg is None:
            return  # it ended while the message was on its way
        if isinstance(message, wire.Frame):
            leg.deliver_frame(message.received, message.sent)
            return
        event = _event(message)
        if isinstance(event, Ended):
            del self._legs[message.leg]
        leg.deliver(event)

    def _arrive(self, message: wire.Incoming) -> None:
        leg = Leg(
            self, message.leg, "in",
            remote=message.remote, called=message.called, headers=message.headers,
        )  # fmt: skip
        self._legs[message.leg] = leg
        self._arrivals.put_nowait(leg)


def _event(message: wire.Message) -> LegEvent:
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


class _Channel(asyncio.Protocol):
    """One connection. ``first`` is done when the server has said Ready (or failed)."""

    def __init__(self, line: Line) -> None:
        self.first: asyncio.Future[wire.Ready] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._line = line
        self._decoder = wire.Decoder()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._decoder.feed(data):
                if self.first.done():
                    self._line._receive(message)
                else:
                    self._read_first(message)
        except wire.ProtocolError:
            log.exception("%s: the server does not speak the protocol", self._line.name)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.first.done():
            self.first.set_exception(LineDown("the worker ended before it was ready"))
        self._line._lose(self)

    def send(self, message: wire.Message) -> None:
        self._transport.write(wire.encode(message))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _read_first(self, message: wire.Message) -> None:
        if isinstance(message, wire.Ready):
            self.first.set_result(message)
        elif isinstance(message, wire.Failed):
            kind = PortTaken if message.kind == "port-taken" else WorkerFailed
            self.first.set_exception(kind(message.text))
        else:
            raise wire.ProtocolError(f"{type(message).__name__} came before Ready")
