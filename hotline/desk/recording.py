"""Two-channel recordings: left what came in on a leg, right what was sent to it."""

import asyncio
import logging
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ivr.call import Call

log = logging.getLogger(__name__)

CHUNK_FRAMES = 50
"""Frames (20 ms each) gathered before they go to disk: a crash costs a second at most."""

_disk = ThreadPoolExecutor(1, "recordings")


class Recorder:
    """Records one call to a WAV file, 8 kHz, 16 bit, two channels. The header is always whole.

    Use as an async context. A disk that refuses costs the recording, never the call.
    """

    def __init__(self, call: Call, path: Path):
        self.path = path
        self._call, self._received, self._sent = call, [], []
        self._failed = False

    async def __aenter__(self) -> "Recorder":
        try:
            self._file = await asyncio.to_thread(_open_wav, self.path)
        except OSError as error:
            self._file = None
            self._report(error)
        else:
            self._call.taps.append(self._on_frame)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._file is None:
            return
        self._call.taps.remove(self._on_frame)
        self._write_out()
        closed = asyncio.get_running_loop().run_in_executor(_disk, self._file.close)
        [error] = await asyncio.gather(closed, return_exceptions=True)
        self._report(error)

    def _on_frame(self, received: bytes, sent: bytes) -> None:
        self._received.append(received)
        self._sent.append(sent)
        if len(self._received) >= CHUNK_FRAMES:
            self._write_out()

    def _write_out(self) -> None:
        left, right = b"".join(self._received), b"".join(self._sent)
        self._received, self._sent = [], []
        written = _disk.submit(self._file.writeframes, interleave(left, right))
        written.add_done_callback(lambda done: self._report(done.exception()))

    def _report(self, error: BaseException | None) -> None:
        """Log what went wrong, if anything did: once a recording, as a full disk refuses each second of it."""
        if error is not None and not self._failed:
            self._failed = True
            log.error("not_recorded", extra={"fields": {"file": self.path.name, "error": str(error), "mend": "check disk space and rights"}})


def _open_wav(path: Path) -> wave.Wave_write:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = wave.open(str(path), "wb")
    file.setnchannels(2)
    file.setsampwidth(2)
    file.setframerate(8000)
    return file


def interleave(left: bytes, right: bytes) -> bytes:
    """Two mono streams of 16-bit PCM as one stereo stream; the shorter one ends in silence."""
    length = max(len(left), len(right)) // 2
    stereo = np.zeros((length, 2), dtype="<i2")
    for channel, pcm in enumerate((left, right)):
        samples = np.frombuffer(pcm, dtype="<i2")
        stereo[: len(samples), channel] = samples
    return stereo.tobytes()
