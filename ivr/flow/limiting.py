"""How often a call may be asked and how long it may last: of a flow, with all that it runs."""

from collections.abc import Callable

from ivr.flow.model import Limits

MOST_OVER_LIMIT = 4
"""Questions that may still follow a limit: where a seat was busy, a caller may be asked what to do."""


class TooLong(Exception):
    """A limit of a flow above is passed: the call goes on there, at the state that its limit names."""

    def __init__(self, of: "Limiter"):
        super().__init__("a limit of a flow above is passed")
        self.of = of


class Limiter:
    """Counts one flow's questions and time. Turns and time only keep the bot from asking on: what was decided is
    still done. `above`: of the flow that runs this one."""

    def __init__(self, limits: Limits, now_ms: Callable[[], int], above: "Limiter | None"):
        self.turns = 0
        self._limits, self._now_ms, self._above = limits, now_ms, above
        self._began_ms, self._late = now_ms(), 0

    def asked(self) -> None:
        """A question was asked."""
        self.turns += 1
        if self._above:
            self._above.asked()

    def stops_question(self) -> bool:
        """Whether the question that comes now is the first over this flow's limit: `then` follows instead.

        Raises `TooLong` where it is over the limit of a flow above, and RuntimeError where the flow asks on and on.
        """
        if self._above and self._above.stops_question():
            raise TooLong(self._above)
        if not self._is_over():
            return False
        self._late += 1
        if self._late > MOST_OVER_LIMIT:
            raise RuntimeError(f"{MOST_OVER_LIMIT} questions over its limit: the flow does not end")
        return self._late == 1

    def is_passed(self) -> bool:
        """Whether the same question may not be asked once more. Raises `TooLong`."""
        if self._above and self._above.is_passed():
            raise TooLong(self._above)
        return self._is_over()

    def _is_over(self) -> bool:
        return self.turns >= self._limits.turns or self._now_ms() - self._began_ms >= self._limits.seconds * 1000
