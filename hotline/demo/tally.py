"""What a demo call came to, gathered from the case's log."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hotline.cases.casebook import Entry


@dataclass
class Tally:
    """Figures of one call. Times in seconds; `turns` has `heard`, `probability`, `reply_ms`."""

    case: str = ""
    plate: str = ""
    matched: bool = False
    outcome: str = ""
    reason: str = ""
    answer_to_ringing_s: float | None = None
    total_s: float = 0.0
    turns: list[dict[str, Any]] = field(default_factory=list)
    _answered: datetime | None = None

    def take(self, entry: Entry) -> None:
        """Count one entry of the case's log."""
        at, details = datetime.fromisoformat(entry.at), entry.details
        self.case = entry.case_id
        match entry.side, entry.kind:
            case "caller", "answered":
                self._answered = at
            case "caller", "matched":
                self.plate, self.matched = details["plate"], details["how"] != "none"
            case "owner", "ringing" if self._answered:
                self.answer_to_ringing_s = (at - self._answered).total_seconds()
            case _, "heard":
                heard = details["value"] or details["text"] or details["how"]
                self.turns.append({
                    "side": entry.side, "heard": heard, "probability": details["probability"], "reply_ms": None,
                })
            case _, "reply" if self.turns:
                turn = next(turn for turn in reversed(self.turns) if turn["side"] == entry.side)
                turn["reply_ms"] = details["ms"]
            case _, "closed":
                self.outcome, self.reason = details["outcome"], details["reason"]
                self.total_s = (at - self._answered).total_seconds() if self._answered else 0.0

    def as_json(self) -> dict[str, Any]:
        """The demo's last line."""
        return {
            "case": self.case, "plate": self.plate, "matched": self.matched,
            "outcome": self.outcome, "reason": self.reason,
            "seconds": {"answer_to_ringing": self.answer_to_ringing_s, "total": self.total_s},
            "turns": self.turns,
        }
