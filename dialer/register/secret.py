"""A value that does not show itself."""

from __future__ import annotations


class Secret:
    """Holds a phone number so that no log line, traceback, f-string or pickle can show it.

    `reveal()` is called in one place only: where the vault dials.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def tail(self, digits: int) -> str:
        """The last `digits` digits, at most a third of a number; "" for what is no long number."""
        if len(self._value) < 7 or not self._value.lstrip("+").isdecimal():
            return ""
        return self._value[len(self._value) - max(0, min(digits, len(self._value) // 3)) :]

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
