"""The table of confusions learned from what the recognizer made of recordings whose plates are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from hotline.bench.hearing import Outcome
from hotline.errors import CannotRun
from plate_parser.variants import expert_confusions

FIRM = 3.0
"""The expert's weights count as if a character had been said so often."""
DEPTH = 50
"""Of each n-best."""
LEAST_TOLD = 0.005
"""Weights under this are `learned_floor`."""
PLACES = 3


def table_text(outcomes: Sequence[Outcome], voices: Collection[str], line: str, today: date) -> str:
    """What was learned from `voices`, as the end of plate_parser/data/confusions.toml has it.

    Raises CannotRun where nobody is left, or one of the voices is not in the set.
    """
    there = {outcome.row.clip.speaker for outcome in outcomes}
    if missing := sorted(set(voices) - there):
        raise CannotRun(f"nobody in the set is called {', '.join(missing)}: there are {', '.join(sorted(there)) or 'no plates'}")
    of_them = [outcome for outcome in outcomes if outcome.row.clip.speaker in voices]
    lines = [f"# Learned by ivr bench confusions from {len(of_them)} plates in {len(voices)} voices ({','.join(voices)}), {line}, on {today}."]
    for heard, row in learned(of_them).items():
        lines += [f'[heard."{heard}"]', *(f'"{said}" = {weight}' for said, weight in row.items())]
    return "\n".join(lines)


def learned(outcomes: Iterable[Outcome]) -> dict[str, dict[str, float]]:
    """Heard character → what was said instead → weight: the share of the n-bests' probability that falls on the one
    where the other is said, drawn towards the expert's table where little was heard.

    By what was said, not by what was heard: how common a character is on plates is the register's to know.
    """
    said_in_all: dict[str, float] = defaultdict(float)
    wrong: dict[tuple[str, str], float] = defaultdict(float)
    for outcome in outcomes:
        for plate, share in () if outcome.heard.rejected else outcome.heard.values[:DEPTH]:
            if len(plate) == len(outcome.row.expected):
                for heard, said in zip(plate, outcome.row.expected, strict=True):
                    said_in_all[said] += share
                    wrong[heard, said] += share
    table = {}
    for heard, expert in expert_confusions().items():
        weights = {said: (wrong[heard, said] + FIRM * weight) / (said_in_all[said] + FIRM) for said, weight in expert.items()}
        table[heard] = {said: round(weight, PLACES) for said, weight in sorted(weights.items(), key=lambda pair: -pair[1])
                        if weight >= LEAST_TOLD}
    return table

