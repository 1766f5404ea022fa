"""What several turns of one call say together about which plate was meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Plates = Sequence[tuple[str, float]]

FLOOR = 1e-4
"""Probability of a plate that a turn does not list: it was misheard beyond the list's end."""


def combined(turns: Sequence[Plates], denied: Collection[str] = ()) -> list[tuple[str, float]]:
    """The plates of `turns` (each an n-best of plate and probability), best first, without `denied`.

    A plate's evidence is the product over the turns, with `FLOOR` where a turn does not list it. The
    probabilities sum to as much as the surest turn's, so what no turn lists keeps its share.
    """
    listed = [dict(turn) for turn in turns if turn]
    if len(listed) < 2:
        return [(plate, p) for turn in listed for plate, p in turn.items() if plate not in denied]
    weights = {}
    for plate in sorted(set().union(*listed) - set(denied)):     # sums of floats hang on their order
        weight = 1.0
        for turn in listed:
            weight *= max(turn.get(plate, 0.0), FLOOR)
        weights[plate] = weight
    total, known = sum(weights.values()), max(sum(turn.values()) for turn in listed)
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return [(plate, weight * known / total) for plate, weight in ranked]
