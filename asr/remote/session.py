"""One utterance on its way to a recognizer server: connect, open, send audio as it comes, close, read."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping

import aiohttp
import numpy as np
import soxr

from asr.remote.dialects import Dialect, Heard, Nonsense

MESSAGE_MS = 100                   # of audio in a message
MAY_BE_ALL_S = 0.3                 # after an answer that may be the last
ABANDONED_S = 5.0                  # without audio: whoever opened it is gone
LARGEST_MESSAGE = 1 << 20
_CLOSE = object()


class RemoteTrouble(Exception):
    """The server cannot be reached, broke off, or makes no sense; the words name no content."""


class Session:
    """Runs by itself; ``failed`` says at any time whether it came to nothing."""

    def __init__(self, http: aiohttp.ClientSession, url: str, dialect: Callable[[], Dialect],
                 rate: int, wire_rate: int, *, connect_timeout_s: float, connect: Mapping[str, object]):
        """``dialect`` makes the utterance's, in a thread; ``rate`` of the audio in Hz and on the wire;
        ``connect``: more arguments of aiohttp's ``ws_connect``."""
        self._http, self._url, self._make, self._connect = http, url, dialect, connect
        self._connect_timeout_s = connect_timeout_s
        self._resampler = soxr.ResampleStream(rate, wire_rate, 1, dtype="int16") \
            if rate != wire_rate else None
        self._message = bytearray()
        self._message_bytes = wire_rate * 2 * MESSAGE_MS // 1000
        self._out: asyncio.Queue = asyncio.Queue()
        self._closed = False
        self._connected = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def failed(self) -> bool:
        return self._task.done() and (self._task.cancelled() or self._task.exception() is not None)

    @property
    def why(self) -> str:
        """Why it failed."""
        return "cut short" if self._task.cancelled() else str(self._task.exception())

    @property
    def abandoned(self) -> bool:
        """It ended because no audio came for a while; what was said is not known."""
        return self._task.done() and not self.failed and self._task.result() is None

    async def connected(self) -> None:
        """Returns once the server has taken the call. Raises RemoteTrouble."""
        waiting = asyncio.ensure_future(self._connected.wait())
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.failed:
            raise RemoteTrouble(self.why)

    def feed(self, pcm: bytes) -> None:
        """16-bit little endian mono, any amount."""
        self._queue(np.frombuffer(pcm, "<i2"), last=False)

    async def finish(self) -> tuple[str, ...]:
        """Texts, best first. Raises RemoteTrouble."""
        if not self._closed:
            self._queue(np.zeros(0, "<i2"), last=True)
            self._out.put_nowait(_CLOSE)
        try:
            texts = await asyncio.shield(self._task)
        except asyncio.CancelledError:
            self.cancel()
            raise
        if texts is None:
            raise RemoteTrouble("it was waited on without audio")
        return texts

    def cancel(self) -> None:
        self._task.cancel()

    def _queue(self, samples: np.ndarray, last: bool) -> None:
        if self._resampler:
            samples = self._resampler.resample_chunk(samples, last=last)
        self._message += samples.astype("<i2").tobytes()
        while len(self._message) >= self._message_bytes:
            self._out.put_nowait(bytes(self._message[:self._message_bytes]))
            del self._message[:self._message_bytes]
        if last and self._message:
            self._out.put_nowait(bytes(self._message))

    async def _run(self) -> tuple[str, ...] | None:
        self._dialect = await asyncio.to_thread(self._make)
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                socket = await self._http.ws_connect(self._url, max_msg_size=LARGEST_MESSAGE,
                                                     **self._connect)
        except TimeoutError:
            raise RemoteTrouble(f"no connection within {self._connect_timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise RemoteTrouble(f"no connection: {_words(error)}") from None
        self._connected.set()
        async with socket:
            return await self._talk(socket)

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> tuple[str, ...] | None:
        sending = asyncio.ensure_future(self._send(socket))
        reading = asyncio.ensure_future(self._read(socket))
        try:
            done, _ = await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
            if sending in done and sending.exception() is None and not sending.result():
                return None
            return await reading
        except Nonsense as nonsense:
            raise RemoteTrouble(str(nonsense)) from None
        finally:
            for task in (sending, reading):
                task.cancel()
            await asyncio.gather(sending, reading, return_exceptions=True)

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Whether the closing was sent; False where no audio came any more."""
        with contextlib.suppress(aiohttp.ClientError, OSError):    # the reader sees the end too
            await socket.send_str(self._dialect.opening())
            while True:
                try:
                    async with asyncio.timeout(ABANDONED_S):
                        item = await self._out.get()
                except TimeoutError:
                    return False
                if item is _CLOSE:
                    self._closed = True
                    await socket.send_str(self._dialect.closing())
                    break
                self._dialect.audio_sent()
                await socket.send_bytes(item)
        return True

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> tuple[str, ...]:
        wait_s = None
        while True:
            try:
                async with asyncio.timeout(wait_s):
                    message = await socket.receive()
            except TimeoutError:
                return self._dialect.texts
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING,
                                aiohttp.WSMsgType.CLOSED):
                raise RemoteTrouble("it hung up")
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise RemoteTrouble("it sent something else than text")
            heard = self._dialect.take(message.data, self._closed)
            if heard is Heard.ALL:
                return self._dialect.texts
            wait_s = MAY_BE_ALL_S if heard is Heard.PERHAPS_ALL else wait_s


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted; give it as [hearing] certificate"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno and error.os_error.errno > 0:
        return os.strerror(error.os_error.errno).lower()
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"it answers with HTTP {error.status}"
    return type(error).__name__
