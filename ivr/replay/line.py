"""A line without SIP: its legs' far ends are people of a replay, on the loop's own clock."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from ivr.call import FRAME_MS
from ivr.sip import protocol as wire
from ivr.sip.leg import Answered, Dtmf, Ended, Leg, Played, Ringing
from ivr.sip.play_buffer import SILENCE, PlayBuffer

ENDINGS = {"busy": 486, "off": 480, "refuses": 603, "no-answer": 408, "failed": 503}
"""How a call that we place ends unanswered, and the SIP status that says so."""


class Person(Protocol):
    """Who is at the far end. Times are the line's, in ms."""

    rings_ms: int | None
    """None: the phone is never reached."""
    ends: str
    """Of `ENDINGS`, where they do not answer; else ""."""

    def rung(self) -> None: ...
    def answered(self, leg: "ReplayLeg") -> None: ...
    def frame(self, now_ms: int, sent: bytes) -> bytes: ...
    def silence_began(self, now_ms: int) -> None: ...


class ReplayLine:
    """What `Seats`, `SipCall` and the vault's user see of a line. `by_target` says who is called."""

    def __init__(self, by_target: Callable[[str], Person | None]) -> None:
        self._by_target = by_target
        self._legs: dict[int, ReplayLeg] = {}

    def incoming(self, person: Person, remote: str = "") -> "ReplayLeg":
        """The leg of somebody who calls in."""
        return self._add(person, "in", remote, {})

    async def dial(
        self, target: str, *, ring_timeout_s: float = 30, headers: Mapping[str, str] | None = None
    ) -> "ReplayLeg":
        """Start a call and return at once, as `ivr.sip.line.Line`."""
        person = self._by_target(target)
        if person:
            person.rung()
        leg = self._add(person, "out", "", headers or {})
        leg.ring_far_end(ring_timeout_s)
        return leg

    def send(self, message: wire.Message) -> None:
        """A leg's command."""
        leg = self._legs[message.leg]
        match message:
            case wire.Answer():
                leg.take()
            case wire.Play(mark=mark, pcm=pcm):
                leg.buffer.queue(pcm, mark)
            case wire.Flush():
                leg.buffer.flush()
            case wire.Bridge(other=other):
                leg.partner, self._legs[other].partner = self._legs[other], leg
            case wire.Unbridge():
                leg.part()
            case wire.Hangup():
                leg.end(200 if leg.is_up else 487, "local")

    def _add(self, person: Person | None, direction: str, remote: str, headers) -> "ReplayLeg":
        number = len(self._legs) + 1
        self._legs[number] = ReplayLeg(self, number, direction, person, remote, headers)
        return self._legs[number]


class ReplayLeg(Leg):
    """A leg whose frames come from a person, every 20 ms of the loop's time once it is up."""

    def __init__(self, line: ReplayLine, number: int, direction, person: Person | None, remote, headers):
        super().__init__(line, number, direction, remote=remote, called="12345", headers=headers)
        self.person, self.buffer, self.is_up = person, PlayBuffer(), False
        self.partner: ReplayLeg | None = None
        self.began_ms: int | None = None
        self.received, self.sent = bytearray(), bytearray()
        self.played: list[tuple[int, int, bool]] = []
        """What the bot said: from and to (ms of the line), and whether it was cut short."""
        self._saying_since_ms: int | None = None
        self._heard, self._speaking = SILENCE, False
        self._timer: asyncio.TimerHandle | None = None

    def ring_far_end(self, ring_timeout_s: float) -> None:
        """What follows on a dial: ringing, and an answer or none."""
        loop, person = asyncio.get_running_loop(), self.person
        if person is None or person.rings_ms is None:
            ending = person.ends if person else "failed"
            loop.call_later(0.5, self.end, ENDINGS.get(ending, 480), "remote")
            return
        loop.call_later(0.2, self.deliver, Ringing(180, False))
        rings_s = 0.2 + person.rings_ms / 1000
        if person.ends == "no-answer" or rings_s > ring_timeout_s:
            loop.call_later(ring_timeout_s, self.end, ENDINGS["no-answer"], "local")
        elif person.ends:
            loop.call_later(rings_s, self.end, ENDINGS[person.ends], "remote")
        else:
            loop.call_later(rings_s, self.take)

    def take(self) -> None:
        """The call is up: media flows from now on."""
        if self.is_up or self.ended:
            return
        self.is_up = True
        self.deliver(Answered())
        self.began_ms = _now_ms()
        if self.person:
            self.person.answered(self)
        self._tick(asyncio.get_running_loop().time())

    def press(self, digit: str) -> None:
        """The far end presses a key."""
        self.deliver(Dtmf(digit, "rfc4733"))

    def end(self, code: int, by: str) -> None:
        """The call is over."""
        if self.ended:
            return
        self.part()
        if self._timer:
            self._timer.cancel()
        self.buffer.flush()
        self._report_played()
        self.deliver(Ended(code, "", by))

    def part(self) -> None:
        """Undo a bridge, on both sides."""
        partner, self.partner = self.partner, None
        if partner:
            partner.partner = None

    def _tick(self, due_s: float) -> None:
        """One frame each way, and the timer of the next."""
        if self.ended:
            return
        own = self.buffer.next_frame()
        if own is not None and self._saying_since_ms is None:
            self._saying_since_ms = _now_ms()
        sent = _mix(own, self.partner._heard if self.partner else None)
        self._heard = self.person.frame(_now_ms(), sent) if self.person else SILENCE
        if self.ended:                      # the person hung up
            return
        self.received += self._heard
        self.sent += sent
        self.deliver_frame(self._heard, sent)
        self._report_played()
        if self._speaking and own is None and self.person:
            self.person.silence_began(_now_ms())
        self._speaking = own is not None
        due_s += FRAME_MS / 1000
        self._timer = asyncio.get_running_loop().call_at(due_s, self._tick, due_s)

    def _report_played(self) -> None:
        for mark, dropped in self.buffer.take_done():
            if self._saying_since_ms is not None:
                self.played.append((self._saying_since_ms, _now_ms(), dropped))
                self._saying_since_ms = None
            self.deliver(Played(mark, dropped))


def _now_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1000)


def _mix(own: bytes | None, other: bytes | None) -> bytes:
    if own is None or other is None:
        return own or other or SILENCE
    both = np.frombuffer(own, "<i2").astype(np.int32) + np.frombuffer(other, "<i2")
    return np.clip(both, -32768, 32767).astype("<i2").tobytes()
