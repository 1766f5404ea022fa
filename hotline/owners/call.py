"""One call to one of an owner's numbers: dial, ringing, answered, the owner's conversation, what came of it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from dialer.answer.listener import AnswerListener
from dialer.answer.verdict import SPEAK_TO, Verdict
from dialer.outcome import of_ending, owner_unreached
from hotline.desk.desk import Desk
from hotline.desk.recording import Recorder
from hotline.desk.seats import Note
from hotline.owners.actions import CallersWords, OwnerActions, no_words
from ivr.call import HungUp
from ivr.flow.actions import actions_of
from ivr.flow.conversation import Conversation
from ivr.flow.runner import Runner
from ivr.sip_call import SipCall
from ivr.turn import play_out

MESSAGE = "owner_message"
"""The prompt for voicemails and assistants; it asks for nothing."""


@dataclass(frozen=True)
class OwnerAnswer:
    """What came of one call. `outcome` by the names that the caller's flow knows; `minutes` if promised.

    `rang`: whether a phone may have rung.
    """

    outcome: str
    minutes: str = ""
    rang: bool = True


async def call_number(
    desk: Desk, case_id: str, token: str, plate: str, note: Note, unwanted: asyncio.Event,
    *, tail: str = "", reminder: bool = False, callers_words: CallersWords = no_words, seq: int = 1
) -> OwnerAnswer:
    """Spend `token` on one call about `plate`; every step goes to `note`.

    `unwanted`: set when the phone shall stop ringing; who has answered is spoken with all the same.
    `tail`: the masked end of the number, for the log. `reminder`: the owner had said to come.
    `callers_words`: what a caller said for the owner to hear, asked when it is to be said. `seq`: which attempt of
    the request it is, for the name of its recording.
    """
    leg = await desk.vault.line.dial(token, ring_timeout_s=desk.owner_ring_s)
    note("dialled", tail=tail)
    call = SipCall(leg)
    try:
        async with AnswerListener(call, desk.ears, lambda verdict: note("who", **verdict.as_note()), desk.second_ear) as listener:
            unreached = await until_answered(call, note, listener, unwanted)
            values = {"plate": plate} | ({"reminder": "yes"} if reminder else {})
            if unreached:
                return unreached
            recording = desk.recordings / f"{case_id}-{owner_recording(seq)}.wav"
            return await _converse(desk, OwnerActions(desk, case_id, callers_words), call, values, note, listener, recording)
    finally:
        call.hangup()


def unrecorded(recordings: Path, case_id: str, seq: int) -> int:
    """`seq`, or the next one after it whose recording is not there yet: a case may ask for a second car."""
    while (recordings / f"{case_id}-{owner_recording(seq)}.wav").exists():
        seq += 1
    return seq


def owner_recording(seq: int) -> str:
    """The name of an attempt's recording, behind the case's: none takes another's place."""
    return "owner" if seq == 1 else f"owner-{seq}"


async def until_answered(
    call: SipCall, note: Note, listener: AnswerListener, unwanted: asyncio.Event | None = None
) -> OwnerAnswer | None:
    """None once somebody or something answered, else why nobody did. `unwanted`: set when nobody need answer."""
    rang = _Ringing(call, note)
    unwanted = unwanted or asyncio.Event()
    stop = asyncio.create_task(_stop_ringing(call, unwanted))
    try:
        machine = await listener.unless_machine(call.until(call.up.wait()))
    except HungUp as ended:
        if unwanted.is_set():
            note("stopped_ringing")
            return OwnerAnswer("withdrawn", rang=rang.began)
        verdict = listener.hung_up()
        heard = verdict.kind if verdict else ""
        outcome = owner_unreached(ended.code, ended.by, rang_s=rang.seconds, heard=heard)
        note("unreached", outcome=outcome, code=ended.code)
        return OwnerAnswer(outcome, rang=rang.began)
    finally:
        stop.cancel()
        rang.stop()
    if isinstance(machine, Verdict):
        note("unreached", outcome=machine.outcome)
        return OwnerAnswer(machine.outcome)
    listener.answered()
    note("answered")
    return None


async def _stop_ringing(call: SipCall, unwanted: asyncio.Event) -> None:
    await unwanted.wait()
    call.hangup()


async def _converse(
    desk: Desk, actions: OwnerActions, call: SipCall, values: dict[str, str], note: Note, listener: AnswerListener,
    recording: Path,
) -> OwnerAnswer:
    """The owner's conversation, which begins at once; broken off where a machine turns out to be there."""
    spoke = _Spoke(note)
    conversation = Conversation(call, spoke.note, values=values)
    runner = Runner(desk.owner_flow, conversation, desk.voice, desk.ears, actions_of(actions))
    async with Recorder(call, recording):
        ending = await listener.unless_machine(runner.run())
        if isinstance(ending, Verdict):
            return await _meet_machine(desk, call, values["plate"], note, listener)
    minutes = conversation.values.get("minutes", "")
    outcome = of_ending(ending.outcome, spoke.anything)
    note("answer", outcome=outcome, minutes=minutes)
    return OwnerAnswer(outcome, minutes)


async def _meet_machine(desk: Desk, call: SipCall, plate: str, note: Note, listener: AnswerListener) -> OwnerAnswer:
    """Fall silent; tell a machine that takes messages who called; nobody was reached."""
    call.flush()
    verdict = listener.judge.verdict
    if desk.owner_message and verdict.kind in SPEAK_TO:
        try:
            await call.until(listener.may_speak())
            speech = desk.voice.render(MESSAGE, {"plate": plate})
            note("said", prompt=MESSAGE, text=speech.text)
            await play_out(call, speech.pcm_8k, MESSAGE, ())
        except HungUp:
            pass  # it has heard enough
    note("unreached", outcome=verdict.outcome)
    return OwnerAnswer(verdict.outcome)


class _Spoke:
    """Whether an owner said anything, by the notes of their conversation, which go on to `note`."""

    def __init__(self, note: Note):
        self.anything = False
        self._note = note

    def note(self, kind: str, **details) -> None:
        self.anything |= kind == "heard" and details["how"] in ("match", "no_match")
        self._note(kind, **details)


class _Ringing:
    """Notes when an owner's phone begins to ring, and knows for how long it rang."""

    def __init__(self, call: SipCall, note: Note):
        self._began_s: float | None = None
        self._task = asyncio.create_task(self._wait(call, note))

    @property
    def seconds(self) -> float:
        """Seconds of ringing so far; 0 if the phone never rang."""
        return 0.0 if self._began_s is None else asyncio.get_running_loop().time() - self._began_s

    @property
    def began(self) -> bool:
        """Whether it rang at all."""
        return self._began_s is not None

    def stop(self) -> None:
        self._task.cancel()

    async def _wait(self, call: SipCall, note: Note) -> None:
        await call.ringing.wait()
        self._began_s = asyncio.get_running_loop().time()
        note("ringing")
