"""Made sounds of the telephone network: tones, fax machines, ring-back music. Float mono, 16 kHz."""

from __future__ import annotations

import numpy as np

from asr.line.effects import WIDE, coloured

NETWORK_HZ = 450.0
CADENCES = {                       # seconds on, off, …; GB/T 15279
    "ringing": (1.0, 4.0),
    "busy": (0.35, 0.35),
    "congestion": (0.7, 0.7),
    "no-such-number": (0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.4),
}


def tone(hertz: float, seconds: float, level: float = 0.2) -> np.ndarray:
    """A sine with edges of 3 ms."""
    count = int(seconds * WIDE)
    edge = np.minimum(1, np.arange(count) / 48)
    return level * np.sin(2 * np.pi * hertz * np.arange(count) / WIDE) * edge * edge[::-1]


def rest(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * WIDE))


def cadence(kind: str, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A network's tone, off by what the standard allows in frequency and timing."""
    hertz, drift = NETWORK_HZ + rng.uniform(-12, 12), rng.uniform(0.95, 1.05)
    level, parts, made = 10 ** rng.uniform(-1.5, -0.5), [], 0.0
    while made < seconds:
        for number, length in enumerate(CADENCES[kind]):
            parts.append(rest(length * drift) if number % 2 else tone(hertz, length * drift, level))
            made += length * drift
    return np.concatenate(parts)[: int(seconds * WIDE)]


def fax(rng: np.random.Generator) -> np.ndarray:
    """A machine that answers: CED and a flag-like warble, or one that calls: CNG."""
    if rng.random() < 0.7:
        answer = tone(2100 + rng.uniform(-12, 12), rng.uniform(2.6, 4.0))
        warble = [tone(rng.choice((1650, 1850)), 1 / 300) for _ in range(300)]
        return np.concatenate([rest(rng.uniform(0.2, 1.8)), answer, rest(0.075), *warble])
    call = tone(1100 + rng.uniform(-30, 30), 0.5)
    return np.concatenate([rest(rng.uniform(0.1, 1.0)), call, rest(3.0), call, rest(3.0), call])


def beep(rng: np.random.Generator) -> np.ndarray:
    """What a voicemail makes before it records."""
    return tone(rng.choice((440, 620, 800, 1000, 1400)), rng.uniform(0.25, 0.9))


def music(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A melody over chords and a beat: half of it plucked, half of it sung on (a vowel's formants)."""
    beat = rng.uniform(0.24, 0.5)
    time = np.arange(int(beat * WIDE)) / WIDE
    scale, key, sung = (0, 2, 4, 7, 9), 98 * 2 ** (rng.integers(0, 12) / 12), rng.random() < 0.5
    parts, total = [], 0.0
    while total < seconds:
        chord = [key * 2 ** (step / 12) for step in ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))[rng.integers(4)]]
        note = key * 4 * 2 ** (rng.choice(scale) / 12)
        harmony = sum(np.sin(2 * np.pi * each * k * time) / k**1.7 for each in chord for k in (1, 2, 3)) * np.exp(-time * 3)
        lead = _sung(note / 2, time, rng) if sung else _plucked(note, time, rng)
        drum = coloured(rng, len(time), 0.7) * np.exp(-time * 35) * rng.choice((0.0, 0.5, 1.0))
        parts.append(0.25 * harmony + lead + 0.3 * drum)
        total += beat
    sound = np.concatenate(parts)[: int(seconds * WIDE)]
    return 0.25 * sound / (np.abs(sound).max() + 1e-9)


def _plucked(hertz: float, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    fall = rng.uniform(1, 8)
    return sum(np.sin(2 * np.pi * hertz * k * time) / k ** rng.uniform(1, 2) for k in range(1, 6)) * np.exp(-time * fall)


def _sung(hertz: float, time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    formants = ((700, 1100), (350, 2100), (450, 900), (300, 800))[rng.integers(4)]
    wobble = 2 * np.pi * hertz * (time + 0.004 / 5.5 * np.sin(2 * np.pi * 5.5 * time))
    lead = np.zeros(len(time))
    for k in range(1, 20):
        weight = sum(np.exp(-(((hertz * k - formant) / 150) ** 2)) for formant in formants) + 0.05
        lead += weight * np.sin(k * wobble)
    return lead * np.minimum(1, 20 * time) * np.minimum(1, 20 * time[::-1])
