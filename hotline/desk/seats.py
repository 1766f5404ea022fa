"""Human seats: their phones ring in order of penalty until one answers."""

from collections import Counter
from collections.abc import Callable, Sequence

from ivr.call import HungUp
from ivr.sip.config import Seat
from ivr.sip.line import Line, LineDown
from ivr.sip_call import SipCall

Note = Callable[..., None]


class Seats:
    """The seats of one line. A seat that is busy or silent is passed over."""

    def __init__(self, line: Line, seats: Sequence[Seat], ring_s: int):
        self._line, self._ring_s = line, ring_s
        self._seats = sorted(seats, key=lambda seat: seat.penalty)

    async def ring(
        self, case_id: str, reason: str, note: Note, signals: Sequence[str] = ()
    ) -> SipCall | None:
        """The call of the first seat that answers, or None if none does.

        `reason` says why a person is needed, `signals` what showed that the caller does not cope; the
        seat's phone gets both as headers, each sign once with how often it was seen.
        """
        headers = {"X-Case": case_id, "X-Reason": reason}
        if signals:
            counted = Counter(signals)
            headers["X-Signals"] = ", ".join(sign if times == 1 else f"{sign} {times}" for sign, times in counted.items())
        for seat in self._seats:
            note("seat_called", seat=seat.name, reason=reason, signals=headers.get("X-Signals", ""))
            try:
                leg = await self._line.dial(f"seat:{seat.name}", ring_timeout_s=self._ring_s, headers=headers)
            except LineDown as error:
                note("seat_unavailable", seat=seat.name, error=str(error))
                return None
            call = SipCall(leg)
            try:
                await call.wait_up()
            except HungUp as refused:
                note("seat_unavailable", seat=seat.name, code=refused.code)
                continue
            except BaseException:
                call.hangup()
                raise
            note("seat_answered", seat=seat.name)
            return call
        return None
