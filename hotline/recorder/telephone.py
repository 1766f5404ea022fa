"""Records a volunteer over the telephone: asks, records the consent, and takes plate after plate."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from asr.listening.endpointing import Profile
from asr.pool import RecognizerPool
from hotline.recorder.kit import Kit, Volunteer
from hotline.recorder.prompts import TEXTS, RecorderPrompts, beep
from hotline.recorder.take import SILENT_MS, Take
from ivr.call import Call, Frame, HungUp
from ivr.sip.line import Line
from ivr.sip_call import SipCall
from ivr.turn import Heard, Listening, exchange, play_out

RATE = 8000
RING_S = 45
ASKED_AT_MOST = 3
TAKES = 2
"""Tries for one plate; then the next one's turn comes."""
SILENT_IN_A_ROW = 2
"""So many plates with no answer: nobody is there any more."""
SURE = 0.9
"""Share of all that was heard which the answer must have."""
YES_KEY, NO_KEYS = "1", ("2", "0")
CONSENT = Listening("yes_no", Profile(no_input_ms=6000), barge_in=False)

Report = Callable[..., None]
"""Called with what happens: a kind (`ringing`, `asking`, `reading`, `listening`, `kept`, …) and details."""


@dataclass(frozen=True)
class Telephone:
    """What recording over the telephone needs."""

    line: Line
    ears: RecognizerPool
    prompts: RecorderPrompts
    shown: bool = False
    """Readers have a list before them; otherwise each plate is read out to them."""


async def record_by_telephone(
    telephone: Telephone, target: str, kit: Kit, volunteer: Volunteer, report: Report = lambda kind, **details: None
) -> str:
    """One call. Returns `done`, `unfinished`, `refused`, `unclear` or `unanswered`; never keeps `target`."""
    call = SipCall(await telephone.line.dial(target, ring_timeout_s=RING_S))
    try:
        report("ringing")
        await call.wait_up()
    except HungUp as ended:
        report("unanswered", code=ended.code, reason=ended.reason)
        return "unanswered"
    session = _Session(telephone, call, kit, volunteer, report)
    try:
        return await session.run()
    except HungUp:
        return session.outcome
    finally:
        call.hangup()


class _Session:
    """The state of one call."""

    def __init__(self, telephone: Telephone, call: Call, kit: Kit, volunteer: Volunteer, report: Report):
        self._phone, self._call, self._kit, self._volunteer, self._report = telephone, call, kit, volunteer, report
        self._marks = 0
        self.outcome = "unclear"

    async def run(self) -> str:
        answer = await self._consent()
        if answer != "yes":
            self.outcome = "refused" if answer == "no" else "unclear"
            self._kit.refused()
            await self._say("refused")
            return self.outcome
        self.outcome = "unfinished"
        await self._say("begin_shown" if self._phone.shown else "begin_spoken")
        await self._read_all()
        self.outcome = "unfinished" if self._volunteer.pending else "done"
        await self._say("thanks" if self.outcome == "done" else "unfinished")
        return self.outcome

    async def _consent(self) -> str:
        """`yes`, `no` or "" for an answer that is neither. A yes is kept with its recording."""
        heard_pcm, asked_pcm = bytearray(), bytearray()

        def tape(received: bytes, sent: bytes) -> None:
            heard_pcm.extend(received)
            asked_pcm.extend(sent)

        self._call.taps.append(tape)
        try:
            answer = ""
            for turn in range(ASKED_AT_MOST):
                pcm = self._phone.prompts["consent_again" if turn else "consent"]
                self._report("asking", seconds=len(pcm) / 2 / RATE)
                heard = await exchange(self._call, pcm, self._mark(), CONSENT, self._phone.ears)
                if answer := _meaning(heard):
                    break
        finally:
            self._call.taps.remove(tape)
        if answer == "yes":
            said = f"key {heard.key}" if heard.key else heard.best.text
            await asyncio.to_thread(self._kit.consented, self._volunteer, TEXTS["consent"], said,
                                    bytes(heard_pcm), bytes(asked_pcm), RATE)
        self._report("consent", answer=answer)
        return answer

    async def _read_all(self) -> None:
        silent = 0
        for number, plate in self._volunteer.pending:
            take = await self._read(number, plate)
            if take.verdict == "good":
                await asyncio.to_thread(self._kit.keep, self._volunteer, number, plate, take.pcm, RATE)
                self._report("kept", number=number, plate=plate)
            else:
                self._report("left", number=number, plate=plate, verdict=take.verdict)
            silent = silent + 1 if take.verdict == "silent" else 0
            if silent >= SILENT_IN_A_ROW:
                return

    async def _read(self, number: int, plate: str) -> Take:
        asked = b"" if self._phone.shown else await asyncio.to_thread(self._phone.prompts.plate, plate)
        self._report("reading", number=number, plate=plate)
        for attempt in range(TAKES):
            if attempt:
                await self._say("again")
            take = await self._take(asked + beep(), number, plate)
            if take.verdict == "good":
                break
        return take

    async def _take(self, pcm: bytes, number: int, plate: str) -> Take:
        await play_out(self._call, pcm, self._mark(), ())
        self._report("listening", number=number, plate=plate)
        take, began_ms = Take(RATE), self._call.now_ms
        while not take.done and self._call.now_ms - began_ms < 4 * SILENT_MS:
            item = await self._call.next()
            if isinstance(item, Frame):
                take.feed(item.received)
        return take

    async def _say(self, name: str) -> None:
        await play_out(self._call, self._phone.prompts[name], self._mark(), ())

    def _mark(self) -> str:
        self._marks += 1
        return f"recorder-{self._marks}"


def _meaning(heard: Heard) -> str:
    """`yes`, `no`, or "" for what has to be asked again: either must be far likelier than all else."""
    if heard.kind == "key":
        return "yes" if heard.key == YES_KEY else "no" if heard.key in NO_KEYS else ""
    if heard.kind != "match":
        return ""
    shares = Counter[str]()
    for hypothesis in heard.result.hypotheses:
        shares[hypothesis.value] += hypothesis.probability or 0.0
    value = heard.best.value
    sure = shares[value] >= SURE * shares.total()
    return value if value in ("yes", "no") and sure else ""
