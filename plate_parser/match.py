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
    `sure`: a match at or over this, of what was heard best; `brought_up`: of another plate, which only the register
    makes likelier. `ask`: two candidates together at or over this are offered.
    `offer`: a registered plate less probable than this is not read back yet: the caller says the plate
    again. `last`: nor is one under this where it was said as often as it may be. docs/matching.md says
    what other values would cost.
    """

    outside: float = 0.02
    sure: float = 0.9
    ask: float = 0.7
    offer: float = 0.85
    last: float = 0.5
    brought_up: float = 0.95


@dataclass(frozen=True)
class Decision:
    """`probability` is that of `plate` for a match; of the better alternative for an ask; that
    no registered plate was meant for a none. `alternatives`: best first, two for an ask (one of
    them may be outside the register: the caller decides, not we); for a none the registered plate that is
    probable enough to be read back at last, if there is one; else (). `held`: the likeliest registered plate
    where it is less probable than `offer`: not to be read back before the plate was said again; else "". A none
    names no registered plate but one that was heard best, or probable: a register is not told plate by plate."""

    kind: Literal["match", "ask", "none"]
    plate: str | None
    probability: float
    alternatives: tuple[str, ...] = ()
    held: str = ""


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
    best, sure = inside[0] if inside else ("", 0.0)
    held = best if sure < thresholds.offer else ""
    at_last = (best,) if best and sure >= thresholds.last else ()
    heard_best = max(variants, key=lambda item: item[1])[0] if variants else ""
    if sure >= (thresholds.sure if best == heard_best else max(thresholds.sure, thresholds.brought_up)):
        return Decision("match", best, sure)
    close = sorted(inside[:2] + outside, key=lambda item: (-item[1], item[0]))[:2]
    if (sure >= 1.0 - thresholds.ask and any(plate in hits for plate, _ in close)
            and sum(p for _, p in close) >= thresholds.ask):
        return Decision("ask", None, close[0][1], tuple(plate for plate, _ in close), held)
    named = held == heard_best or bool(at_last)
    return Decision("none", None, min(1.0, stranger), at_last, held if named else "")
