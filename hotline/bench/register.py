"""Right at the first read-back with a register to lean on, and how often a stranger is taken for an owner."""

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from asr.measure.figures import interval
from asr.recognizer import Hypothesis, Result
from dialer.register.made_up import write_owners
from hotline.bench.hearing import Outcome
from hotline.move_car.read_back import plate_to_read, whole_plates
from plate_parser.match import decide
from plate_parser.variants import likely_variants

SURE = 0.95
VARIANTS = 300
"""Likely plates that are looked up in one round, as the vault does."""


def made_up_register(size: int, plates: Collection[str]) -> set[str]:
    """`plates` and `size` made-up ones, four fifths of these of the city that most of `plates` are of."""
    cities = [plate[:2] for plate in plates]
    home = max(sorted(set(cities)), key=cities.count) if cities else "赣K"
    with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder:
        return set(write_owners(Path(folder) / "owners.csv", size, home=home)) | set(plates)


def measure_register(
    outcomes: list[Outcome], size: int, advance: Callable[[], None] = lambda: None
) -> dict[str, object]:
    """Each outcome's plate matched against the register, with its own plate in it and without.

    `right_first`: share whose plate is read back when it was said once; `again`: share of whom the plate is asked for
    once more rather than a doubtful one read back; `wrong_first`: the rest; `wrong_sure`: wrong plates matched at a
    probability of `SURE` or more; `stranger_sure`: the same where the caller's own plate is not registered.
    """
    registered = made_up_register(size, {outcome.row.expected for outcome in outcomes})
    right = again = wrong_sure = stranger_sure = 0
    for outcome in outcomes:
        own = outcome.row.expected
        heard = _heard(outcome)
        variants = likely_variants(heard, VARIANTS) if heard else []
        hits = {plate for plate, _ in variants if plate in registered}
        decision = decide(variants, hits)
        read = plate_to_read(decision, heard, (), last=False) if heard else ""
        right, again = right + (read == own), again + (not read)
        wrong_sure += _is_sure_of_another(decision, own)
        stranger_sure += _is_sure_of_another(decide(variants, hits - {own}), own)
        advance()
    count = len(outcomes)
    return {
        "size": len(registered), "plates": count,
        "right_first": round(right / count, 4) if count else None, "right_interval": interval(right, count),
        "again": round(again / count, 4) if count else None,
        "wrong_first": round((count - right - again) / count, 4) if count else None,
        "wrong_sure": wrong_sure, "stranger_sure": stranger_sure, "sure_from": SURE,
    }


def _heard(outcome: Outcome) -> list[tuple[str, float]]:
    if outcome.heard.rejected:
        return []
    listed = tuple(Hypothesis("", value, probability) for value, probability in outcome.heard.values)
    return whole_plates(Result(listed, False, 0), ())


def _is_sure_of_another(decision, own: str) -> bool:
    return decision.kind == "match" and decision.probability >= SURE and decision.plate != own
