"""Which plate was meant, given what was heard and which plates the register holds.

P(plate | audio) × P(plate in the register), with a term for every legal plate that is *not* in
it: a stranger's plate must end as "none", not as the neighbour that happens to be registered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Thresholds:
    """Where a match is sure enough.

    `outside`: weight of one legal plate outside the register against one inside; measured: 0 let
    14 % of strangers' plates pass as somebody else's, 0.02 let 3 % pass and lost almost none.
    `sure`: a match at or over this. `ask`: two candidates together at or over this are offered.
    `first`: weight of the likeliest plate outside against the best one inside, where it is only about
    which to read back first, and the caller says whether it is right. Measured on eight synthetic
    voices: 0.002 instead of 0.02 reads 5 % more of the registered plates right at first, and
    reads 4 % more of the strangers somebody else's.
    """

    outside: float = 0.02
    sure: float = 0.9
    ask: float = 0.7
    first: float = 0.002


@dataclass(frozen=True)
class Decision:
    """`probability` is that of `plate` for a match; of the better alternative for an ask; that
    no registered plate was meant for a none. `alternatives`: best first, two for an ask (one of
    them may be outside the register: the caller decides, not we); for a none the registered plate to
    read back before what was heard, if there is one; else ()."""

    kind: Literal["match", "ask", "none"]
    plate: str | None
    probability: float
    alternatives: tuple[str, ...] = ()


def decide(
    variants: Sequence[tuple[str, float]],
    hits: Collection[str],
    thresholds: Thresholds = Thresholds(),
) -> Decision:
    """The decision over `variants` (plate, P(plate | audio)), of which `hits` are registered.

    Probability missing to 1 in `variants` counts as plates outside the register.
    """
    weights = {
        plate: p * (1.0 if plate in hits else thresholds.outside) for plate, p in variants if p > 0
    }
    unheard = max(0.0, 1.0 - sum(p for _, p in variants)) * thresholds.outside
    total = sum(weights.values()) + unheard
    inside = [(plate, w / total) for plate, w in weights.items() if plate in hits]
    outside = [(plate, w / total) for plate, w in weights.items() if plate not in hits]
    inside.sort(key=lambda item: (-item[1], item[0]))
    stranger = 1.0 - sum(p for _, p in inside)
    likeliest = max((p for _, p in variants), default=0.0) / (total or 1.0)
    first = tuple(plate for plate, p in inside[:1] if p >= thresholds.first * likeliest)
    if not inside or inside[0][1] < 1.0 - thresholds.ask:
        return Decision("none", None, min(1.0, stranger), first)
    if inside[0][1] >= thresholds.sure:
        return Decision("match", inside[0][0], inside[0][1])
    close = sorted(inside[:2] + outside, key=lambda item: (-item[1], item[0]))[:2]
    if any(plate in hits for plate, _ in close) and sum(p for _, p in close) >= thresholds.ask:
        return Decision("ask", None, close[0][1], tuple(plate for plate, _ in close))
    return Decision("none", None, min(1.0, stranger), first)
