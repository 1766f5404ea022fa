"""A list of plates that may be read, such as a car park's own: search it for what was heard."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from plate_parser.match import Decision, Thresholds, decide
from plate_parser.rules import classify, normalize
from plate_parser.variants import likely_variants

FAR = 2
"""So many characters may be misheard in a way that the table of confusions does not have."""
A_CHARACTER = 0.04
"""Weight of such a mistake."""
READINGS = 20
"""Of what was heard, so many are looked for by likeness; the likely variants of all are looked up."""


class OpenListError(ValueError):
    """The list cannot be used; the message says which line and what to write."""


class OpenList:
    """The plates of a list, to be matched in one round of 300 likely variants and by likeness."""

    def __init__(self, plates: Sequence[str]) -> None:
        self.plates = tuple(dict.fromkeys(map(normalize, plates)))
        self._known = frozenset(self.plates)

    def match(self, heard: Sequence[tuple[str, float]], thresholds: Thresholds = Thresholds(),
              denied: Collection[str] = ()) -> Decision:
        """As `plate_parser.match.decide`, over `heard` (plate, probability), which sums to at most 1, without what
        the caller `denied`."""
        weights = dict(likely_variants(heard))
        for plate, weight in self._alike(heard):
            weights[plate] = max(weight, weights.get(plate, 0.0))
        for plate in denied:
            weights.pop(plate, None)
        total = max(1.0, sum(weights.values()))
        return decide([(plate, weight / total) for plate, weight in weights.items()], self._known, thresholds)

    def _alike(self, heard: Sequence[tuple[str, float]]) -> Iterator[tuple[str, float]]:
        for spoken, probability in sorted(heard, key=lambda reading: -reading[1])[:READINGS]:
            for plate, distance, _ in process.extract(normalize(spoken), self.plates, scorer=Levenshtein.distance,
                                                      score_cutoff=FAR, limit=READINGS):
                yield plate, probability * A_CHARACTER**distance


def read_open_list(path: Path) -> OpenList:
    """One plate a line, what follows a comma or a tab is let be; a first line that is no plate names columns.

    Raises OpenListError for a list that cannot be read, is empty, or has a line that is no plate.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise OpenListError(f"{path}: {error.strerror}: name a file with one plate a line") from None
    except UnicodeDecodeError:
        raise OpenListError(f"{path} is not UTF-8: save it as UTF-8, one plate a line") from None
    plates = []
    for number, line in enumerate(text.splitlines(), 1):
        cell = line.replace("\t", ",").partition(",")[0].strip()
        if not cell or number == 1 and classify(cell) is None:
            continue
        if classify(cell) is None:
            raise OpenListError(f"{path}: line {number} is no plate: write one like 赣K12345")
        plates.append(cell)
    if not plates:
        raise OpenListError(f"{path} has no plate in it: write one a line, like 赣K12345")
    return OpenList(plates)
