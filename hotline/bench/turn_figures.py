"""What the packets of a call say: how soon the bot answered, and how soon it fell silent.

Times are a telephone's own, in seconds: `received` are its packets as (when it came, does it hold
sound), 20 ms each; see `packet_phone`.
"""

from collections.abc import Iterable, Sequence

import numpy as np

PACKET_S = 0.02
SILENT_S = 0.3
"""So long without sound is the bot's silence and no rest within a sentence."""
TALKING_S = 0.15
"""Who made a sound within so long is talking."""
FAILED_MS = 5000.0
"""What is counted where the bot never fell silent, or never answered."""

Packets = Sequence[tuple[float, bool]]


def reply_ms(received: Packets, last_s: float) -> float:
    """From the packet with the caller's last sound to the first packet of the reply with sound in it."""
    return next(((at - last_s) * 1000 for at, loud in received if loud and at > last_s), FAILED_MS)


def silence_ms(received: Packets, first_s: float) -> float | None:
    """From the packet with the caller's first sound to the first of the packets without sound that
    stay so; None where the bot was not talking."""
    if not any(loud for at, loud in received if first_s - TALKING_S <= at < first_s):
        return None
    loud_s = [at for at, loud in received if loud]
    for at, loud in received:
        if at >= first_s and not loud and not any(at < each < at + SILENT_S for each in loud_s):
            return (at - first_s) * 1000
    return FAILED_MS


def longest_silence_ms(received: Packets, from_s: float, to_s: float) -> float:
    """The longest run of packets without sound in a stretch of a call."""
    longest = run = 0
    for at, loud in received:
        if from_s <= at <= to_s:
            run = 0 if loud else run + 1
            longest = max(longest, run)
    return longest * PACKET_S * 1000


def sound_ms(received: Packets) -> float:
    """From the first to the last packet with sound in it."""
    loud_s = [at for at, loud in received if loud]
    return (loud_s[-1] - loud_s[0] + PACKET_S) * 1000 if loud_s else 0.0


def packets_of(pcm_8k: bytes, loud: float = 100.0) -> list[tuple[float, bool]]:
    """A prompt as a telephone would receive it, undisturbed."""
    samples = np.frombuffer(pcm_8k[: len(pcm_8k) // 320 * 320], "<i2").astype(np.float32)
    levels = np.sqrt(np.mean(samples.reshape(-1, 160) ** 2, axis=1))
    return [(number * PACKET_S, bool(level > loud)) for number, level in enumerate(levels)]


def spread(figures: Iterable[float]) -> dict[str, float | int | None]:
    """{"n", "p50_ms", "p95_ms", "max_ms"}."""
    values = sorted(figures)
    if not values:
        return {"n": 0, "p50_ms": None, "p95_ms": None, "max_ms": None}
    p50, p95 = np.percentile(values, [50, 95])
    return {"n": len(values), "p50_ms": round(float(p50)), "p95_ms": round(float(p95)), "max_ms": round(values[-1])}
