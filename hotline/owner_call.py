"""One call to one of an owner's numbers: dial, ringing, answered, the owner's conversation, what came of it."""

import asyncio
from dataclasses import dataclass

from dialer.outcome import owner_unreached
from hotline.desk import Desk
from hotline.recording import Recorder
from hotline.seats import Note
from ivr.call import HungUp
from ivr.flow.runner import Conversation, Runner
from ivr.sip_call import SipCall

OWNER_ENDINGS = {"hung-up": "no-answer", "interrupted": "failed", "failed": "failed"}
"""Endings of the owner's flow that the caller's flow knows by another name."""


@dataclass(frozen=True)
class OwnerAnswer:
    """What came of one call. `outcome` by the names that the caller's flow knows; `minutes` if promised."""

    outcome: str
    minutes: str = ""


async def call_number(
    desk: Desk, case_id: str, token: str, plate: str, note: Note, *, tail: str = ""
) -> OwnerAnswer:
    """Spend `token` on one call about `plate`; every step goes to `note`.

    `tail`: the masked end of the number, for the log.
    """
    leg = await desk.vault.line.dial(token, ring_timeout_s=desk.owner_ring_s)
    note("dialled", tail=tail)
    call = SipCall(leg)
    try:
        unreached = await _until_answered(call, note)
        return unreached or await _converse(desk, case_id, call, plate, note)
    finally:
        call.hangup()


async def _until_answered(call: SipCall, note: Note) -> OwnerAnswer | None:
    """None once somebody or something answered, else why nobody did."""
    rang = _Ringing(call, note)
    try:
        await call.wait_up()
    except HungUp as ended:
        outcome = owner_unreached(ended.code, ended.by, rang_s=rang.seconds)
        note("unreached", outcome=outcome, code=ended.code)
        return OwnerAnswer(outcome)
    finally:
        rang.stop()
    note("answered")
    return None


async def _converse(desk: Desk, case_id: str, call: SipCall, plate: str, note: Note) -> OwnerAnswer:
    conversation = Conversation(call, note, values={"plate": plate})
    runner = Runner(desk.owner_flow, conversation, desk.voice, desk.ears, {})
    async with Recorder(call, desk.recordings / f"{case_id}-owner.wav"):
        ending = await runner.run()
    minutes = conversation.values.get("minutes", "")
    outcome = OWNER_ENDINGS.get(ending.outcome, ending.outcome)
    note("answer", outcome=outcome, minutes=minutes)
    return OwnerAnswer(outcome, minutes)


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
