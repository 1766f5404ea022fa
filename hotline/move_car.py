"""What the 挪车 flows can do: match a plate, call its owner, put the caller through to a person."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asr.pool import RecognizerPool
from asr.recognizer import Result
from dialer.client import Match, Vault, VaultUnavailable
from dialer.outcome import owner_unreached
from hotline.casebook import OpenCase
from hotline.read_back import corrected_plates, plate_to_read, second_best, whole_plates
from hotline.recording import Recorder
from hotline.seats import Note, Seats
from ivr.call import HungUp
from ivr.flow.model import Flow
from ivr.flow.runner import Action, Conversation, Runner
from ivr.sip_call import SipCall
from tts.prompts import PromptLibrary

log = logging.getLogger(__name__)

OWNER_ENDINGS = {"hung-up": "no-answer", "interrupted": "failed", "failed": "failed"}
"""Endings of the owner's flow that the caller's flow knows by another name."""

TRY_NEXT_NUMBER = {"no-answer", "busy", "off"}
"""After these the owner's next number is called, if there is one."""


LONGEST_CALLER = 64
"""Characters of the caller's number that the vault takes for the caller's budget."""


@dataclass(frozen=True)
class Desk:
    """What a conversation needs of the house it runs in."""

    vault: Vault
    seats: Seats
    voice: PromptLibrary
    ears: RecognizerPool
    owner_flow: Flow
    recordings: Path
    owner_ring_s: int


class MoveCar:
    """The actions of one caller's conversation, with what they share."""

    ACTIONS = ("match_plate", "reject_plate", "confirm_plate", "call_owner", "transfer")

    def __init__(self, desk: Desk, case: OpenCase):
        self._desk, self._case = desk, case
        self._match: Match | None = None
        self._heard: list[tuple[str, float]] = []
        self._denied = ""
        self._rejected: set[str] = set()
        self._owner: asyncio.Task[str] | None = None

    def actions(self) -> Mapping[str, Action]:
        """By the names that flows use."""
        return {name: getattr(self, name) for name in self.ACTIONS}

    async def match_plate(self, conversation: Conversation) -> str:
        """Weigh what was heard against the register; sets `plate` to what should be read back."""
        heard = self._plates_meant(conversation.heard.result)
        if not heard:
            return "unclear"
        self._heard = heard
        match = self._match = await self._weigh(conversation, heard)
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

    async def confirm_plate(self, conversation: Conversation) -> str:
        """The caller said that the plate is right: what was doubtful is now looked up as sure."""
        plate = conversation.values["plate"]
        self._case.set_plate(plate)
        if self._match.plate != plate:
            self._match = await self._weigh(conversation, [(plate, 1.0)])
        if self._match is None:
            return "failed"
        return "found" if self._match.token and self._match.plate == plate else "not_found"

    async def call_owner(self, conversation: Conversation) -> str:
        """Call the owner and hold the owner's conversation; goes on if the caller hangs up."""
        self._owner = asyncio.create_task(self._owner_conversation(conversation.values))
        return await asyncio.shield(self._owner)

    async def owner_done(self) -> str:
        """The owner's answer, once there is one; "" if no owner was called."""
        return await self._owner if self._owner else ""

    async def transfer(self, conversation: Conversation) -> str:
        """Put the caller through to a seat; returns when that talk is over."""
        self._case.reason = self._case.reason or conversation.argument
        seat = await self._desk.seats.ring(self._case.id, self._case.reason, conversation.log)
        if seat is None:
            return "failed"
        try:
            conversation.call.flush()  # a person is there: nobody waits for the end of a sentence
            conversation.call.bridge(seat)
            conversation.branch_if_hung_up = "talked"
            await seat.wait_ended()
            return "talked"
        finally:
            seat.hangup()

    async def close(self) -> None:
        """End an owner's call that is still on."""
        if self._owner:
            self._owner.cancel()
            await asyncio.gather(self._owner, return_exceptions=True)

    async def _owner_conversation(self, values: dict[str, str]) -> str:
        """The owner's answer by the name that the caller's flow knows; never raises."""
        def note(kind: str, **details) -> None:
            self._case.note("owner", kind, **details)

        outcome = "failed"
        try:
            for token in (self._match.token, *self._match.more_tokens):
                outcome = await self._call_one_number(token, note, values)
                if outcome not in TRY_NEXT_NUMBER:
                    break
            return outcome
        except Exception as error:
            log.exception("owner_call_failed", extra={"fields": {"case": self._case.id}})
            note("trouble", error=type(error).__name__)
            return "failed"

    async def _call_one_number(self, token: str, note: Note, values: dict[str, str]) -> str:
        leg = await self._desk.vault.line.dial(token, ring_timeout_s=self._desk.owner_ring_s)
        note("dialled", tail=self._match.tail if token == self._match.token else "")
        call = SipCall(leg)
        try:
            return await self._owner_answer(call, note, values)
        finally:
            call.hangup()

    async def _owner_answer(self, call: SipCall, note: Note, values: dict[str, str]) -> str:
        rang = _Ringing(call, note)
        try:
            await call.wait_up()
        except HungUp as ended:
            outcome = owner_unreached(ended.code, ended.by, rang_s=rang.seconds)
            note("unreached", outcome=outcome, code=ended.code)
            return outcome
        finally:
            rang.stop()
        note("answered")
        conversation = Conversation(call, note, values={"plate": values["plate"]})
        runner = Runner(self._desk.owner_flow, conversation, self._desk.voice, self._desk.ears, {})
        async with Recorder(call, self._desk.recordings / f"{self._case.id}-owner.wav"):
            ending = await runner.run()
        values["minutes"] = conversation.values.get("minutes", "")
        outcome = OWNER_ENDINGS.get(ending.outcome, ending.outcome)
        note("answer", outcome=outcome, minutes=values["minutes"])
        return outcome


class _Ringing:
    """Notes when an owner's phone begins to ring, and knows for how long it rang."""

    def __init__(self, call: SipCall, note: Note):
        self._began_s: float | None = None
        self._task = asyncio.create_task(self._wait(call, note))

    @property
    def seconds(self) -> float:
        """Seconds of ringing so far; 0 if the phone never rang."""
        return 0.0 if self._began_s is None else asyncio.get_running_loop().time() - self._began_s

    def stop(self) -> None:
        self._task.cancel()

    async def _wait(self, call: SipCall, note: Note) -> None:
        await call.ringing.wait()
        self._began_s = asyncio.get_running_loop().time()
        note("ringing")
