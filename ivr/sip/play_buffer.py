"""What a call will say next: PCM queued ahead of time, with marks.

The engine fills it from one thread and the media clock empties it from another, 320 bytes
every 20 ms, so a busy engine delays no frame.
"""

from __future__ import annotations

import threading
from collections import deque

from ivr.sip.protocol import FRAME_BYTES

SILENCE = bytes(FRAME_BYTES)


class PlayBuffer:
    """A queue of PCM chunks (16-bit, 8 kHz), each with a mark told when it has left."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[bytes, str]] = deque()
        self._offset = 0  # bytes of the first chunk that have left
        self._done: deque[tuple[str, bool]] = deque()
        self._lock = threading.Lock()
        self.paused = False  # a peer that holds us would not hear what leaves now

    def queue(self, pcm: bytes, mark: str) -> None:
        """Put ``pcm`` behind what is queued. A trailing half sample is cut off."""
        with self._lock:
            self._chunks.append((pcm[: len(pcm) & ~1], mark))

    def flush(self) -> None:
        """Drop everything that has not left; the marks come back as dropped."""
        with self._lock:
            self._done.extend((mark, True) for _, mark in self._chunks)
            self._chunks.clear()
            self._offset = 0

    def next_frame(self) -> bytes | None:
        """The next 320 bytes, padded with silence at the end of the queue; None if it is empty."""
        if not self._chunks or self.paused:
            return None
        with self._lock:
            return self._take()

    def _take(self) -> bytes | None:
        parts: list[bytes] = []
        need = FRAME_BYTES
        while self._chunks:
            pcm, mark = self._chunks[0]
            part = pcm[self._offset : self._offset + need]
            parts.append(part)
            need -= len(part)
            self._offset += len(part)
            if self._offset < len(pcm):
                break
            self._chunks.popleft()
            self._offset = 0
            self._done.append((mark, False))
            if not need:
                break
        if need == FRAME_BYTES:
            return None
        return parts[0] if not need and len(parts) == 1 else b"".join(parts) + bytes(need)

    def take_done(self) -> list[tuple[str, bool]]:
        """The (mark, dropped) pairs that came due since the last look, oldest first."""
        done = []
        while self._done:
            done.append(self._done.popleft())
        return done
