"""Text → the plates it may mean, best first: `江西的赣K，嗯，三个八，幺两` → 赣K88812."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Iterator, Sequence

from plate_parser import rules
from plate_parser.correction import spliced
from plate_parser.spoken import Token, tokens

_LONGEST = 9  # 应急 plates count both characters
_BEAM = 60
_GAP_TRUST = 0.4  # of an unknown word inside a plate
_MAX_GAPS = 3
_LONGEST_GAP = 4  # characters
_MOST_TOKENS = 60  # of one plate, with all that is said in between
_MOST_TEXT = 4000  # characters
_OTHER_THAN_HOME = 0.3  # trust in a plate that has no province, where an ordinary one without it could be meant
_MORE_FOLLOWS = 0.15  # a plate that leaves plate characters over was probably a longer one
_UNSAID_HOME = 0.6  # trust in a plate whose province was not said
_TURNED = 0.6  # trust in a plate whose beginning was said last
_FLOOR = 0.001


@dataclass(frozen=True)
class ParsedPlate:
    """A legal plate that a text may mean, and the name of its class. Probabilities of one text sum to at most 1."""

    plate: str
    probability: float
    plate_class: str


def plates_in(text: str, *, home: str = "", limit: int = 20) -> list[ParsedPlate]:
    """The plates that `text` may mean, best first; [] where it holds none.

    `home`: province, or province and letter, meant when none is said ("赣" or "赣K"). Of a text of more
    than 4,000 characters the first are read.
    """
    said = tokens(text[:_MOST_TEXT])
    scores = _scores(said, home) or {plate: score * _TURNED for plate, score in _scores(_turned(said), "").items()}
    total = max(1.0, sum(scores.values()))
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [
        ParsedPlate(plate, score / total, rules.classify(plate).name)
        for plate, score in ranked[:limit]
        if score >= _FLOOR
    ]


def _scores(said: Sequence[Token], home: str) -> dict[str, float]:
    scores: dict[str, float] = defaultdict(float)
    for sequence, weight in spliced(said):
        best: dict[str, float] = {}
        for plate, score in _search(sequence, home):
            if home and plate[0].isascii() and plate[0].isalpha():
                score *= _OTHER_THAN_HOME
            best[plate] = max(score, best.get(plate, 0.0))
        for plate, score in best.items():
            scores[plate] = max(scores[plate], weight * score)
    return scores


def _turned(said: Sequence[Token]) -> list[Token]:
    """`幺洞拐勾两，赣K`, `后三位是三四五，前面是赣K12`: from where the plate begins, and then what was said first."""
    starts = [n for n, token in enumerate(said) if token.kind == "symbols" and token.best in rules.provinces()]
    return [*said[starts[-1]:], *said[:starts[-1]]] if starts else []


def _search(sequence: Sequence[Token], home: str) -> Iterator[tuple[str, float]]:
    for start, token in enumerate(sequence):
        if token.kind != "symbols":
            continue
        inside = _continues(sequence, start)
        if not inside or not token.best.isascii():
            yield from _from(sequence, start, "", 1.0)
        if home and not inside:
            yield from _from(sequence, start, home[:1], _UNSAID_HOME)
            if len(home) == 2:
                yield from _from(sequence, start, home, _UNSAID_HOME / 2)


def _from(
    sequence: Sequence[Token], start: int, said: str, trust: float
) -> Iterator[tuple[str, float]]:
    """Every legal plate that begins with `said` and goes on with the token at `start`."""
    beam = {said: trust}
    gaps, run = 0, 0
    for at in range(start, min(len(sequence), start + _MOST_TOKENS)):
        token = sequence[at]
        if token.kind == "filler":
            continue
        if token.kind == "gap":
            run += 1
            if run == 1:
                gaps += 1
                beam = {text: score * _GAP_TRUST for text, score in beam.items()}
            if gaps > _MAX_GAPS or run > _LONGEST_GAP:
                return
            continue
        run = 0
        beam = _extended(beam, token)
        if not beam:
            return
        more = _MORE_FOLLOWS if _goes_on(sequence, at + 1) else 1.0
        for text, score in beam.items():
            plate_class = rules.classify(text) if len(text) >= 7 else None
            if plate_class:
                known = rules.authority_weight(text) if plate_class.dial else 1.0
                yield text, score * more * known


def _extended(beam: dict[str, float], token: Token) -> dict[str, float]:
    grown: dict[str, float] = {}
    for text, score in beam.items():
        for symbols, trust in token.readings:
            longer = text + symbols
            if len(longer) <= _LONGEST and _may_begin(longer):
                grown[longer] = max(grown.get(longer, 0.0), score * trust)
    best = sorted(grown.items(), key=lambda item: -item[1])[:_BEAM]
    return {text: score for text, score in best if score >= _FLOOR}


def _may_begin(text: str) -> bool:
    """Cheap test that drops what no plate begins with: after 赣 comes a letter or, for 领, a digit."""
    if not text:
        return True
    if text[0] in rules.provinces():
        return text[1:].isascii() or text[-1] in "警学挂试超领使港澳应急"
    return text[0] in "使民0123456789" or text[0].isalpha() and text.isascii() or text[0] == "W"


def _goes_on(sequence: Sequence[Token], at: int) -> bool:
    """Is the next thing said a plate character beyond doubt?"""
    for token in sequence[at:]:
        if token.kind == "symbols":
            symbol, trust = token.readings[0]
            return trust >= 0.9 and symbol[:1] not in rules.provinces()
        if token.kind != "filler" or token.text in "。；！？;!?\n":
            return False
    return False


def _continues(sequence: Sequence[Token], at: int) -> bool:
    """Is the token at `at` in the middle of a run of plate characters?"""
    for token in reversed(sequence[:at]):
        if token.kind == "symbols":
            return True
        if token.kind == "gap":
            return False
    return False
