"""The time by which waits are counted: that of day once, then the machine's own seconds."""

from __future__ import annotations

import time
from collections.abc import Callable


def steady_clock(since_1970: float, seconds: Callable[[], float] | None = None) -> Callable[[], float]:
    """Seconds since 1970 that begin at `since_1970` and do not jump when the clock is set.

    `seconds`: what counts on; else the machine's, suspended or not.
    """
    seconds = seconds or _since_boot
    began = seconds()
    return lambda: since_1970 + seconds() - began


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
