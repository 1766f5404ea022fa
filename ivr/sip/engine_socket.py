"""The worker's end of the engine's Unix socket: never blocks, never grows without bound."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ivr.sip.protocol import Decoder, Message, ProtocolError, encode

_MAX_WAITING = 4 * 1024 * 1024  # 30 s of audio of four calls: then frames are dropped


class EngineGone(Exception):
    """The engine closed its end or spoke nonsense: end the calls and finish."""


class EngineSocket:
    """Listens on ``path`` (mode 0600), serves one client."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoder = Decoder()
        self._out = bytearray()
        self._client: socket.socket | None = None
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        self._listener.listen(1)

    def accept(self, timeout_s: float) -> None:
        """Wait for the engine.

        Raises:
            EngineGone: it did not come in time.
        """
        self._listener.settimeout(timeout_s)
        try:
            self._client, _ = self._listener.accept()
        except TimeoutError:
            raise EngineGone(f"no engine came within {timeout_s:.0f} s") from None
        self._client.setblocking(False)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    @property
    def socket(self) -> socket.socket:
        """The connection, to be waited on."""
        return self._client

    def receive(self) -> list[Message]:
        """The messages that have arrived.

        Raises:
            EngineGone: the engine closed its end or spoke nonsense.
        """
        messages: list[Message] = []
        while True:
            try:
                data = self._client.recv(1 << 18)
            except BlockingIOError:
                return messages
            except OSError as error:
                raise EngineGone(str(error)) from error
            if not data:
                raise EngineGone("the engine closed its end")
            try:
                messages.extend(self._decoder.feed(data))
            except ProtocolError as error:
                raise EngineGone(str(error)) from error

    def send(self, message: Message) -> None:
        """Queue a message; ``pump`` sends it."""
        self._out += encode(message)

    def send_frame(self, packet: bytes) -> bool:
        """Queue an encoded frame; False where the engine is so far behind that it is lost."""
        if len(self._out) > _MAX_WAITING:
            return False
        self._out += packet
        return True

    def pump(self, *, wait_s: float = 0.0) -> None:
        """Send what the socket takes now; with ``wait_s``, what it takes within that time.

        Raises:
            EngineGone: the engine closed its end.
        """
        if not self._out:
            return
        try:
            if wait_s:
                self._client.settimeout(wait_s)
                self._client.sendall(self._out)
                self._out.clear()
            else:
                del self._out[: self._client.send(self._out)]
        except BlockingIOError:
            return
        except OSError as error:
            raise EngineGone(str(error)) from error
