"""Which plate to read back, out of what was heard and what the register made of it."""

from collections.abc import Collection

from asr.recognizer import Result
from dialer.client import Match
from plate_parser.rules import dialable

UNHEARD_SHARE = 0.1
"""Probability that the plate is none of those that the recognizer lists."""


def plate_to_read(match: Match, heard: list[tuple[str, float]], rejected: Collection[str]) -> str:
    """The plate to read back: the register's, else the likelier of two, else the best heard."""
    registered = (plate for plate in (match.plate, *match.alternatives) if plate and plate not in rejected)
    return next(registered, heard[0][0])


def whole_plates(result: Result, rejected: Collection[str]) -> list[tuple[str, float]]:
    """The legal plates of a finished turn, without `rejected`, with probabilities.

    Whoever has finished speaking has said a whole plate: what the recognizer gave to
    unfinished ones is shared out, but for `UNHEARD_SHARE`. Where the recognizer has no
    probabilities, each plate counts half as much as the one before it.
    """
    whole = [
        (hypothesis.value, 0.5**place if hypothesis.probability is None else hypothesis.probability)
        for place, hypothesis in enumerate(result.hypotheses)
        if dialable(hypothesis.value) and hypothesis.value not in rejected
    ]
    total = sum(probability for _, probability in whole)
    return [(plate, probability * (1 - UNHEARD_SHARE) / total) for plate, probability in whole] if total else []
