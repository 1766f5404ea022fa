"""The table of confusions learned from what the recognizer made of recordings whose plates are known.

    python -m hotline.bench.learn_confusions DIR --results heard.jsonl --voices A,B >pairs.toml

DIR is a set as for ``ivr bench hear``; only ``--voices`` are learned from, so that others are left to measure with.
What it prints goes to the end of plate_parser/data/confusions.toml, in place of the pairs there.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from rich.console import Console

from asr.line_simulation import Conditions
from hotline.bench.hearing import Outcome
from hotline.bench.report import HearingTask, heard_plates
from plate_parser.variants import expert_confusions

FIRM = 3.0
"""The expert's weights count as if a character had been said so often."""
DEPTH = 50
"""Of each n-best."""
LEAST_TOLD = 0.005
"""Weights under this are `learned_floor`."""
PLACES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--line", default="alaw")
    parser.add_argument("--voices", required=True, help="learn from these speakers only")
    options = parser.parse_args()
    task = HearingTask(options.folder, Conditions(options.line, None, 0.0), results=options.results)
    voices = options.voices.split(",")
    outcomes = [o for o in heard_plates(task, Console(stderr=True)) if o.row.clip.speaker in voices]
    table = learned(outcomes)
    print(f'# Learned by hotline.bench.learn_confusions from {len(outcomes)} plates in {len(voices)} voices '
          f'({options.voices}), {options.line}, on {date.today()}.')
    for heard, row in table.items():
        print(f'[heard."{heard}"]')
        for said, weight in row.items():
            print(f'"{said}" = {weight}')


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


if __name__ == "__main__":
    main()
