"""Tells the bot's own voice, coming back from the far end, from the caller's: by level, learnt as a call goes."""

from collections import deque

from asr.recent_values import RecentValues
from ivr.level import rms

FIRST_RATIO = 0.2
"""Until more is known, sound fainter than this share of the bot's own is taken for echo (−14 dB)."""
LEAST_RATIO = 0.01
MARGIN = 2.0
"""An echo may be so much louder than nearly all of it was so far (6 dB)."""
TAIL_FRAMES = 20
"""An echo comes back up to so many frames after it was sent: 250 ms of a line, and jitter buffers."""
FRAME_MS = 20
LEARNT_FROM = 50
"""Frames (20 ms) of the bot's speech after which what came back is believed."""


class EchoGate:
    """One call's. Give it every frame."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque([0.0], maxlen=TAIL_FRAMES)
        self._came_back = RecentValues(3 * LEARNT_FROM)
        self._ratio = FIRST_RATIO
        self._frames = 0
        self._learnt_at: deque[int] = deque(maxlen=3 * LEARNT_FROM)

    def is_echo(self, received: bytes, sent: bytes) -> bool:
        """Whether a received frame holds no more than what the bot said may have left on the line.

        Where little comes back the bar sinks, so that soft voices get through; a caller who talks over
        the bot raises it no higher than it began.
        """
        self._frames += 1
        self._sent.append(rms(sent))
        loudest = max(self._sent)
        if loudest == 0:
            return False
        heard = rms(received)
        if loudest > 300:
            self._learn(heard / loudest)
        return heard < self._ratio * loudest

    def was_speech(self, last_ms: int) -> None:
        """What came in the last `last_ms` was the caller talking over the bot: nothing is learnt from it."""
        since = self._frames - last_ms // FRAME_MS
        while self._learnt_at and self._learnt_at[-1] >= since:
            self._learnt_at.pop()
            self._came_back.drop_last(1)
        self._settle()

    def _learn(self, came_back: float) -> None:
        self._came_back.add(came_back)
        self._learnt_at.append(self._frames)
        self._settle()

    def _settle(self) -> None:
        if len(self._came_back) >= LEARNT_FROM:
            usual = self._came_back.percentile(0.9)
            self._ratio = min(max(MARGIN * usual, LEAST_RATIO), FIRST_RATIO)
