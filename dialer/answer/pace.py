"""How somebody speaks: for how long without a pause, and whether on while being spoken to."""

from __future__ import annotations

from asr.listening.endpointing import BLOCK_MS, SPEECH_OFF, SPEECH_ON
from asr.listening.vad import VoiceActivity
from ivr.echo import EchoGate
from ivr.level import rms

BREATH_MS = 360
"""A pause up to this long is within a sentence."""
_LOUD = 150.0                      # RMS of 16-bit samples: −47 dBFS


class Pace:
    """Counts in the frames that are fed; all times in ms of audio."""

    def __init__(self) -> None:
        self.now_ms = self.speech_ms = self.quiet_ms = self.run_ms = self.longest_run_ms = 0
        self.talked_over_ms = 0
        """Speech of the present run that went on while we spoke."""
        self.first_run_ms = 0
        """Length of the first utterance, once it is over."""
        self.loud_ms = 0
        self._vad = VoiceActivity(8000)
        self._speaking = False
        self._echo, self._we_speak = EchoGate(), False

    def feed(self, received: bytes, sent: bytes = b"") -> bytes:
        """Take 20 ms; gives back what of it is not our own echo."""
        self._we_speak = rms(sent) > _LOUD
        received = self._echo.caller_in(received, sent)
        loud = rms(received)
        self.loud_ms = self.loud_ms + 20 if loud > _LOUD else max(0, self.loud_ms - 100)
        for probability in self._vad.feed(received):
            self._block(probability)
        return received

    def _block(self, probability: float) -> None:
        self.now_ms += BLOCK_MS
        if probability >= SPEECH_ON:
            self._speaking = True
        elif probability < SPEECH_OFF:
            self._speaking = False
        if self._speaking:
            self.speech_ms += BLOCK_MS
            self.run_ms += BLOCK_MS + (self.quiet_ms if self.run_ms else 0)
            self.quiet_ms = 0
            self.talked_over_ms += BLOCK_MS if self._we_speak else 0
            self.longest_run_ms = max(self.longest_run_ms, self.run_ms)
            return
        self.quiet_ms += BLOCK_MS
        if self.run_ms and self.quiet_ms > BREATH_MS:
            self.first_run_ms = self.first_run_ms or self.run_ms
            self.run_ms = self.talked_over_ms = 0

