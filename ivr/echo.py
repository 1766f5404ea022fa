"""Tells the bot's own voice, coming back from the far end, from the caller's.

What a filter can foretell of it is taken out; what is left of it (a loudspeaker that rattles, a line not
known yet) is told by level, learnt as a call goes.
"""

from collections import deque

import numpy as np

from ivr.echo_canceller import EchoCanceller
from ivr.level import rms

FIRST_RATIO = 0.2
"""Until more is known, sound fainter than this share of the bot's own is taken for echo (−14 dB)."""
LEAST_RATIO = 0.01
MARGIN = 2.7
"""What is left of an echo may be so much louder than the most that was left lately (9 dB)."""
FADES = 0.97
"""How much of "the most lately" is believed a frame later: 7 dB less in half a second; faster, a
television at −58 dBFS behind the caller interrupts the bot."""
RISES = 1.1
"""It rises no sooner than that (21 dB in half a second): what comes suddenly is a caller."""
BELIEVED_FROM = 20
"""Frames (20 ms) of the bot's speech until which nothing less than `FIRST_RATIO` is: an echo may be on its way."""
LEFT_OVER, FORETOLD_FRAMES = 0.65, 3
"""What is left is fainter than this share of the echo that was foretold lately, or else it is a caller."""
TAIL_FRAMES = 20
"""An echo comes back up to so many frames after it was sent: 300 ms of a line, and jitter buffers."""
FRAME_MS = 20
KEPT_FRAMES = 250
"""So far back it can be unlearnt what came of a caller who talked over the bot."""
LOUD = 300
FULL_SCALE = 32768


class EchoGate:
    """One call's. Give it every frame."""

    def __init__(self) -> None:
        self._canceller = EchoCanceller()
        self._sent: deque[float] = deque([0.0], maxlen=TAIL_FRAMES)
        self._foretold: deque[float] = deque(maxlen=FORETOLD_FRAMES)
        self._most, self._learnt = FIRST_RATIO / MARGIN, 0
        self._before: deque[float] = deque(maxlen=KEPT_FRAMES)

    def caller_in(self, received: bytes, sent: bytes) -> bytes:
        """What a received frame of 20 ms holds beside what the bot said: silence, where that is all.

        Where little is left of it the bar sinks, so that soft voices get through; a caller who talks over
        the bot raises it no higher than it began.
        """
        self._before.append(self._most)
        self._sent.append(rms(sent))
        heard = _samples(received)
        without = self._canceller.feed(heard, _samples(sent or bytes(len(received))))
        loudest = max(self._sent)
        if loudest == 0:
            return received
        left = _rms(without)
        self._foretold.append(_rms(heard - without))
        is_echo = left < max(self._ratio() * loudest, LEFT_OVER * max(self._foretold))
        if loudest > LOUD:
            self._learn(left / loudest)
        if is_echo:
            return bytes(len(received))
        return (without.clip(-1, 1) * (FULL_SCALE - 1)).astype("<i2").tobytes()

    def was_speech(self, last_ms: int) -> None:
        """What came in the last `last_ms` was the caller talking over the bot: nothing is learnt from it."""
        if self._before:
            self._most = self._before[max(-len(self._before), -(last_ms // FRAME_MS) or -1)]

    def _learn(self, left: float) -> None:
        self._learnt += 1
        if self._learnt > BELIEVED_FROM:
            self._most = max(min(left, self._most * RISES), FADES * self._most)

    def _ratio(self) -> float:
        return min(max(MARGIN * self._most, LEAST_RATIO), FIRST_RATIO)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(samples @ samples / len(samples))) * FULL_SCALE


def _samples(pcm_8k: bytes) -> np.ndarray:
    return np.frombuffer(pcm_8k, "<i2").astype(np.float32) / FULL_SCALE
