"""Posteriors of somebody who says given units, and grammars of a few rules."""

import numpy as np

from asr.grammars.grammar import Grammar
from asr.grammars.templates import units_of
from asr.grammars.units import UNIT_IDS, UNITS


def heard(units, rng, spread=1.0):
    """Posteriors of someone who says these units, each for a frame, with blanks between."""
    rows = []
    for unit in units:
        rows += ["_"] * int(rng.integers(1, 4)) + [unit]
    logits = rng.normal(0, spread, (len(rows) + 2, len(UNITS)))
    for row, unit in enumerate([*rows, "_", "_"]):
        logits[row, UNIT_IDS[unit]] += 10.0
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def graph_of(**rules):
    return Grammar("test", {"start": "start", "rules": rules})


def clearly(units):
    """Posteriors of perfect hearing: each unit for a frame, a blank between."""
    rows = np.full((2 * len(units) + 1, len(UNITS)), -80.0)
    rows[::2, UNIT_IDS["_"]] = 0.0
    for place, unit in enumerate(units):
        rows[2 * place + 1, UNIT_IDS[unit]] = 0.0
    return rows


def units_said(text):
    """The usual units of characters and letters."""
    return [UNITS[units_of(character)[0]] for character in text.replace(" ", "")]
