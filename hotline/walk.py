"""One caller's way through the flow, on a telephone or in a replay."""

import logging

from hotline.cases.casebook import OpenCase
from hotline.desk.desk import Desk
from hotline.move_car.actions import MoveCar
from ivr.call import HungUp
from ivr.flow.conversation import Conversation
from ivr.flow.model import Flow
from ivr.flow.runner import Runner
from ivr.sip_call import SipCall

log = logging.getLogger(__name__)


async def walk(call: SipCall, flow: Flow, desk: Desk, case: OpenCase, car: MoveCar) -> str:
    """Answer, and hold the conversation to its end; returns the case's outcome. Never raises for
    what can happen in a call; a mistake of ours is `failed`."""
    try:
        return await _conversation(call, flow, desk, case, car)
    except HungUp:
        return "caller-hung-up"
    except Exception as error:
        log.exception("conversation_failed", extra={"fields": {"case": case.id}})
        case.note("caller", "trouble", error=type(error).__name__)
        return "failed"


async def _conversation(call: SipCall, flow: Flow, desk: Desk, case: OpenCase, car: MoveCar) -> str:
    def note(kind: str, **details) -> None:
        case.note("caller", kind, **details)

    note("arrived", called=call.leg.called)
    await call.answer()
    note("answered")
    signals = desk.known.signals(call.remote, call.headers)
    if signals:
        note("struggle", signals=list(signals))
    ending = await Runner(flow, Conversation(call, note, signals=signals), desk.voice, desk.ears, car.actions()).run()
    owner_answer = await car.owner_done(ending)
    if ending.hung_up and owner_answer:
        case.note("desk", "caller_not_told", owner=owner_answer)
    return ending.outcome
