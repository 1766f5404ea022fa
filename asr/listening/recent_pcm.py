"""The last stretch of a stream's audio: what a recognizer decodes."""

from __future__ import annotations

import numpy as np

LONGEST_S = 25.0                   # of one stream; what is older is forgotten
SILENT = 33                        # samples up to this are silence: −60 dBFS


class RecentPcm:
    """Gathers 16-bit mono PCM at ``rate`` Hz; ``bytes(recent)`` is its last ``longest_s`` seconds."""

    def __init__(self, rate: int, longest_s: float = LONGEST_S):
        self._pcm = bytearray()
        self._rate, self._longest = rate, int(longest_s * rate) * 2

    def feed(self, pcm: bytes) -> None:
        """16-bit little endian mono, any amount."""
        self._pcm += pcm
        if len(self._pcm) > self._longest:
            del self._pcm[: len(self._pcm) - self._longest]

    def __bytes__(self) -> bytes:
        return bytes(self._pcm)

    def from_sound(self, lead_ms: int) -> bytes:
        """What is there from `lead_ms` before its first sound on; all of it where there is none. To a recognizer
        silence costs what speech costs."""
        loud = np.abs(np.frombuffer(bytes(self._pcm), "<i2").astype(np.int32)) > SILENT
        start = int(loud.argmax()) - self._rate * lead_ms // 1000 if loud.any() else 0
        return bytes(self._pcm[2 * max(0, start):])
