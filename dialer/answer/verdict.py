"""What may answer a telephone, and what each of them means for the request."""

from __future__ import annotations

from dataclasses import dataclass

PERSON = "person"
MUSIC = "music"
UNDER_WAY = {"ringing", MUSIC, "waiting", "forwarded"}
"""Heard while the call goes on: ring-back tone or music, 请不要挂机, a call being put through."""
OUTCOMES = {
    "off": "off",
    "no-such-number": "no-such-number",
    "suspended": "suspended",
    "busy": "busy",
    "congestion": "unreachable",
    "unreachable": "unreachable",
    "out-of-area": "unreachable",
    "no-answer": "no-answer",
    "voicemail": "voicemail",
    "assistant": "assistant",
    "fax": "fax",
}
"""Everything that ends the attempt, with its name in the retry policy (dialer/queue/attempts.py)."""
KINDS = (PERSON, *OUTCOMES, *sorted(UNDER_WAY))
SPEAK_TO = {"voicemail", "assistant"}
"""Machines that can be left a message."""


@dataclass(frozen=True)
class Verdict:
    """`kind`: of KINDS. `confidence`: 0 to 1. `reasons`: what was heard, in words without numbers.
    `at_ms`: of the audio of its stage, early media or the answered call."""

    kind: str
    confidence: float
    reasons: tuple[str, ...]
    at_ms: int
    early: bool = False

    @property
    def final(self) -> bool:
        """A machine was found: nothing that is heard later changes it."""
        return self.kind in OUTCOMES

    @property
    def outcome(self) -> str:
        """What the attempt counts as where this is final."""
        return OUTCOMES[self.kind]

    def as_note(self) -> dict[str, object]:
        """For a case's log."""
        return {"who": self.kind, "confidence": round(self.confidence, 2), "reasons": list(self.reasons),
                "after_ms": self.at_ms, "early": self.early}
