"""Several keys in one turn: until `#`, with a time-out between two keys; `*` takes the last one back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """How keys are collected. Without it a turn ends at the first key.

    at_least: fewer digits are no answer; at_most: so many end the turn by themselves.
    end: the key that ends it; delete: the key that takes the last digit back.
    between_ms: quiet after a key that ends it as well.
    at_once: keys that end the turn where they are pressed first (`0` for a person).
    """

    at_least: int = 0
    at_most: int = 20
    end: str = "#"
    delete: str = "*"
    between_ms: int = 4000
    at_once: str = ""

    def too_few(self, keys: str) -> bool:
        """Whether these keys of a turn, or the end key alone, are no answer."""
        at_once = len(keys) == 1 and keys in self.at_once
        return not at_once and len(keys.replace(self.end, "")) < self.at_least


class Keying:
    """The keys of one turn. `spec` None: the first one is all of it."""

    def __init__(self, spec: Keys | None):
        self._spec = spec
        self.began = False
        self.digits = ""
        self.ended_by = ""
        """The key that ended it, if one did."""
        self.done = False
        self._last_ms = 0

    def press(self, digit: str, now_ms: int) -> None:
        """Take a key at the call's time `now_ms`."""
        first, spec = not self.began, self._spec
        self.began, self._last_ms = True, now_ms
        if spec is None or (first and digit in spec.at_once):
            self.digits, self.done = digit, True
        elif digit == spec.end:
            self.ended_by, self.done = digit, True
        elif digit == spec.delete:
            self.digits = self.digits[:-1]
        else:
            self.digits += digit
            self.done = len(self.digits) >= spec.at_most

    def over(self, now_ms: int) -> bool:
        """Whether the caller has finished keying."""
        if not self.began or self.done:
            return self.done
        return now_ms - self._last_ms >= self._spec.between_ms
