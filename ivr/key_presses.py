"""One press of a key, however many ways it comes by: as an event, as SIP INFO, as a tone in the audio."""

from collections import deque
from dataclasses import dataclass, field

SAME_PRESS_MS = 600
"""A way may tell of a press so much later than another: INFO is often sent when the key is let go."""


@dataclass
class _Press:
    digit: str
    at_ms: int
    ways: set[str] = field(default_factory=set)


class KeyPresses:
    """Follows one call's keys."""

    def __init__(self) -> None:
        self._recent: deque[_Press] = deque(maxlen=20)

    def is_new(self, digit: str, way: str, now_ms: int) -> bool:
        """Whether `digit`, told by `way` at the call's `now_ms`, is a press that was not told yet.

        The same key twice by one way is two presses, each of which another way may tell again.
        """
        for press in self._recent:
            if press.digit == digit and now_ms - press.at_ms <= SAME_PRESS_MS and way not in press.ways:
                press.ways.add(way)
                return False
        self._recent.append(_Press(digit, now_ms, {way}))
        return True
