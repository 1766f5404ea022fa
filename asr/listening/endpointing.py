"""When a caller began to speak and when they have finished, told from speech probabilities and loudness.

Voice activity says "speech" for 80 to 180 ms after the last sound of it; how loud the frames are tells
when that was. Time is counted in the frames that are fed, so nothing here needs a clock.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

SPEECH_ON = 0.6
"""Speech probability above which a block counts as speech (onset)."""
SPEECH_OFF = 0.35
"""Below this a block counts as quiet; between the two the last state holds."""
ONSET_MS = 96
"""Speech must last this long before it counts: a click or a cough's edge does not."""
LIKELY_MS = 400
"""For so long after a sound that begins as speech does, less of voice activity will do: it misses short words (是)."""
LIKELY_ON, LIKELY_ONSET_MS = 0.25, 64
"""What does then, in place of `SPEECH_ON` and `ONSET_MS`."""
BLOCK_MS = 32
"""Length of one block that `asr.listening.vad` gives a probability for."""
FRAME_MS = 20
"""Length of one frame that `Endpointer.hear` takes the loudness of."""
FAINT = 10 ** (-25 / 20)
"""Under this share of the loudest frame of the speech so far, a frame is its end, if it is speech at all."""
UNDECIDED_MS = 96
"""A sound that has lasted no longer than this may turn out to be speech: voice activity lags."""

SURE_SHARE = 0.5
"""An answer this probably whole ends the turn at the first pause."""
UNSURE_SHARE = 0.01
"""An answer this improbably whole is waited for as long as the profile allows. Measured on plates
in five synthetic voices: at the end of a plate whole readings have 0.76 of the probability at the
median and 0.02 at the 10th percentile; in a pause within one, under 0.003 in 95 of 100."""


@dataclass(frozen=True)
class Profile:
    """How long to wait, by what is expected.

    no_input_ms: quiet after the prompt until the caller counts as silent.
    look_ms: a pause after which what was heard is looked at, to see whether it is whole.
    sure_ms: a pause that ends the turn where it surely is.
    quiet_ms: a pause that ends the turn whatever was heard.
    longest_ms: speech longer than this is cut.
    goes_on: (intent, ms): an answer that means this is often followed by more (我现在过不去 … 要半个小时), so
    it is surely whole only after so long a pause.
    slower: what to use instead for a caller who speaks slowly; None for the same.
    """

    no_input_ms: int = 5000
    look_ms: int = 190
    sure_ms: int = 250
    quiet_ms: int = 900
    longest_ms: int = 12000
    slower: Profile | None = None
    goes_on: tuple[tuple[str, int], ...] = ()

    def wait_ms(self, whole_share: float, meaning: str = "") -> int:
        """The pause that ends the turn, by how probably the answer is whole (0 to 1) and what it means.

        Between sure_ms and quiet_ms in proportion to the logarithm: each halving of the share
        asks for as much more quiet.
        """
        span = math.log(SURE_SHARE) - math.log(UNSURE_SHARE)
        doubt = (math.log(SURE_SHARE) - math.log(max(whole_share, UNSURE_SHARE))) / span
        sure_ms = max(self.sure_ms, dict(self.goes_on).get(meaning.partition(":")[0], 0))
        return round(sure_ms + max(doubt, 0.0) * (self.quiet_ms - sure_ms))


class Endpointer:
    """Follows one turn. Feed it the speech probability of each 32 ms block.

    Where it is also told how loud each frame is (`hear`, before the block that the frame completes),
    speech ends with its last frame that is not faint; on a line as loud as that, with voice activity.
    """

    def __init__(self) -> None:
        self.now_ms = 0
        self.speech_began_ms: int | None = None
        self.speech_ended_ms = 0
        self.longest_pause_ms = 0
        """The longest quiet so far that was followed by more speech."""
        self._onset_ms = self._likely_until_ms = 0
        self._speaking = False
        self._heard_ms = self._loud_until_ms = self._loud_run_ms = 0
        self._loudest = 0.0
        self._levels: deque[float] = deque(maxlen=3)

    @property
    def heard_speech(self) -> bool:
        return self.speech_began_ms is not None

    @property
    def quiet_ms(self) -> int:
        """Milliseconds since speech was last heard (since the start, if none was)."""
        return max(self.now_ms, self._heard_ms) - self.speech_ended_ms

    @property
    def stirring(self) -> bool:
        """Whether a sound has begun of which it is not known yet if it is speech."""
        return 0 < self._loud_run_ms <= UNDECIDED_MS

    @property
    def speech_ms(self) -> int:
        """Milliseconds from the first to the last speech."""
        return 0 if self.speech_began_ms is None else self.speech_ended_ms - self.speech_began_ms

    def forget(self) -> None:
        """What was heard was not speech after all: wait for the next onset."""
        self.speech_began_ms, self._onset_ms, self.longest_pause_ms = None, 0, 0
        self._loudest = 0.0

    def begins(self) -> None:
        """A sound has begun that is likely to be speech (`asr.listening.onset`)."""
        self._likely_until_ms = max(self.now_ms, self._heard_ms) + LIKELY_MS

    def hear(self, level: float) -> None:
        """Take the loudness (any linear unit) of the next 20 ms."""
        self._heard_ms += FRAME_MS
        self._levels.append(level)
        if level > FAINT * self._loudest:
            self._loud_until_ms = self._heard_ms
            self._loud_run_ms += FRAME_MS
        else:
            self._loud_run_ms = 0

    def feed(self, probability: float) -> None:
        """Take the next 32 ms block."""
        self.now_ms += BLOCK_MS
        on, off, onset_ms = SPEECH_ON, SPEECH_OFF, ONSET_MS
        if self.now_ms <= self._likely_until_ms and not self.heard_speech:
            on, off, onset_ms = LIKELY_ON, LIKELY_ON, LIKELY_ONSET_MS
        if probability >= on:
            self._speaking = True
        elif probability < off:
            self._speaking = False
        if not self._speaking:
            self._onset_ms = 0
            return
        self._onset_ms += BLOCK_MS
        self._loudest = max(self._loudest, *self._levels, 0.0)
        if self.heard_speech:
            if (ends_ms := self._ends_ms()) > self.speech_ended_ms:
                pause_ms = self.now_ms - BLOCK_MS - self.speech_ended_ms
                self.longest_pause_ms = max(self.longest_pause_ms, pause_ms)
                self.speech_ended_ms = ends_ms
        elif self._onset_ms >= onset_ms:
            self.speech_began_ms = self.now_ms - self._onset_ms
            self.speech_ended_ms = self._ends_ms()

    def _ends_ms(self) -> int:
        """Where the speech of the present block ends, as far as it is known."""
        return min(self.now_ms, self._loud_until_ms) if self._heard_ms else self.now_ms
