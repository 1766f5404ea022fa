"""A prompt on its way out: how much of it was said, and how it goes on after it was broken off."""

import numpy as np

from ivr.call import FRAME_MS, Call

BYTES_PER_MS = 16
BACK_MS = 200
"""A prompt goes on from at least so long before it stopped: what was being said is said again."""
FURTHEST_BACK_MS = 1500
REST_MS = 60
"""So much quiet is a rest, from which a sentence can be taken up."""
REST_SHARE = 0.05
"""Quiet: under this share of the prompt's own loudness."""


class Saying:
    """One prompt of 8 kHz PCM on a call. Give it each frame that was sent."""

    def __init__(self, call: Call, pcm_8k: bytes, mark: str):
        self._call, self._pcm, self._mark = call, pcm_8k, mark
        self._takes = 0
        self._at_ms, self._moving = 0, False
        self.over = False
        self.hushed = False

    @property
    def said_ms(self) -> int:
        """How much of the prompt was said so far."""
        return min(self._at_ms, len(self._pcm) // BYTES_PER_MS)

    @property
    def said_share(self) -> float:
        """The same as a share, 0 to 1; 1 once it is over."""
        return 1.0 if self.over or not self._pcm else self.said_ms * BYTES_PER_MS / len(self._pcm)

    def begin(self) -> None:
        """Queue it."""
        self._play_from(0)

    def hush(self) -> None:
        """Fall silent now. Nothing, if it is over or silent already."""
        if not self.over and not self.hushed:
            self.hushed = True
            self._call.flush()

    def resume(self) -> None:
        """Go on from a rest a little before it stopped. Nothing, if it did not stop."""
        if self.hushed:
            self.hushed = False
            self._play_from(rest_before(self._pcm, self.said_ms))

    def frame(self, sent: bytes) -> None:
        """Take what was sent in the last 20 ms."""
        self._moving = self._moving or any(sent)
        if self._moving and not self.hushed:
            self._at_ms += FRAME_MS

    def played(self, mark: str, dropped: bool) -> None:
        """What was queued under a mark has left, or was dropped."""
        if mark == self._name() and not dropped:
            self.over = True

    def _play_from(self, at_ms: int) -> None:
        self._takes += 1
        rest = self._pcm[at_ms * BYTES_PER_MS:]
        self._at_ms, self._moving = at_ms + _silence_ms(rest), False
        self._call.play(rest, self._name())

    def _name(self) -> str:
        return self._mark if self._takes <= 1 else f"{self._mark}:{self._takes}"


def rest_before(pcm_8k: bytes, at_ms: int) -> int:
    """Where to take up a prompt that stopped at `at_ms`: the end of the last rest before, or 0."""
    levels = _levels(pcm_8k[: max(at_ms - BACK_MS, 0) * BYTES_PER_MS])
    quiet = levels < REST_SHARE * max(float(_levels(pcm_8k).max(initial=0.0)), 1.0)
    need, first = REST_MS // FRAME_MS, max(0, len(levels) - FURTHEST_BACK_MS // FRAME_MS)
    for end in range(len(levels), max(first, need - 1), -1):
        if quiet[end - need: end].all():
            return end * FRAME_MS
    return first * FRAME_MS


def _silence_ms(pcm_8k: bytes) -> int:
    """Digital silence at the beginning."""
    sounds = np.flatnonzero(np.frombuffer(pcm_8k[: len(pcm_8k) & ~1], "<i2"))
    return int(sounds[0]) // 8 // FRAME_MS * FRAME_MS if len(sounds) else 0


def _levels(pcm_8k: bytes) -> np.ndarray:
    """Root mean square of each whole frame."""
    samples = np.frombuffer(pcm_8k[: len(pcm_8k) // 320 * 320], "<i2").astype(np.float32)
    return np.sqrt(np.mean(samples.reshape(-1, 160) ** 2, axis=1))
