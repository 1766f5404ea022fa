"""The end of a call's audio in Python: a pjsua2 port that plays a buffer and collects frames.

Its callbacks run on pjsua2's media clock, 50 times a second, beside the worker's loop; they
only move 320 bytes and never call into pjsua2. An exception there would only be printed.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import deque
from collections.abc import Callable

import pjsua2 as pj

from ivr.sip.play_buffer import SILENCE, PlayBuffer
from ivr.sip.protocol import FRAME_BYTES

_MAX_FRAMES_WAITING = 500  # 10 s of a stalled loop: then the newest frames are lost


class AudioPort(pj.AudioMediaPort):
    """One port of the conference bridge. Made once, lent to one call after another.

    ``frames`` holds (received, sent) pairs of 320 bytes. ``partner`` is the port of a bridged
    leg: what it received last is mixed into what this one sends. The bridge of pjsua2 could do
    that too, but then nobody would know what was sent.
    """

    def __init__(self, name: str, wake: Callable[[], None]) -> None:
        """``wake`` is called when the first of some frames waits to be taken."""
        super().__init__()
        self._wake = wake
        self.buffer = PlayBuffer()
        self.partner: AudioPort | None = None
        self.live = False  # connected to a call; until then the bridge still calls in
        self.frames: deque[tuple[bytes, bytes]] = deque(maxlen=_MAX_FRAMES_WAITING)
        self._sent = SILENCE
        self._received = SILENCE
        format_ = pj.MediaFormatAudio()
        format_.init(pj.PJMEDIA_FORMAT_PCM, 8000, 1, 20000, 16)
        self.createPort(name, format_)

    def reset(self) -> None:
        """Forget the last call."""
        self.buffer = PlayBuffer()
        self.partner = None
        self.live = False
        self.frames.clear()
        self._sent = self._received = SILENCE

    def onFrameRequested(self, frame: pj.MediaFrame) -> None:  # noqa: N802 (name given by pjsua2)
        own = self.buffer.next_frame()
        partner = self.partner
        other = partner._received if partner is not None else None
        if own is None:
            sent = other or SILENCE
        else:
            sent = own if other is None else _mix(own, other)
        self._sent = sent
        vector = frame.buf
        vector.resize(FRAME_BYTES)
        ctypes.memmove(_data(vector), sent, FRAME_BYTES)
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO

    def onFrameReceived(self, frame: pj.MediaFrame) -> None:  # noqa: N802 (name given by pjsua2)
        if not self.live:
            return
        vector = frame.buf
        size = vector.size()  # 0 where the call has nothing to say, as on hold
        received = ctypes.string_at(_data(vector), FRAME_BYTES) if size >= FRAME_BYTES else SILENCE
        self._received = received
        waited = bool(self.frames)
        self.frames.append((received, self._sent))
        if not waited:
            self._wake()
        self._sent = SILENCE  # nothing more is sent until it is asked for


def _data(vector: pj.ByteVector) -> int:
    """The address of a std::vector<unsigned char>'s bytes: its first member.

    ``bytes(vector)`` costs 148 µs for a frame; this and a copy cost 2 µs.
    """
    return ctypes.c_void_p.from_address(int(vector.this)).value


def _mix(one: bytes, other: bytes) -> bytes:
    pairs = zip(array("h", one), array("h", other), strict=True)
    return array("h", [max(-32768, min(32767, a + b)) for a, b in pairs]).tobytes()
