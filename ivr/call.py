"""What a conversation sees of a call: it plays, listens, bridges and hangs up.

A conversation cannot tell which kind of call it is on; `ivr.sip_call` is the one over SIP.
Time on a call is counted in its own 20 ms frames, so a replayed call needs no wall clock.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ivr.echo import EchoGate

FRAME_MS = 20
MEDIA_SILENT_S = 1.0
"""A call on hold sends no frames; its time then goes on in steps of this length."""

T = TypeVar("T")


@dataclass(frozen=True)
class Frame:
    """20 ms of a call: what was received and what was sent, 320 bytes each, PCM 8 kHz."""

    received: bytes
    sent: bytes


@dataclass(frozen=True)
class Key:
    """A key that was pressed: `0`–`9`, `*`, `#` or `A`–`D`."""

    digit: str


@dataclass(frozen=True)
class PlayedOut:
    """What was queued under `mark` has left, or was dropped before its end."""

    mark: str
    dropped: bool


@dataclass(frozen=True)
class Tick:
    """No frame came for `MEDIA_SILENT_S` (the call is on hold, or its media stopped), or a `nudge`."""


class HungUp(Exception):
    """The call is over. `code` is the SIP status (200 for a normal end), `by` who ended it."""

    def __init__(self, code: int, reason: str, by: str):
        super().__init__(f"call ended by {by}: {code} {reason}")
        self.code, self.reason, self.by = code, reason, by


CallItem = Frame | Key | PlayedOut | Tick


class Call(ABC):
    """One leg, as a flow sees it. Subclasses put `Frame`, `Key`, `PlayedOut` and `HungUp` in."""

    def __init__(self, call_id: str, remote: str = "", headers: Mapping[str, str] | None = None):
        self.id = call_id
        self.remote = remote
        self.headers = dict(headers or {})
        self.taps: list[Callable[[bytes, bytes], None]] = []
        self.echo = EchoGate()
        self.now_ms = 0
        """The call's own time: milliseconds of audio, and of hold, since its first frame."""
        self.ended: HungUp | None = None
        self._inbox: deque[CallItem | HungUp] = deque()
        self._arrived = asyncio.Event()

    @abstractmethod
    async def answer(self) -> None:
        """Take the call; returns when it is up. Raises `HungUp` if the caller has left."""

    @abstractmethod
    def play(self, pcm_8k: bytes, mark: str) -> None:
        """Queue audio behind what is queued; `PlayedOut(mark)` follows when it has left."""

    @abstractmethod
    def flush(self) -> None:
        """Fall silent now; what was queued comes back as dropped."""

    @abstractmethod
    def bridge(self, other: "Call") -> None:
        """Let this call and `other` hear each other."""

    @abstractmethod
    def hangup(self) -> None:
        """End the call. Safe to call twice."""

    async def next(self) -> CallItem:
        """The next frame or event. Raises `HungUp` once the call is over."""
        if not self._inbox and not self.ended:
            try:
                # Not wait_for, which loses a cancellation that comes with a frame (Python 3.11).
                async with asyncio.timeout(MEDIA_SILENT_S):
                    await self._arrived.wait()
            except TimeoutError:
                self.now_ms += int(MEDIA_SILENT_S * 1000)
                return Tick()
        return self._take()

    def nudge(self) -> None:
        """Wake who awaits `next`: something beside the call has come about."""
        self._enqueue(Tick())

    async def until(self, work: Awaitable[T], on_item: Callable[[CallItem], None] | None = None) -> T:
        """Await `work` while the call runs on. Raises `HungUp`, leaving `work` cancelled."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                while self._inbox or self.ended:
                    item = self._take()
                    if on_item:
                        on_item(item)
                arrival = asyncio.ensure_future(self._arrived.wait())
                try:
                    await asyncio.wait({task, arrival}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    arrival.cancel()
            return task.result()
        finally:
            task.cancel()

    def _take(self) -> CallItem:
        if not self._inbox:
            raise self.ended
        item = self._inbox.popleft()
        if not self._inbox:
            self._arrived.clear()
        if isinstance(item, HungUp):
            raise item
        return item

    def _put_frame(self, received: bytes, sent: bytes) -> None:
        self.now_ms += FRAME_MS
        for tap in self.taps:
            tap(received, sent)
        self._enqueue(Frame(received, sent))

    def _put(self, item: CallItem | HungUp) -> None:
        if isinstance(item, HungUp):
            self.ended = item
        self._enqueue(item)

    def _enqueue(self, item: CallItem | HungUp) -> None:
        self._inbox.append(item)
        self._arrived.set()
