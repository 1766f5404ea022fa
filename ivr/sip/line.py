"""A line, seen from asyncio: the engine's end of the Unix socket.

`Line` does not care whether a SIP worker or the vault serves it. A line survives its worker:
when the connection is lost every leg ends with ``by="worker-lost"``, and the supervisor
connects the same `Line` again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from ivr.sip import protocol as wire
from ivr.sip.leg import (
    Answered,
    Dtmf,
    Ended,
    Held,
    Leg,
    LegEvent,
    Played,
    Ringing,
    event_of,
)

__all__ = [
    "Answered", "Dtmf", "Ended", "Held", "Leg", "LegEvent", "Line", "LineDown", "LineError",
    "Played", "PortTaken", "Ringing", "WorkerFailed",
]  # fmt: skip

log = logging.getLogger(__name__)
_HEADER_NAME = re.compile(r"[0-9A-Za-z-]{1,64}")
_WAIT_FOR_WORKER_S = 5.0  # a dial during a restart waits this long


class LineError(Exception):
    """The line cannot do it; the message is one sentence that says what to do."""


class LineDown(LineError):
    """No worker (or vault) is connected."""


class PortTaken(LineError):
    """The SIP port is in use by another program."""


class WorkerFailed(LineError):
    """The worker said that it cannot run: its configuration or the SIP stack."""


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
        self._draining = False
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
        """Take no new calls (503), after a restart neither; those in progress go on and may
        still get a seat."""
        self._draining = True
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
        if self._draining:  # a worker that was started again knows nothing of it
            self.send(wire.Drain(0))
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
        event = event_of(message)
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
