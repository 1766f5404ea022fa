"""Tells the bot's own voice, coming back from the far end, from the caller's.

What a filter can foretell of it is taken out; what is left of it (a loudspeaker that rattles, a line not
known yet) is told by level, learnt as a call goes.
"""

from collections import deque

import numpy as np

from asr.recent_values import RecentValues
from ivr.echo_canceller import EchoCanceller
from ivr.level import rms

FIRST_RATIO = 0.2
"""Until more is known, sound fainter than this share of the bot's own is taken for echo (−14 dB)."""
LEAST_RATIO = 0.01
MARGIN = 2.0
"""What is left of an echo may be so much louder than nearly all of it was so far (6 dB)."""
NEARLY_ALL = 0.95
LEFT_OVER, FORETOLD_FRAMES = 0.5, 3
"""What is left is fainter than this share of the echo that was foretold lately, or else it is a caller."""
TAIL_FRAMES = 20
"""An echo comes back up to so many frames after it was sent: 300 ms of a line, and jitter buffers."""
FRAME_MS = 20
LEARNT_FROM, LEARNT_OF = 40, 75
"""Frames (20 ms) of the bot's speech after which what came back is believed, and how many are kept."""
LOUD = 300
FULL_SCALE = 32768


class EchoGate:
    """One call's. Give it every frame."""

    def __init__(self) -> None:
        self._canceller = EchoCanceller()
        self._sent: deque[float] = deque([0.0], maxlen=TAIL_FRAMES)
        self._came_back = RecentValues(LEARNT_OF)
        self._foretold: deque[float] = deque(maxlen=FORETOLD_FRAMES)
        self._ratio = FIRST_RATIO
        self._frames = 0
        self._learnt_at: deque[int] = deque(maxlen=LEARNT_OF)

    def caller_in(self, received: bytes, sent: bytes) -> bytes:
        """What a received frame of 20 ms holds beside what the bot said: silence, where that is all.

        Where little is left of it the bar sinks, so that soft voices get through; a caller who talks over
        the bot raises it no higher than it began.
        """
        self._frames += 1
        self._sent.append(rms(sent))
        heard = _samples(received)
        without = self._canceller.feed(heard, _samples(sent or bytes(len(received))))
        loudest = max(self._sent)
        if loudest == 0:
            return received
        left = _rms(without)
        if loudest > LOUD:
            self._learn(left / loudest)
        self._foretold.append(_rms(heard - without))
        if left < max(self._ratio * loudest, LEFT_OVER * max(self._foretold)):
            return bytes(len(received))
        return (without.clip(-1, 1) * (FULL_SCALE - 1)).astype("<i2").tobytes()

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
            usual = self._came_back.percentile(NEARLY_ALL)
            self._ratio = min(max(MARGIN * usual, LEAST_RATIO), FIRST_RATIO)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(samples @ samples / len(samples))) * FULL_SCALE


def _samples(pcm_8k: bytes) -> np.ndarray:
    return np.frombuffer(pcm_8k, "<i2").astype(np.float32) / FULL_SCALE
