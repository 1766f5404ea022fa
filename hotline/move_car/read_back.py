"""Which plate to read back, out of what was heard and what the register made of it."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence

from asr.recognizer import Result
from dialer.vault.client import Match
from plate_parser.amend import AmendError, amended
from plate_parser.match import Decision
from plate_parser.rules import classify, dialable, provinces

UNHEARD_SHARE = 0.1
"""Probability that the plate is none of those that the recognizer lists."""
MOST_PLATES = 300
"""No more plates of a correction are weighed against the register; the rest are hardly likely."""
CLOSE_SHARE = 0.25
"""A second-best at least this probable is offered when the best was denied."""
STRANGER_SHARE = 0.3
"""A plate that nobody registered is read back where it was heard at least this surely."""
MOST_SAID = 3
"""Times that a plate is said before what is only probable is read back."""
HEAD_SHARE = 0.5
"""A plate's beginning at least this sure is kept, and only the rest is asked for."""
DENIED_SHARE = 0.7
"""Weight of what was read back, among the plates that a correction may speak of."""
SURE_CHOICE = 0.9
"""Of two characters that were asked for, the one that was answered at least this surely is taken."""
SURE_OTHERWISE = 0.9
"""So sure must be what was answered instead: that it is neither, or a change."""
UNLISTED_SHARE = 0.02
"""Probability of a character that an answer does not list."""
SPECIAL_SHARE = 0.6
"""A plate of a class that only people handle is taken for one where it was heard at least this surely."""
_HEAD = re.compile(f"[{''.join(provinces())}][A-HJ-NP-Z]?")


def plate_to_read(
    match: Match | Decision, heard: Sequence[tuple[str, float]], rejected: Collection[str], last: bool = True
) -> str:
    """The plate to read back: the register's, else the likelier of two, else the best heard.

    "": the plate should be said again, rather than somebody else's read back. `last`: it was said as often
    as it may be, so what is only probable is read back, too, where it is what was heard best. Another registered plate
    is first read back only as a match, for which it must be nearly sure: it tells whose plate is in the register.
    """
    registered = next((plate for plate in (match.plate, *match.alternatives) if plate and plate not in rejected), "")
    best, share = heard[0]
    if registered == best and (last or not match.held):
        return registered
    if match.kind == "match" and registered:
        return registered
    if registered and not match.held:
        return registered if last else ""
    stranger = best not in rejected and best != match.held and share >= STRANGER_SHARE
    return best if stranger else ""


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


def special_plate(result: Result) -> str:
    """The plate that was heard, if it is of a class whose owners the bot does not ring (警, 挂, 领, 使 …); "" else."""
    best = result.hypotheses[0].value if result.hypotheses else ""
    if not classify(best) or dialable(best):
        return ""
    said = [(hypothesis.value, 0.5**place if hypothesis.probability is None else hypothesis.probability)
            for place, hypothesis in enumerate(result.hypotheses)]
    special = sum(share for plate, share in said if classify(plate) and not dialable(plate))
    return best if special >= SPECIAL_SHARE * sum(share for _, share in said) else ""


def corrected_plates(
    result: Result, denied: str, before: Sequence[tuple[str, float]], rejected: Collection[str]
) -> list[tuple[str, float]]:
    """The legal plates that a correction leads to, best first, with probabilities.

    `denied` was read back and is wrong; `before` is the n-best that it came from. What was said may
    be a change (`at:2=E`) or a whole plate; see `plate_parser.amend`.
    """
    others = [(plate, share) for plate, share in before if plate != denied]
    total = sum(share for _, share in others)
    meant = [(denied, DENIED_SHARE)]
    meant += [(plate, (1 - DENIED_SHARE) * share / total) for plate, share in others]
    found: dict[str, float] = defaultdict(float)
    for place, hypothesis in enumerate(result.hypotheses):
        said = 0.5**place if hypothesis.probability is None else hypothesis.probability
        try:
            for plate, share in amended(hypothesis.value, meant):
                found[plate] += said * share
        except AmendError:          # the beginning of a plate, or another answer than a correction
            continue
    return _shared({plate: share for plate, share in found.items()
                    if dialable(plate) and plate not in rejected})


def begun_head(result: Result | None, province: str = "") -> str:
    """Province and letter, or the province alone, of a plate that was not said to its end; "" for none.

    `province`: what was keyed before, of which the letter may follow.
    """
    shares: dict[str, float] = defaultdict(float)
    total = 0.0
    for place, hypothesis in enumerate(result.hypotheses if result else ()):
        said = 0.5**place if hypothesis.probability is None else hypothesis.probability
        total += said
        if ":" not in hypothesis.value and (head := _HEAD.match(hypothesis.value) or _HEAD.match(province + hypothesis.value)):
            for length in range(1, len(head[0]) + 1):
                shares[head[0][:length]] += said
    sure = [head for head, share in shares.items() if share >= HEAD_SHARE * total]
    return max(sure, key=len, default="")


def continued_plates(result: Result, head: str, rejected: Collection[str]) -> list[tuple[str, float]]:
    """The legal plates that begin with `head`, or with its province, where the rest of one was heard."""
    found: dict[str, float] = defaultdict(float)
    for place, hypothesis in enumerate(result.hypotheses if head else ()):
        for plate in {head + hypothesis.value, head[0] + hypothesis.value}:
            if dialable(plate) and plate not in rejected:
                found[plate] += 0.5**place if hypothesis.probability is None else hypothesis.probability
    return _shared(found)


def close_pair(match: Match, rejected: Collection[str]) -> tuple[str, str] | None:
    """The two plates between which the register could not decide."""
    two = [plate for plate in match.alternatives if plate not in rejected]
    return (two[0], two[1]) if match.kind == "ask" and len(two) == 2 else None


def differing_place(one: str, other: str) -> int | None:
    """The place (from 0) of the only character in which two plates differ; None where it is not one."""
    places = [place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right]
    return places[0] if len(one) == len(other) and len(places) == 1 else None


def by_key(one: str, other: str, place: int) -> tuple[str, str]:
    """Two plates, the one for key 1 first: a 1 or a 2 at `place` stands where its own key chooses it."""
    return (other, one) if other[place] == "1" or one[place] == "2" else (one, other)


def first_of_two(prior: float, answers: Sequence[tuple[float, float]]) -> float:
    """Probability that the first of two characters is meant.

    `prior`: of what was known before; `answers`: each answer's probabilities of the two. Who was heard badly is asked
    again, and then both answers count.
    """
    first, second = prior, 1.0 - prior
    for one, other in answers:
        first, second = first * max(one, UNLISTED_SHARE), second * max(other, UNLISTED_SHARE)
    return first / (first + second)


def second_best(heard: Sequence[tuple[str, float]], rejected: Collection[str]) -> str:
    """The plate to offer after a denial without being told more; "" where none is close."""
    left = [(share, plate) for plate, share in heard if plate not in rejected]
    share, plate = max(left, default=(0.0, ""))
    return plate if share >= CLOSE_SHARE else ""


def _shared(plates: dict[str, float]) -> list[tuple[str, float]]:
    """Best first, with probabilities that leave `UNHEARD_SHARE` for what was not listed."""
    total = sum(plates.values())
    ranked = sorted(plates.items(), key=lambda item: -item[1])[:MOST_PLATES]
    return [(plate, share * (1 - UNHEARD_SHARE) / total) for plate, share in ranked] if total else []
