"""Serves a line to an engine on a Unix socket: what the vault uses as a proxy.

The vault owns a `Line` of its own (a supervised SIP worker with ``mask_remote``) and gives the
engine this server instead. The engine dials tokens; ``on_dial`` turns a token into a leg of
the vault's line; commands, events and frames then pass through. Peers' URIs, numbers, headers
and reasons never pass::

    async def on_dial(token, ring_timeout_s, headers):
        number = tokens.take(token)                      # may raise DialRefused(404, "…")
        return await line.dial(number, ring_timeout_s=ring_timeout_s)

    server = LineServer(path, line.capacity, on_dial)
    await server.start()
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from ivr.sip import protocol as wire
from ivr.sip.line import Answered, Dtmf, Ended, Held, Leg, LegEvent, LineDown, Played, Ringing

log = logging.getLogger(__name__)
OnDial = Callable[[str, float, Mapping[str, str]], Awaitable[Leg]]


class DialRefused(Exception):
    """What ``on_dial`` raises to end a call before it begins; ``reason`` goes to the engine."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class LineServer:
    """One engine at a time, on ``path`` (mode 0600). When it goes away its calls are ended.

    ``on_event(token, leg, event)``, if set, sees each event before the engine does; the last one
    of every leg that ``on_dial`` gave is an ``Ended``, also where the engine is gone.
    """

    def __init__(self, path: Path, capacity: int, on_dial: OnDial) -> None:
        self.on_event: Callable[[str, Leg, LegEvent], None] | None = None
        self._path = path
        self._capacity = capacity
        self._on_dial = on_dial
        self._server: asyncio.Server | None = None
        self._client: asyncio.Task[None] | None = None
        self._legs: dict[int, Leg] = {}
        self._dialling: dict[int, asyncio.Task[None]] = {}  # legs that on_dial is at work on
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """End the engine's calls, its connection and the socket."""
        self._server.close()
        if self._client is not None:
            self._client.cancel()
            await asyncio.gather(self._client, *self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None and not self._client.done():
            log.warning("a second engine was turned away: this line serves one at a time")
            writer.close()
            return
        self._client = asyncio.current_task()
        writer.write(wire.encode(wire.Ready(0, self._capacity)))
        decoder = wire.Decoder()
        try:
            while data := await reader.read(1 << 16):
                for message in decoder.feed(data):
                    self._obey(message, writer)
        except (wire.ProtocolError, ConnectionError) as error:
            log.warning("the engine's connection ends: %s", error)
        except asyncio.CancelledError:
            pass  # stop() asked for it; passed on, asyncio's streams would report it as a failure
        finally:
            self._end_all()
            writer.close()

    def _end_all(self) -> None:
        self._dialling.clear()
        for task in self._tasks:  # each hangs its leg up
            task.cancel()

    def _obey(self, message: wire.Message, writer: asyncio.StreamWriter) -> None:
        if isinstance(message, wire.Dial):
            task = asyncio.create_task(self._call(message, writer))
            self._dialling[message.leg] = task
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif leg := self._legs.get(message.leg):
            self._command(leg, message)
        elif isinstance(message, wire.Hangup) and message.leg in self._dialling:
            self._dialling.pop(message.leg).cancel()
            writer.write(wire.encode(wire.EndedMsg(message.leg, 487, "", "local")))

    def _command(self, leg: Leg, message: wire.Message) -> None:
        match message:
            case wire.Play():
                leg.play(message.pcm, message.mark)
            case wire.Flush():
                leg.flush()
            case wire.SendDtmf():
                leg.send_dtmf(message.digits)
            case wire.Hangup():
                leg.hangup(message.code)
            case wire.Unbridge():
                leg.unbridge()
            case wire.Bridge() if message.other in self._legs:
                leg.bridge(self._legs[message.other])

    async def _call(self, dial: wire.Dial, writer: asyncio.StreamWriter) -> None:
        leg = await self._dialled(dial, writer)
        if leg is None:
            return
        self._legs[dial.leg] = leg
        leg.on_frame = lambda received, sent: writer.write(
            wire.encode_frame(dial.leg, received, sent)
        )
        try:
            await self._pass_events(dial, leg, writer)
        except asyncio.CancelledError:
            self._give_up(dial, leg)
            raise
        finally:
            self._legs.pop(dial.leg, None)
            leg.hangup()  # does nothing where it has ended

    async def _dialled(self, dial: wire.Dial, writer: asyncio.StreamWriter) -> Leg | None:
        try:
            leg = await self._on_dial(dial.target, dial.ring_timeout_s, dial.headers)
        except (DialRefused, LineDown) as error:
            code = getattr(error, "code", 503)
            reason = getattr(error, "reason", "the line is down")
            ended = wire.EndedMsg(dial.leg, code, reason, "local")
        except Exception as error:  # its text could hold the number
            log.error("on_dial failed: %s", type(error).__name__)
            ended = wire.EndedMsg(dial.leg, 500, "on_dial failed", "local")
        else:
            if self._dialling.pop(dial.leg, None) is not None:
                return leg
            self._give_up(dial, leg)  # hung up meanwhile: wait_for may keep a cancellation back
            return None
        if self._dialling.pop(dial.leg, None) is not None:
            writer.write(wire.encode(ended))
        return None

    async def _pass_events(
        self, dial: wire.Dial, leg: Leg, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            event = await leg.events.get()
            self._tell(dial, leg, event)
            writer.write(wire.encode(_message(dial.leg, event)))
            if isinstance(event, Ended):
                return

    def _give_up(self, dial: wire.Dial, leg: Leg) -> None:
        leg.on_frame = None
        leg.hangup()
        self._tell(dial, leg, leg.ended or Ended(487, "", "local"))

    def _tell(self, dial: wire.Dial, leg: Leg, event: LegEvent) -> None:
        if self.on_event is not None:
            self.on_event(dial.target, leg, event)


def _message(number: int, event: LegEvent) -> wire.Message:
    match event:
        case Ringing(code, early_media):
            return wire.RingingMsg(number, code, early_media)
        case Answered():
            return wire.AnsweredMsg(number)
        case Held(on):
            return wire.HeldMsg(number, on)
        case Dtmf(digit, source):
            return wire.DtmfMsg(number, digit, source)
        case Played(mark, dropped):
            return wire.PlayedMsg(number, mark, dropped)
        case Ended(code, reason, by):  # a worker with mask_remote gives standard phrases only
            return wire.EndedMsg(number, code, reason, by)
    raise TypeError(f"{event!r} is not an event of a leg")
