"""A call over SIP: a leg of a line, as a conversation sees it."""

import asyncio

from ivr.call import Call, HungUp, Key, PlayedOut
from ivr.key_presses import KeyPresses
from ivr.sip.line import Answered, Dtmf, Ended, Held, Leg, Played, Ringing
from ivr.tones import ToneKeys


class SipCall(Call):
    """Wraps a `Leg`. For a call that we place, `ringing` is set when the other phone rings."""

    def __init__(self, leg: Leg):
        super().__init__(leg.id, leg.remote, leg.headers)
        self.leg = leg
        self.ringing = asyncio.Event()
        self.up = asyncio.Event()
        self.held = False
        self._tones, self._presses = ToneKeys(), KeyPresses()
        leg.on_frame = self._take_frame
        self._pump = asyncio.create_task(self._move_events())

    async def answer(self) -> None:
        self.leg.answer()
        await self.wait_up()

    async def wait_up(self) -> None:
        """Return when the call is answered. Raises `HungUp` if it ends before."""
        up = asyncio.ensure_future(self.up.wait())
        try:
            await asyncio.wait({up, self._pump}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
        if self.ended:
            raise self.ended

    def play(self, pcm_8k: bytes, mark: str) -> None:
        self.leg.play(pcm_8k, mark)

    def flush(self) -> None:
        self.leg.flush()

    def bridge(self, other: Call) -> None:
        """Legs of one line are joined in its worker; of two lines, here, frame by frame."""
        if other.leg.line is self.leg.line:
            self.leg.bridge(other.leg)
            return
        self.taps.append(lambda received, _sent: other.hear(received))
        other.taps.append(lambda received, _sent: self.hear(received))

    def hear(self, pcm_8k: bytes) -> None:
        """Play a frame of another call's, but for a phone on hold: it would hear it late."""
        if not self.held:
            self.leg.play(pcm_8k, "")

    def hangup(self) -> None:
        if not self.ended:
            self.leg.hangup()

    async def wait_ended(self) -> HungUp:
        """Return how the call ended, once it has; until then what it hears is let go."""
        while True:
            try:
                await self.next()
            except HungUp as ended:
                return ended

    async def _move_events(self) -> None:
        while True:
            event = await self.leg.events.get()
            match event:
                case Ringing():
                    self.ringing.set()
                case Answered():
                    self.up.set()
                case Dtmf(digit=digit, source=source):
                    self._press(digit, source)
                case Held(on=on):
                    self.held = on
                case Played(mark=mark, dropped=dropped):
                    self._put(PlayedOut(mark, dropped))
                case Ended(code=code, reason=reason, by=by):
                    self._put(HungUp(code, reason, by))
                    return

    def _take_frame(self, received: bytes, sent: bytes) -> None:
        self._put_frame(received, sent)
        for digit in self._tones.feed(received):
            self._press(digit, "tone")

    def _press(self, digit: str, way: str) -> None:
        if self._presses.is_new(digit, way, self.now_ms):
            self._put(Key(digit))
