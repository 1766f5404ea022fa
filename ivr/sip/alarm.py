"""Wakes the worker's loop from pjsua2's media clock, which runs in a thread of its own."""

from __future__ import annotations

import os
import select
import socket


class Alarm:
    """``ring`` from any thread ends a ``wait`` at once: it writes a byte to a pipe."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def ring(self) -> None:
        """About a microsecond; never blocks."""
        try:
            os.write(self._write, b"!")
        except BlockingIOError:
            pass  # the pipe is full of bytes that will wake the loop as well

    def wait(self, other: socket.socket, limit_ms: int) -> None:
        """Return once it rang since the last wait, ``other`` can be read, or after ``limit_ms``."""
        readable, _, _ = select.select([self._read, other], [], [], limit_ms / 1000)
        if self._read in readable:
            os.read(self._read, 4096)
