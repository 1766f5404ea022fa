"""One call as pjsua2 sees it: its state, media and keys turned into protocol messages."""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Callable

import pjsua2 as pj

from ivr.sip.audio_port import AudioPort
from ivr.sip.protocol import (
    AnsweredMsg,
    DtmfMsg,
    EndedMsg,
    HeldMsg,
    Message,
    PlayedMsg,
    RingingMsg,
)

# RFC 3261 §21: said instead of the peer's own words, which might hold a number, under a mask.
_PHRASES = {
    200: "OK", 403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 410: "Gone",
    480: "Temporarily Unavailable", 484: "Address Incomplete", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error",
    503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
    604: "Does Not Exist Anywhere",
}  # fmt: skip
_PLAIN_DTMF = re.compile(r"^(content-type|c)\s*:\s*application/dtmf\s*(;|\r|$)", re.IGNORECASE | re.MULTILINE)
_HOLDS = (pj.PJSUA_CALL_MEDIA_REMOTE_HOLD, pj.PJSUA_CALL_MEDIA_LOCAL_HOLD)
_DTMF_SOURCES = {pj.PJSUA_DTMF_METHOD_RFC2833: "rfc4733", pj.PJSUA_DTMF_METHOD_SIP_INFO: "info"}


class LegCall(pj.Call):
    """A leg of the line. ``port`` carries its audio; it belongs to the worker's pool.

    ``emit`` sends a message to the engine; ``on_ended`` tells the worker to forget the leg.
    """

    def __init__(
        self,
        account: pj.Account,
        leg: int,
        port: AudioPort,
        emit: Callable[[Message], None],
        on_ended: Callable[["LegCall"], None],
        *,
        call_id: int = pj.PJSUA_INVALID_ID,
        masked: bool = False,
        ring_timeout_s: float = 0.0,
    ) -> None:
        super().__init__(account, call_id)
        self.leg = leg
        self.port = port
        self.partner: LegCall | None = None
        self.dialled = call_id == pj.PJSUA_INVALID_ID
        self.to_seat = False
        self.is_up = False
        self.is_held = False
        self.is_over = False
        self.ring_deadline = time.monotonic() + ring_timeout_s if self.dialled else None
        self.up_since = 0.0
        self.heard_packets = 0
        self.heard_at = 0.0
        self._emit = emit
        self._on_ended = on_ended
        self._masked = masked
        self._last_ringing: tuple[int, bool] | None = None
        self._cause: tuple[int, str] | None = None  # set where we end it ourselves

    # --- what the engine asks for ---

    def respond(self, code: int) -> None:
        """Send a 1xx or 200 to an incoming INVITE."""
        param = pj.CallOpParam(True)
        param.statusCode = code
        self.answer(param)

    def end(self, code: int = 0, *, cause: tuple[int, str] | None = None) -> None:
        """BYE, CANCEL, or the final response ``code``; ``cause`` is reported as code, reason."""
        if self.is_over or self._cause is not None:
            return
        self._cause = cause or (code, "")
        param = pj.CallOpParam()
        param.statusCode = code
        self.hangup(param)

    def join(self, other: "LegCall") -> None:
        """Let two legs hear each other from the next frame on."""
        for call in (self, other):
            call.part()
        self.partner, other.partner = other, self
        self.port.partner, other.port.partner = other.port, self.port

    def part(self) -> None:
        """Undo ``join`` on both sides."""
        partner, self.partner, self.port.partner = self.partner, None, None
        if partner is not None:
            partner.partner = partner.port.partner = None

    def report_played(self) -> None:
        """Emit the marks that came due."""
        for mark, dropped in self.port.buffer.take_done():
            self._emit(PlayedMsg(self.leg, mark, dropped))

    def hears_nothing_for(self, now: float) -> float:
        """Seconds since the last RTP packet came in; 0 while nothing is expected."""
        if not self.is_up or self.is_held:
            self.heard_at = now
            return 0.0
        packets = self.getStreamStat(0).rtcp.rxStat.pkt
        if packets != self.heard_packets:
            self.heard_packets, self.heard_at = packets, now
        return now - self.heard_at

    def abandon(self, code: int, reason: str) -> None:
        """Report a call that could not even be sent."""
        self._cause = (code, reason)
        self._finish(code, reason)

    # --- what pjsua2 tells (the names are given by it) ---

    def onCallState(self, prm: pj.OnCallStateParam) -> None:  # noqa: N802
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY and self.dialled:
            self._report_ringing(info)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED and not self.is_up:
            self.is_up = True
            self.ring_deadline = None
            self.up_since = self.heard_at = time.monotonic()
            self._emit(AnsweredMsg(self.leg))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and not self.is_over:
            self._finish(info.lastStatusCode, info.lastReason)

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:  # noqa: N802
        info = self.getInfo()
        audio = [m for m in info.media if m.type == pj.PJMEDIA_TYPE_AUDIO]
        if not audio:
            return
        self._set_held(audio[0].status in _HOLDS)
        if audio[0].status in (pj.PJSUA_CALL_MEDIA_ACTIVE, *_HOLDS):
            media = self.getAudioMedia(-1)
            media.startTransmit(self.port)
            self.port.startTransmit(media)
            self.port.live = True
        if info.state == pj.PJSIP_INV_STATE_EARLY and self.dialled:
            self._report_ringing(info)

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:  # noqa: N802
        self._emit(DtmfMsg(self.leg, prm.digit, _DTMF_SOURCES.get(prm.method, "info")))

    def onCallTsxState(self, prm: pj.OnCallTsxStateParam) -> None:  # noqa: N802
        """Keys in the older form of SIP INFO, which pjsua2 does not read."""
        event = prm.e
        if event.type != pj.PJSIP_EVENT_TSX_STATE or event.body.tsxState.type != pj.PJSIP_EVENT_RX_MSG:
            return
        received = event.body.tsxState.src.rdata
        if digit := plain_info_key(received.wholeMsg):
            _say_ok(received)
            self._emit(DtmfMsg(self.leg, digit, "info"))

    def onCallTransferRequest(self, prm: pj.OnCallTransferRequestParam) -> None:  # noqa: N802
        """REFER: pjsua2 would dial whatever number a stranger names, at the hotline's expense."""
        prm.statusCode = pj.PJSIP_SC_FORBIDDEN

    def onCallReplaceRequest(self, prm: pj.OnCallReplaceRequestParam) -> None:  # noqa: N802
        """INVITE with Replaces: nobody but the engine says who hears whom."""
        prm.statusCode = pj.PJSIP_SC_FORBIDDEN

    # --- helpers ---

    def _report_ringing(self, info: pj.CallInfo) -> None:
        ringing = (info.lastStatusCode, self.port.live)
        if ringing != self._last_ringing:
            self._last_ringing = ringing
            self._emit(RingingMsg(self.leg, *ringing))

    def _set_held(self, held: bool) -> None:
        if held != self.is_held:
            self.is_held = self.port.buffer.paused = held
            self._emit(HeldMsg(self.leg, held))

    def _finish(self, code: int, reason: str) -> None:
        self.is_over = True
        self.part()
        self.port.buffer.flush()
        self.report_played()
        by = "remote" if self._cause is None else "local"
        if self._cause is not None:
            code, reason = self._cause[0] or code, self._cause[1] or reason
        if self._masked:
            reason = _PHRASES.get(code, "")
        self._on_ended(self)
        self._emit(EndedMsg(self.leg, code, reason, by))


def _say_ok(received: pj.SipRxData) -> None:
    """Answer 200 to a request within a call, which pjsua2 itself would refuse with 500.

    Its C library can; its Python interface has no word for it.
    """
    library = ctypes.CDLL(pj._pjsua2.__file__)
    data = ctypes.c_void_p(int(received.pjRxData))
    library.pjsip_rdata_get_dlg.restype = ctypes.c_void_p
    if dialog := library.pjsip_rdata_get_dlg(data):
        library.pjsip_dlg_respond(ctypes.c_void_p(dialog), data, 200, None, None, None)


def plain_info_key(message: str) -> str:
    """The key of an INFO with a body of `application/dtmf` (the key, or Signal=key); "" for another."""
    head, _, body = message.partition("\r\n\r\n")
    if not head.startswith("INFO ") or not _PLAIN_DTMF.search(head):
        return ""
    key = body.strip().partition("\n")[0].rpartition("=")[2].strip().upper()
    return {"10": "*", "11": "#"}.get(key, key if len(key) == 1 and key in "0123456789*#ABCD" else "")
