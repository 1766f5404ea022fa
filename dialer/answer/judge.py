"""Judges who answered, as the audio comes: frames and recognized words in, a verdict out.

There is no clock: time is counted in frames of 20 ms. Somebody else does the recognizing (pools of
workers in a call, the engines themselves in a measurement): `due()` gives the audio to look at for words,
`take()` takes the result; likewise `due_text()` and `take_text()` where free speech is written down, which
takes longer and is right more often. Unsure is a person: a machine must give itself away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from asr.listening.recent_pcm import RecentPcm
from asr.recognizer import Result
from dialer.answer.pace import Pace
from dialer.answer.tones import ToneEar
from dialer.answer.verdict import PERSON, Verdict
from dialer.answer.words import words_of
from dialer.answer.written import UNTOLD, said_in

LISTEN_MS = 25_000
"""An answered call is judged for so long; early media until it ends."""
WINDOW_S = 10.0
"""What is looked at: announcements say everything within this."""
LEAD_MS = 500
"""Of the silence before somebody spoke, so much is looked at: while we greet them, it is all but silence."""
FIRST_LOOK_MS, NEXT_LOOK_MS = 900, 640
"""Speech that must have come before the first look, and between looks."""
LOOK_PAUSE_MS = 224
FRESH_MS = 64
"""Speech since the last look for which a pause is looked into."""
SURE, LIKELY = 0.5, 0.4
"""Share of probability of what only machines say, after the answer and before it."""
UNBROKEN_MS, TALKED_OVER_MS = 2500, 1500
"""Speech without a pause, or on over our own, by which what a person might say is a machine's."""
SHORT_MS, WAITS_MS = 2000, 600
"""A person's first utterance is shorter than the one, and they wait for longer than the other."""
SILENT_MS = 4000
INFORMED_WAIT_MS = 2000
"""After the information tone somebody spoke, and what was said was not understood: a network did."""
MUSIC_MS = 2500
HALF_SAID, MORE_MAY_FOLLOW = {"busy"}, {"no-answer", "unreachable"}
"""请不要挂机 may follow, which changes the meaning; and after the answer 请在嘀声后留言."""
LONG_PAUSE_MS, LONGEST_PAUSE_MS = 700, 1500
WRITE_PAUSE_MS, WRITE_RUN_MS = 400, 2500
"""Speech since the last text for which a pause, or talk without one, is written down."""
TEXT_WAIT_MS, EARLY_TEXT_WAIT_MS = 3000, 1600
"""What words say waits so long for the text that bears it out; before the answer, no person is there to be missed."""
TEXT_SURE = 0.9


@dataclass(frozen=True)
class _Likely:
    """What words say so far, and how many looks in a row said it; `written`: by a text, which outweighs looks.
    `since_ms`: when it was first said."""

    kind: str
    confidence: float
    reason: str
    looks: int
    since_ms: int
    written: bool = False


class Judge:
    """One call. Begins in early media; `answered()` moves on. `writes`: somebody answers `due_text()`."""

    def __init__(self, early: bool = True, writes: bool = False) -> None:
        self.writes = writes
        self.verdict: Verdict | None = None
        self._begin(early)

    def _begin(self, early: bool) -> None:
        self.early, self.now_ms = early, 0
        self.tones, self.pace = ToneEar(), Pace()
        self._pcm = RecentPcm(8000, WINDOW_S)
        self._looked_at_ms = self._written_at_ms = 0
        self._likely: _Likely | None = None
        self._informed = False

    def answered(self) -> None:
        """The call was answered: what is heard from now on may be a person."""
        self.verdict = None
        self._begin(early=False)

    def hung_up(self) -> Verdict | None:
        """The call ended: what waited to be borne out counts as it is."""
        if self._likely and not self.over:
            self._found(self._likely.kind, self._likely.confidence, self._likely.reason)
        return self.verdict

    @property
    def over(self) -> bool:
        """Nothing more will be found out."""
        return bool(self.verdict and self.verdict.final) or (not self.early and self.now_ms > LISTEN_MS)

    @property
    def may_speak(self) -> bool:
        """A machine has beeped, or is silent for long: what is said now is recorded or heard."""
        if not (self.verdict and self.verdict.final):
            return False
        wait_ms = 2000 if self.verdict.kind == "voicemail" else 800
        beeped = self.verdict.kind == "voicemail" and self.tones.beep_after(1500)
        return beeped or self.pace.quiet_ms >= wait_ms

    def feed(self, received: bytes, sent: bytes = b"") -> Verdict | None:
        """Take 20 ms of what came in and of what we said; the verdict so far."""
        heard = self.pace.feed(received, sent)
        self.now_ms += 20
        in_tone = self.tones.feed(heard)
        self._pcm.feed(heard)
        if not self.over:
            self._judge_sound(in_tone)
            self._judge_words()
        return self.verdict

    def due(self) -> bytes | None:
        """Audio that should be looked at for words now, or None."""
        speech_ms = self.pace.speech_ms
        fresh_ms = speech_ms - self._looked_at_ms
        wanted = NEXT_LOOK_MS if self._looked_at_ms else FIRST_LOOK_MS
        in_pause = self.pace.quiet_ms >= LOOK_PAUSE_MS and fresh_ms >= FRESH_MS
        if self.over or not (in_pause or fresh_ms >= wanted):
            return None
        self._looked_at_ms = speech_ms
        return self._pcm.from_sound(LEAD_MS)

    def due_text(self) -> bytes | None:
        """Audio that should be written down now, or None: after a pause, in long talk, to bear words out."""
        speech_ms = self.pace.speech_ms
        fresh_ms = speech_ms - self._written_at_ms
        in_pause = self.pace.quiet_ms >= LOOK_PAUSE_MS and fresh_ms >= WRITE_PAUSE_MS
        asked = self._likely is not None and not self._likely.written and fresh_ms >= FRESH_MS
        if self.over or not self.writes or speech_ms < FIRST_LOOK_MS:
            return None
        if not (in_pause or asked or fresh_ms >= WRITE_RUN_MS):
            return None
        self._written_at_ms = speech_ms
        return bytes(self._pcm)

    def take_text(self, text: str) -> Verdict | None:
        """Take what the audio of `due_text()` was written down as; "" for nothing."""
        if self.over:
            return self.verdict
        said = said_in(text, self.early, self._may_believe_maybe(), expected=self._informed)
        before = self._likely
        if said and said.kind and not (before and said.phrase == UNTOLD):
            looks = before.looks if before and before.written and before.kind == said.kind else 0
            self._likely = _Likely(said.kind, TEXT_SURE, f"said: {said.phrase}", looks + 2, self.now_ms, written=True)
        elif said and not said.kind and not self.early:
            self._likely = None
        elif before:
            self._likely = replace(before, written=True)
        return self._judge_words()

    def take(self, result: Result) -> Verdict | None:
        """Take what was recognized in the audio of `due()`."""
        if self.over or self._likely and self._likely.written:
            return self.verdict
        words = words_of(result)
        kind, share = words.best
        reason = f"said: {words.text}"
        if share < SURE and self._may_believe_maybe():
            kind, share = words.best_of_all
        if share < (LIKELY if self.early else SURE):
            if not kind or words.unknown > share:
                kind, reason = "unreachable", f"{UNTOLD}: {words.text}"
            share += words.unknown
        if share < (LIKELY if self.early else SURE):
            self._likely = None
            return self.verdict
        if kind in HALF_SAID and self.verdict and self.verdict.kind == "waiting":
            return self.verdict              # the same announcement, over and over: only its text may say otherwise
        before = self._likely if self._likely and self._likely.kind == kind else _Likely(kind, 0, "", 0, self.now_ms)
        self._likely = _Likely(kind, share, reason, before.looks + 1, before.since_ms)
        return self._judge_words()

    def _may_believe_maybe(self) -> bool:
        return (self.early or self.pace.longest_run_ms >= UNBROKEN_MS
                or self.pace.talked_over_ms >= TALKED_OVER_MS)

    def _judge_words(self) -> Verdict | None:
        """Half a sentence may mislead: they must have paused after it, or other looks agree. Words alone wait
        for a text, where there is one to come."""
        likely = self._likely
        wait_ms = EARLY_TEXT_WAIT_MS if self.early else TEXT_WAIT_MS
        if likely and (likely.written or not self.writes or self.now_ms - likely.since_ms >= wait_ms):
            pause_ms, looks = LOOK_PAUSE_MS, 2
            if likely.kind in HALF_SAID or (likely.kind in MORE_MAY_FOLLOW and not self.early):
                pause_ms, looks = LONGEST_PAUSE_MS, 6
            elif UNTOLD in likely.reason:
                pause_ms, looks = LONG_PAUSE_MS, 4
            if self.pace.quiet_ms >= pause_ms or likely.looks >= looks:
                self._likely = None
                self._found(likely.kind, likely.confidence, likely.reason, *self._manner())
        return self.verdict

    def _manner(self) -> list[str]:
        manner = []
        if self.pace.longest_run_ms >= UNBROKEN_MS:
            manner.append(f"spoke {self.pace.longest_run_ms / 1000:.1f} s without a pause")
        if self.pace.talked_over_ms >= TALKED_OVER_MS:
            manner.append("went on while spoken to")
        return manner

    def _judge_sound(self, in_tone: bool) -> None:
        self._informed = self._informed or self.tones.information()
        if self.tones.fax():
            return self._found("fax", 0.98, "fax tone")
        network = self.tones.network()
        if network and network != "ringing":
            return self._found(network, 0.95, f"the network's tone for {network}")
        if not self.early and self.pace.speech_ms >= 1500 and self.tones.beep_after(1500):
            return self._found("voicemail", 0.85, "a beep after speech", *self._manner())
        if self._informed and self.pace.speech_ms >= FIRST_LOOK_MS and self.pace.quiet_ms >= INFORMED_WAIT_MS:
            return self._found("unreachable", 0.8, "the network's information tone, and an announcement")
        if self.early:
            return self._judge_ringing(network, in_tone)
        if self.verdict is None or self.verdict.kind == PERSON:
            self._judge_person()
        return None

    def _judge_ringing(self, network: str, in_tone: bool) -> None:
        if network and (self.verdict is None or self.verdict.kind == "music"):
            self._found("ringing", 0.95, "ring-back tone")
        elif self.verdict is None and not in_tone and self.pace.loud_ms >= MUSIC_MS:
            self._found("music", 0.7, "sound that is neither a tone nor an announcement")

    def _judge_person(self) -> None:
        pace = self.pace
        confidence = self.verdict.confidence if self.verdict else 0.0
        if confidence < 0.85 and 0 < pace.first_run_ms <= SHORT_MS and pace.quiet_ms >= WAITS_MS:
            self._found(PERSON, 0.85, f"spoke {pace.first_run_ms / 1000:.1f} s and waited")
        elif confidence < 0.5 and pace.speech_ms == 0 and self.now_ms >= SILENT_MS:
            self._found(PERSON, 0.5, "nothing was heard")
        elif confidence < 0.6 and self._looked_at_ms and pace.quiet_ms >= WAITS_MS:
            self._found(PERSON, 0.6, "speech, and nothing that a machine says")

    def _found(self, kind: str, confidence: float, *reasons: str) -> None:
        self.verdict = Verdict(kind, min(confidence, 0.99), reasons, self.now_ms, self.early)

