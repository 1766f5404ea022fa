"""What happened in a replayed conversation, and where it differs from what was expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CALL_BACK = "call-back"
"""The side of a caller who is rung with the outcome."""
SIDES = ("caller", "owner", CALL_BACK)


@dataclass(frozen=True)
class Event:
    """One entry of the conversation's log: ms of virtual time, side, kind, details."""

    ms: int
    side: str
    kind: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Mismatch:
    """`where`: a turn or a part of `expect`; `wanted` against `got`, in words."""

    where: str
    wanted: str
    got: str
    ms: int | None = None

    def __str__(self) -> str:
        at = "" if self.ms is None else f" at {self.ms / 1000:.2f} s"
        return f"{self.where}{at}: expected {self.wanted}, got {self.got}"


@dataclass(frozen=True)
class Track:
    """The audio of one leg, PCM 8 kHz, from `began_ms` on: what came in and what was sent.

    `played`: each piece that the bot said, from and to (ms of the conversation), and whether it was
    cut short.
    """

    side: str
    began_ms: int
    received: bytes
    sent: bytes
    played: tuple[tuple[int, int, bool], ...] = ()

    @property
    def length_ms(self) -> int:
        return max(len(self.received), len(self.sent)) // 16


@dataclass(frozen=True)
class Replayed:
    """One fixture's replay. `call_s`: seconds that somebody was on the phone; `took_s`: processor seconds spent.

    `turns`: side → (index of the turn, ms at which it began) in order. `digest` is the same
    wherever and whenever the same conversation is replayed.
    """

    name: str
    folder: str
    about: str
    events: tuple[Event, ...] = ()
    tracks: tuple[Track, ...] = ()
    turns: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    heard_in: tuple[tuple[str, int, int], ...] = ()
    """(side, number of the heard entry among the events, index of its turn)."""
    outcome: str = ""
    reason: str = ""
    call_s: float = 0.0
    took_s: float = 0.0
    digest: str = ""
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.mismatches

    def of(self, side: str, kind: str) -> list[Event]:
        """The side's entries of a kind."""
        return [event for event in self.events if (event.side, event.kind) == (side, kind)]
