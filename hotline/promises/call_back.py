"""One call to a caller who was promised the outcome: it rings, they hear it, and may want a person."""

from __future__ import annotations

from dialer.answer.listener import AnswerListener
from dialer.answer.verdict import Verdict
from dialer.outcome import UNREACHED
from dialer.queue.promises import Promise
from hotline.cases.casebook import OpenCase
from hotline.desk.desk import Desk
from hotline.desk.recording import Recorder
from hotline.move_car.actions import MoveCar
from hotline.owners.call import until_answered
from ivr.call import HungUp
from ivr.flow.conversation import Conversation
from ivr.flow.runner import Runner
from ivr.sip_call import SipCall

TOLD = ("coming", "later", "later-unknown", "moved", "not-mine", "refuses", "told", "keys-there")


async def call_back(desk: Desk, case: OpenCase, car: MoveCar, promise: Promise, number: str, plate: str) -> None:
    """Ring once. The flow's `keep_promise` says when the outcome was heard; nothing is raised for what a call can do
    but LineError where none can be made."""
    def note(kind: str, **details) -> None:
        case.note("caller", kind, **details)

    leg = await desk.dial_caller(number)
    note("call_back", seq=promise.spent, outcome=promise.outcome)
    call = SipCall(leg)
    try:
        async with AnswerListener(call, desk.ears, lambda verdict: note("who", **verdict.as_note()), desk.second_ear) as listener:
            if await until_answered(call, note, listener):
                return
            await _tell(desk, case, car, promise, plate, call, listener, note)
    except HungUp as ended:
        note("unreached", outcome="hung-up", code=ended.code)
    finally:
        call.hangup()


async def _tell(desk, case, car, promise, plate, call, listener, note) -> None:
    values = {"plate": plate, "minutes": promise.minutes, "outcome": spoken_outcome(promise.outcome)}
    runner = Runner(desk.call_back_flow, Conversation(call, note, values=values), desk.voice, desk.ears, car.actions())
    async with Recorder(call, desk.recordings / f"{case.id}-call-back-{promise.spent}.wav"):
        ending = await listener.unless_machine(runner.run())
    if isinstance(ending, Verdict):
        call.flush()
        note("unreached", outcome=ending.outcome)
    else:
        note("call_back_ended", outcome=ending.outcome)


def spoken_outcome(outcome: str) -> str:
    """By the names that flows and texts know: the owner's answer, `unreached`, or `no-word` for all else."""
    if outcome in UNREACHED:
        return "unreached"
    return outcome if outcome in TOLD else "no-word"
