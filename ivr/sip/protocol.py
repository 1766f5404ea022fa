"""The wire between an engine and a line: framing and messages, both directions.

A line is served by a SIP worker, or by the vault, on a Unix stream socket with one client.
Everything on it is a packet::

    u8 type | u32 leg | u32 length | payload[length]          (little endian)

``leg`` is 0 for messages about the line itself. Legs that the engine dials get even numbers,
chosen by the engine; incoming legs get odd numbers, chosen by the server: no round trip is
needed to name a leg. Numbers are never reused on one connection.

Audio is binary (``Play``: u16 length of the mark, the mark in UTF-8, PCM; ``Frame``: 320 bytes
received, 320 bytes sent). All other payloads are small JSON objects, one key per field of the
message. PCM is 16-bit signed little endian mono at 8 kHz; a frame is 20 ms, 320 bytes.

The server speaks first: ``Ready`` or ``Failed``. When either end closes the socket, the server
ends every call of that connection.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

FRAME_BYTES = 320  # 20 ms of 16-bit samples at 8 kHz
MAX_PAYLOAD = 16 * 1024 * 1024  # 17 minutes of PCM: longer is a broken peer, not a prompt
_HEADER = struct.Struct("<BII")


class ProtocolError(Exception):
    """The other end sent something that is not this protocol; close the connection."""


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages. ``leg`` is 0 where the message is about the whole line."""

    TYPE: ClassVar[int] = 0
    leg: int

    def payload(self) -> bytes:
        body = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "leg"}
        return json.dumps(body, separators=(",", ":")).encode() if body else b""

    @classmethod
    def parse(cls, leg: int, payload: bytes) -> "Message":
        body = json.loads(payload) if payload else {}
        return cls(leg=leg, **body)


_BY_TYPE: dict[int, type[Message]] = {}
_M = TypeVar("_M", bound=type)


def _message(number: int):
    """Register a message class under its type number on the wire."""

    def register(cls: _M) -> _M:
        made = dataclass(frozen=True, slots=True)(cls)
        made.TYPE = number
        _BY_TYPE[number] = made
        return made

    return register


# --- engine to line -------------------------------------------------------------------------


@_message(1)
class Dial(Message):
    """Call ``target``: a number (through the trunk), ``seat:NAME``, a SIP URI, or at the
    vault a token. ``leg`` is a new even number. Rings at most ``ring_timeout_s`` seconds."""

    target: str
    ring_timeout_s: float = 30.0
    headers: dict[str, str] = field(default_factory=dict)


@_message(2)
class Ring(Message):
    """Answer an incoming leg with 180."""


@_message(3)
class Answer(Message):
    """Answer an incoming leg with 200."""


@_message(4)
class Reject(Message):
    """Refuse an incoming leg with a SIP final response, 400 to 699."""

    code: int = 486


@_message(5)
class Play(Message):
    """Queue ``pcm`` behind what is queued; ``Played(mark)`` comes when its last byte left."""

    mark: str
    pcm: bytes

    def payload(self) -> bytes:
        mark = self.mark.encode()
        return b"".join((struct.pack("<H", len(mark)), mark, self.pcm))

    @classmethod
    def parse(cls, leg: int, payload: bytes) -> "Play":
        (size,) = struct.unpack_from("<H", payload)
        if 2 + size > len(payload):
            raise ValueError("the mark is cut off")
        return cls(leg, payload[2 : 2 + size].decode(), payload[2 + size :])


@_message(6)
class Flush(Message):
    """Silence now: drop what is queued. Each dropped mark comes back as dropped."""


@_message(7)
class SendDtmf(Message):
    """Send digits ``0-9*#A-D`` to the peer by RFC 4733."""

    digits: str


@_message(8)
class Bridge(Message):
    """Let this leg and leg number ``other`` of the same line hear each other."""

    other: int


@_message(9)
class Unbridge(Message):
    """Undo ``Bridge`` on this leg and its partner."""


@_message(10)
class Hangup(Message):
    """End the call: BYE, CANCEL, or a final response ``code`` where it still rings (0: default)."""

    code: int = 0


@_message(11)
class Drain(Message):
    """Take no new calls (503 with Retry-After); calls in progress go on."""


@_message(12)
class Shutdown(Message):
    """End every call and the server process."""


# --- line to engine -------------------------------------------------------------------------


@_message(32)
class Ready(Message):
    """First message of a server that works. ``capacity``: calls it can hold at once, of which
    ``seat_legs`` are kept for calls to seats. ``port``: where it listens for SIP (0: unknown)."""

    capacity: int
    seat_legs: int = 0
    port: int = 0


@_message(33)
class Failed(Message):
    """First and last message of a server that cannot work. ``kind``: ``port-taken``,
    ``config`` or ``sip``. ``text``: one sentence that says what to do."""

    kind: str
    text: str


@_message(34)
class Incoming(Message):
    """Somebody calls. ``leg`` is a new odd number; nothing was answered yet but 100.
    ``remote``, ``called``: user parts of From and the request URI. ``source``: peer's IP:port."""

    remote: str
    called: str
    headers: dict[str, str] = field(default_factory=dict)
    source: str = ""


@_message(35)
class RingingMsg(Message):
    """A provisional response of the dialled peer. ``early_media``: audio flows already (183)."""

    code: int
    early_media: bool = False


@_message(36)
class AnsweredMsg(Message):
    """The call is up."""


@_message(37)
class HeldMsg(Message):
    """The peer put us on hold (``on``) or took us back. Queued audio waits meanwhile."""

    on: bool


@_message(38)
class DtmfMsg(Message):
    """The peer pressed a key. ``source``: ``rfc4733`` or ``info``."""

    digit: str
    source: str


@_message(39)
class PlayedMsg(Message):
    """The audio queued with ``mark`` left (or, ``dropped``, never will)."""

    mark: str
    dropped: bool = False


@_message(40)
class EndedMsg(Message):
    """The leg is gone; the last message about it. ``by``: ``remote`` or ``local``. ``code``: the
    SIP response, 200 for a call that was up; 408 by local where nobody answered in time."""

    code: int
    reason: str
    by: str


@_message(41)
class Frame(Message):
    """20 ms of a leg: what was received from the peer and what was sent to it."""

    received: bytes
    sent: bytes

    def payload(self) -> bytes:
        return self.received + self.sent

    @classmethod
    def parse(cls, leg: int, payload: bytes) -> "Frame":
        if len(payload) != 2 * FRAME_BYTES:
            raise ValueError(f"a frame has {len(payload)} bytes instead of {2 * FRAME_BYTES}")
        return cls(leg, payload[:FRAME_BYTES], payload[FRAME_BYTES:])


@_message(42)
class Notice(Message):
    """News about the line in one sentence. ``kind``: ``registered``, ``registration-failed``,
    ``refused-peer``, ``frames-lost`` or ``error``."""

    kind: str
    text: str


# --- framing --------------------------------------------------------------------------------


def encode(message: Message) -> bytes:
    """The packet for ``message``.

    Raises:
        ProtocolError: the payload is larger than ``MAX_PAYLOAD``.
    """
    payload = message.payload()
    if len(payload) > MAX_PAYLOAD:
        raise ProtocolError(
            f"{type(message).__name__} has {len(payload)} bytes: send at most {MAX_PAYLOAD} at once"
        )
    return _HEADER.pack(message.TYPE, message.leg, len(payload)) + payload


def encode_frame(leg: int, received: bytes, sent: bytes) -> bytes:
    """The packet of a ``Frame``, without making the message: called 50 times a second a leg."""
    return b"".join((_HEADER.pack(Frame.TYPE, leg, 2 * FRAME_BYTES), received, sent))


class Decoder:
    """Packets out of a byte stream that arrives in arbitrary pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield every message completed by ``data``.

        Raises:
            ProtocolError: unknown type, oversized or malformed payload.
        """
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _HEADER.size:
                kind, leg, size = _HEADER.unpack_from(self._buffer, start)
                if size > MAX_PAYLOAD:
                    raise ProtocolError(f"a packet of {size} bytes was announced")
                end = start + _HEADER.size + size
                if len(self._buffer) < end:
                    break
                payload = bytes(self._buffer[start + _HEADER.size : end])
                start = end
                yield _parse(kind, leg, payload)
        finally:
            del self._buffer[:start]


def _parse(kind: int, leg: int, payload: bytes) -> Message:
    cls: Any = _BY_TYPE.get(kind)
    if cls is None:
        raise ProtocolError(f"there is no message of type {kind}")
    try:
        return cls.parse(leg, payload)
    except (ValueError, TypeError, struct.error) as error:
        raise ProtocolError(f"{cls.__name__} cannot be read: {error}") from error
