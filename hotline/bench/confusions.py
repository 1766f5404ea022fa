"""The confusion table put in order."""

from asr.measure.figures import NOTHING
from plate_parser.rules import provinces

ORDER = "".join(provinces()) + "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def most_confused(table: dict[str, dict[str, int]]) -> list[tuple[str, str, int, int]]:
    """(said, heard as, how often, of how many), the most frequent first."""
    found = [
        (said, heard, times, sum(row.values()))
        for said, row in table.items() for heard, times in row.items() if heard != said
    ]
    return sorted(found, key=lambda item: (-item[2], item[0], item[1]))


def characters(table: dict[str, dict[str, int]]) -> list[str]:
    """All characters of the table, as plates have them: provinces, letters, digits, others, NOTHING."""
    known = set(table) | {heard for row in table.values() for heard in row}
    rest = sorted(known - set(ORDER) - {NOTHING})
    return [c for c in ORDER if c in known] + rest + [c for c in (NOTHING,) if c in known]
