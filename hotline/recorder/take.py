"""One reading: from the beep until the reader has finished, and whether it can be used."""

from asr.listening.endpointing import Endpointer
from asr.listening.vad import VoiceActivity

AROUND_MS = 300
"""Kept before and after the speech."""
PAUSE_MS = 1400
"""Quiet that ends a reading; readers pause between the groups of a plate."""
SILENT_MS = 9000
LONGEST_MS = 20_000
LEAST_MS = 900
"""Shorter speech is no plate."""
EARLY_MS = 32
"""Speech that is there from the first moment began before the beep: its start is missing."""


class Take:
    """Feed it audio until `done`; then `verdict` is `good`, `silent`, `short` or `early`."""

    def __init__(self, rate: int):
        self._rate, self._pcm = rate, bytearray()
        self._vad, self._ear = VoiceActivity(rate), Endpointer()

    def feed(self, pcm: bytes) -> None:
        """16-bit mono, any amount."""
        self._pcm += pcm
        for probability in self._vad.feed(pcm):
            self._ear.feed(probability)

    @property
    def done(self) -> bool:
        ear = self._ear
        if not ear.heard_speech:
            return ear.now_ms >= SILENT_MS
        return ear.quiet_ms >= PAUSE_MS or ear.speech_ms >= LONGEST_MS

    @property
    def verdict(self) -> str:
        ear = self._ear
        if not ear.heard_speech:
            return "silent"
        if ear.speech_began_ms <= EARLY_MS:
            return "early"
        return "good" if ear.speech_ms >= LEAST_MS else "short"

    @property
    def pcm(self) -> bytes:
        """The reading with `AROUND_MS` on both sides."""
        first = max(0, (self._ear.speech_began_ms or 0) - AROUND_MS)
        last = self._ear.speech_ended_ms + AROUND_MS
        return bytes(self._pcm[self._bytes(first): self._bytes(last)])

    def _bytes(self, ms: int) -> int:
        return ms * self._rate // 1000 * 2
