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
        self.late_key = ("", 0)
        """A key that, until this time of the call, still belongs to the keys of the turn before."""
        self.ended: HungUp | None = None
        self._inbox: deque[CallItem | HungUp] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._waiting_since_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

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
        """The next frame or event, for one at a time. Raises `HungUp` once the call is over."""
        if not self._inbox and not self.ended:
            await self._arrival()
            if not self._inbox:
                self.now_ms += int(MEDIA_SILENT_S * 1000)
                return Tick()
        return self._take()

    def nudge(self) -> None:
        """Wake who awaits `next`: something beside the call has come about."""
        self._enqueue(Tick())

    async def until(self, work: Awaitable[T], on_item: Callable[[CallItem], None] | None = None) -> T:
        """Await `work` while the call runs on. Raises `HungUp`, leaving `work` cancelled."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self._wake())
        try:
            while not task.done():
                while self._inbox or self.ended:
                    item = self._take()
                    if on_item:
                        on_item(item)
                await self._arrival()
            return task.result()
        finally:
            task.cancel()

    def _take(self) -> CallItem:
        if not self._inbox:
            raise self.ended
        item = self._inbox.popleft()
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
        self._wake()

    async def _arrival(self) -> None:
        """Return when something arrives, or nothing has for `MEDIA_SILENT_S`. Fifty times a second in every
        call, so without a task or a timer of its own each time."""
        loop = asyncio.get_running_loop()
        self._waiter, self._waiting_since_s = loop.create_future(), loop.time()
        if self._timer is None:
            self._timer = loop.call_later(MEDIA_SILENT_S, self._check_silence)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _check_silence(self) -> None:
        loop, self._timer = asyncio.get_running_loop(), None
        if self._waiter is None:
            return
        due_s = self._waiting_since_s + MEDIA_SILENT_S
        if loop.time() >= due_s:
            self._wake()
        else:
            self._timer = loop.call_at(due_s, self._check_silence)

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
