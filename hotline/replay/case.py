"""The case of a replayed or typed conversation: what the desks ask of cases, with the replay's own log."""

from typing import Any

CASE, EARLIER = "replay", "earlier"
NUMBERS = {"mobile": "13600000061", "landline": "079062212345", "withheld": ""}
"""Made-up numbers, as trunks show them of callers."""


class ReplayCase:
    """What desks and `MoveCar` see of a case, and of all of them: a replay has one. `number`: the caller's."""

    def __init__(self, note, number: str = "", case_id: str = CASE) -> None:
        self.id, self.reason, self.earlier_plate = case_id, "", ""
        self._note, self._caller, self._plate, self._opened = note, number, "", 1

    def beside(self, _caller: str, reason: str, plate: str = "") -> "ReplayCase":
        """A further case, with the same log."""
        self._opened += 1
        case = ReplayCase(self._note, self._caller, f"{self.id}-{self._opened}")
        case.reason, case._plate = reason, plate
        return case

    def case(self, _case_id: str) -> "ReplayCase":
        return self

    def note(self, *entry: str, **details: Any) -> None:
        """An entry of the log: side and kind; desks name the case before them."""
        self._note(*entry[-2:], **details)

    def set_plate(self, plate: str) -> None:
        self._plate = plate

    def set_reason(self, reason: str) -> None:
        self.reason = reason

    async def earlier(self, _caller: str, _life_s: float) -> list[tuple[str, str]]:
        """(case, plate) of an earlier call of this caller's, where the replay has one."""
        return [(EARLIER, self.earlier_plate)] if self.earlier_plate else []

    def settle(self, _case_id: str, outcome: str) -> None:
        self._note("desk", "settled", outcome=outcome)

    async def kept(self) -> None:
        """There is no disk to wait for."""

    async def plate(self, _case_id: str) -> str:
        return self._plate

    async def caller(self, _case_id: str) -> str:
        return self._caller
