"""Tones of networks, fax machines and voicemails, told by frequency and cadence; no clock.

Chinese networks signal with 450 Hz ± 25 (GB/T 15279, GF 002): ring-back 1 s on, 4 s off; busy 0.35 s
on and off; congestion 0.7 s on and off; number unobtainable 0.1 s on and off three times, then
0.4 s on and off. Fax: CNG 1100 Hz ± 38, 0.5 s (ITU-T T.30 §4.3.3.1); CED 2100 Hz ± 15, 2.6 to 4 s
(§4.3.3.2). Special information tone: 950, 1400, 1800 Hz ± 50, 0.33 s each (ITU-T E.180).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE = 8000
FRAME_MS = 20
_SAMPLES = RATE * FRAME_MS // 1000
_WINDOW = np.hanning(2 * _SAMPLES)
_FFT = 1024
_BIN_HZ = RATE / _FFT
_LOBE_BINS = 7                     # the window's main lobe either side: 50 Hz
_PURE = 0.93                       # share of the energy in the lobe
_LEAST_RMS = 80.0                  # of 16-bit samples: −52 dBFS
_SAME_HZ = 14.0
_STEADY_DB = 6.0                   # a note of an instrument fades, a tone does not
_NETWORK_HZ = (425.0, 475.0)
_BEEP_HZ = (350.0, 2250.0)
_BEEP_MS = (120, 1600)
_STEP_MS = 100                     # silence between the steps of one tone


@dataclass
class Tone:
    """One unbroken pure tone. `frames` of 20 ms since `start_ms`; `over` once it ended."""

    hertz: float
    start_ms: int
    frames: int
    over: bool = False

    @property
    def ms(self) -> int:
        return self.frames * FRAME_MS


class ToneEar:
    """Takes frames of 320 bytes (16-bit, 8 kHz); `tones` are those heard so far, oldest first."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.tones: list[Tone] = []
        self._last = np.zeros(_SAMPLES)
        self._level = 0.0

    def feed(self, frame: bytes) -> bool:
        """Take 20 ms; True while a pure tone sounds."""
        samples = np.frombuffer(frame, "<i2").astype(np.float64)
        hertz, level = _pitch(np.concatenate([self._last, samples]))
        self._last = samples
        self.now_ms += FRAME_MS
        tone = self.tones[-1] if self.tones and not self.tones[-1].over else None
        if tone and hertz and abs(hertz - tone.hertz) < _SAME_HZ and self._steady(level):
            tone.frames += 1
            return True
        if tone:
            tone.over = True
            if tone.frames < 3:
                self.tones.pop()
        if hertz:
            self.tones.append(Tone(hertz, self.now_ms - FRAME_MS, 1))
            self._level = level
        return bool(hertz)

    def _steady(self, level: float) -> bool:
        self._level = max(self._level, level)
        return level > self._level * 10 ** (-_STEADY_DB / 20)

    def network(self) -> str:
        """`busy`, `congestion` or `no-such-number` by its cadence, `ringing`, or ""."""
        heard = [tone for tone in self.tones if _within(tone.hertz, _NETWORK_HZ) and tone.over]
        pairs = [(tone.ms, after.start_ms - tone.start_ms - tone.ms) for tone, after in zip(heard, heard[1:], strict=False)]
        if _run(pairs, (60, 160), (60, 160)) >= 2 and _run(pairs, (320, 480), (300, 500)) >= 1:
            return "no-such-number"
        if _run(pairs, (270, 430), (270, 430)) >= 3:
            return "busy"
        if _run(pairs, (580, 800), (580, 800)) >= 2:
            return "congestion"
        return "ringing" if any(700 <= tone.ms <= 1400 for tone in heard) else ""

    def fax(self) -> bool:
        """Whether a fax machine announced itself, by CED or twice by CNG."""
        answer = any(abs(tone.hertz - 2100) < 20 and tone.ms >= 1000 for tone in self.tones)
        calls = [tone for tone in self.tones if abs(tone.hertz - 1100) < 40 and 400 <= tone.ms <= 620 and tone.over]
        return answer or any(2500 < b.start_ms - a.start_ms < 4500 for a, b in zip(calls, calls[1:], strict=False))

    def information(self) -> bool:
        """Whether the special information tone was heard: an announcement of a network follows."""
        steps = [(950, 985), (1370, 1430), (1776, 1800)]
        runs = zip(self.tones, self.tones[1:], self.tones[2:], strict=False)
        return any(all(low - 50 < tone.hertz < high + 50 and 200 <= tone.ms <= 460
                       for tone, (low, high) in zip(run, steps, strict=True)) for run in runs)

    def beep_after(self, since_ms: int) -> bool:
        """Whether a single beep that began at or after `since_ms` is over, as voicemails make: no step of a tone's."""
        last = self.tones[-3:]
        ends = [tone.start_ms + tone.ms for tone in last]
        apart = [start - end > _STEP_MS for end, start in
                 zip([-_STEP_MS * 2, *ends], [*(tone.start_ms for tone in last), self.now_ms], strict=True)]
        return any(tone.over and before and after and tone.start_ms >= since_ms and _within(tone.hertz, _BEEP_HZ)
                   and _within(tone.ms, _BEEP_MS) for tone, before, after in zip(last, apart, apart[1:], strict=False))


def _pitch(samples: np.ndarray) -> tuple[float, float]:
    """The frequency (Hz) and level of 40 ms that are a pure tone, 0 where they are not."""
    level = float(np.sqrt(np.mean(samples**2)))
    if level < _LEAST_RMS:
        return 0.0, level
    power = np.abs(np.fft.rfft(samples * _WINDOW, _FFT)) ** 2
    peak = int(power.argmax())
    low, high = max(0, peak - _LOBE_BINS), peak + _LOBE_BINS + 1
    lobe = power[low:high]
    if lobe.sum() < _PURE * power.sum():
        return 0.0, level
    return float((np.arange(low, low + len(lobe)) * lobe).sum() / lobe.sum() * _BIN_HZ), level


def _run(pairs: list[tuple[int, int]], on: tuple[int, int], off: tuple[int, int]) -> int:
    """The longest run of tones and rests that both fit."""
    best = run = 0
    for tone_ms, rest_ms in pairs:
        run = run + 1 if _within(tone_ms, on) and _within(rest_ms, off) else 0
        best = max(best, run)
    return best


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
