"""Two-channel recordings: left what came in on a leg, right what was sent to it."""

import asyncio
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ivr.call import Call

CHUNK_FRAMES = 50
"""Frames (20 ms each) gathered before they go to disk: a crash costs a second at most."""

_disk = ThreadPoolExecutor(1, "recordings")


class Recorder:
    """Records one call to a WAV file, 8 kHz, 16 bit, two channels. The header is always whole."""

    def __init__(self, call: Call, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._call, self._received, self._sent = call, [], []
        self._file = wave.open(str(path), "wb")
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(8000)
        call.taps.append(self._on_frame)

    async def close(self) -> None:
        """Write what is left and close the file."""
        self._call.taps.remove(self._on_frame)
        self._write_out()
        await asyncio.wrap_future(_disk.submit(self._file.close))

    def _on_frame(self, received: bytes, sent: bytes) -> None:
        self._received.append(received)
        self._sent.append(sent)
        if len(self._received) >= CHUNK_FRAMES:
            self._write_out()

    def _write_out(self) -> None:
        left, right = b"".join(self._received), b"".join(self._sent)
        self._received, self._sent = [], []
        _disk.submit(self._file.writeframes, interleave(left, right))


def interleave(left: bytes, right: bytes) -> bytes:
    """Two mono streams of 16-bit PCM as one stereo stream; the shorter one ends in silence."""
    length = max(len(left), len(right)) // 2
    stereo = np.zeros((length, 2), dtype="<i2")
    for channel, pcm in enumerate((left, right)):
        samples = np.frombuffer(pcm, dtype="<i2")
        stereo[: len(samples), channel] = samples
    return stereo.tobytes()
