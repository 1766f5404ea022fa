"""Finding the plate: match what was heard, take a denial or a correction, confirm."""

from asr.recognizer import Result
from dialer.client import Match, VaultUnavailable
from hotline.casebook import OpenCase
from hotline.desk import Desk
from hotline.read_back import corrected_plates, plate_to_read, second_best, whole_plates
from ivr.flow.actions import action
from ivr.flow.runner import Conversation

LONGEST_CALLER = 64
"""Characters of the caller's number that the vault takes for the caller's budget."""


class PlateActions:
    """The actions of one caller's conversation that find the plate. `match`: the register's last word."""

    def __init__(self, desk: Desk, case: OpenCase):
        self.match: Match | None = None
        self._desk, self._case = desk, case
        self._heard: list[tuple[str, float]] = []
        self._denied = ""
        self._rejected: set[str] = set()

    @action("match", "ask", "none", "unclear", "failed", sets={"plate": "plate"})
    async def match_plate(self, conversation: Conversation) -> str:
        """Weigh what was heard against the register; sets `plate` to what should be read back."""
        heard = self._plates_meant(conversation.heard.result)
        if not heard:
            return "unclear"
        self._heard = heard
        match = self.match = await self._weigh(conversation, heard)
        if match is None:
            return "failed"
        conversation.values["plate"] = plate_to_read(match, heard, self._rejected)
        conversation.log("matched", how=match.kind, plate=conversation.values["plate"], probability=match.probability)
        return match.kind

    def _plates_meant(self, result: Result) -> list[tuple[str, float]]:
        """A whole plate, or what a change makes of the plate that was denied."""
        if not self._denied:
            return whole_plates(result, self._rejected)
        return corrected_plates(result, self._denied, self._heard, self._rejected)

    async def _weigh(self, conversation: Conversation, heard: list[tuple[str, float]]) -> Match | None:
        """What the vault makes of it; None where the vault gives no answer."""
        try:
            caller = conversation.call.remote[:LONGEST_CALLER]
            return await self._desk.vault.match(self._case.id, heard, caller=caller)
        except VaultUnavailable as error:
            conversation.log("vault_unavailable", error=str(error))
            return None

    @action("close", "done", sets={"plate": "plate"})
    async def reject_plate(self, conversation: Conversation) -> str:
        """The caller said that the plate read back is wrong: it is not offered again.

        `close`: another was nearly as likely and is the next to read back; else `done`.
        """
        self._denied = conversation.values["plate"]
        self._rejected.add(self._denied)
        second = second_best(self._heard, self._rejected)
        if not second:
            return "done"
        conversation.values["plate"] = second
        return "close"

    @action("found", "not_found", "failed")
    async def confirm_plate(self, conversation: Conversation) -> str:
        """The caller said that the plate is right: what was doubtful is now looked up as sure."""
        plate = conversation.values["plate"]
        self._case.set_plate(plate)
        if self.match.plate != plate:
            self.match = await self._weigh(conversation, [(plate, 1.0)])
        if self.match is None:
            return "failed"
        return "found" if self.match.token and self.match.plate == plate else "not_found"
