"""The last stretch of a stream's audio: what a recognizer decodes."""

from __future__ import annotations

LONGEST_S = 25.0                   # of one stream; what is older is forgotten


class RecentPcm:
    """Gathers 16-bit mono PCM at ``rate`` Hz; ``bytes(recent)`` is its last ``longest_s`` seconds."""

    def __init__(self, rate: int, longest_s: float = LONGEST_S):
        self._pcm = bytearray()
        self._longest = int(longest_s * rate) * 2

    def feed(self, pcm: bytes) -> None:
        """16-bit little endian mono, any amount."""
        self._pcm += pcm
        if len(self._pcm) > self._longest:
            del self._pcm[: len(self._pcm) - self._longest]

    def __bytes__(self) -> bytes:
        return bytes(self._pcm)
