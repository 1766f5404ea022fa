"""The SIP worker: `python -m ivr.sip.worker --config sip.conf --socket PATH`.

A process that moves audio and signalling and decides nothing. One loop sleeps until audio or the
engine has something to move, for at most 10 ms, and lets pjsua2 work. It does no logging to disk and
no long work: one busy Python thread beside pjsua2 loses half of all audio frames.

It ends itself when the engine's socket closes, on SIGTERM, and when no engine comes.
Exit codes: 0 finished, 2 cannot run (the sentence is on stderr and in ``Failed``).
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
from collections import deque
from pathlib import Path

import pjsua2 as pj

from ivr.sip import config as sip_config
from ivr.sip import protocol as wire
from ivr.sip.alarm import Alarm
from ivr.sip.audio_port import AudioPort
from ivr.sip.call import LegCall
from ivr.sip.engine_socket import EngineGone, EngineSocket
from ivr.sip.user_agent import Invite, StartError, UserAgent

_PARK_S = 0.5  # a port or call dropped while media still runs crashes pjsua2
_WAIT_FOR_ENGINE_S = 15.0
_GOODBYE_S = 1.5  # for BYEs to be answered before the process ends
_HOUSEKEEPING_S = 0.25
_POLL_MS = 10  # signalling waits so long at most; a frame and a command of the engine do not
_MOST_EVENTS = 20
_MOST_PARKED = 50  # a flood of calls begun and cancelled must not use up pjsua2's ports


class Worker:
    """The line's calls, and what the engine may ask of them.

    Raises:
        StartError: the SIP stack cannot start.
    """

    def __init__(self, config: sip_config.SipConfig, engine: EngineSocket) -> None:
        self._config = config
        self._engine = engine
        self._agent = UserAgent(config, self._on_invite, self._on_registration)
        self._calls: dict[int, LegCall] = {}
        self._free_ports: deque[tuple[float, AudioPort]] = deque()
        self._parked_calls: deque[tuple[float, pj.Call]] = deque()
        self._unwanted: deque[tuple[pj.Call, int]] = deque()
        self._next_leg = 1
        self._draining = False
        self._stopping = False
        self._registration: int | None = None
        self._lost_frames = 0
        self._tidy_at = 0.0
        self._alarm = Alarm()
        limits = config.limits
        engine.send(wire.Ready(0, self._agent.capacity, limits.seat_legs, self._agent.port))

    def run(self) -> None:
        """Work until told to stop, until the engine goes away, or SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_stopping", True))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the engine's
        try:
            while not self._stopping:
                self._turn()
                for message in self._engine.receive():
                    self._obey(message)
        except EngineGone:
            pass  # the common end: fall through to goodbye
        self._say_goodbye()

    def _turn(self) -> None:
        self._alarm.wait(self._engine.socket, _POLL_MS)
        for call in self._calls.values():
            self._forward_audio(call)
        self._engine.pump()
        self._let_pjsua2_work()
        now = time.monotonic()
        if now >= self._tidy_at:
            self._tidy_at = now + _HOUSEKEEPING_S
            self._tidy(now)
        self._engine.pump()

    def _let_pjsua2_work(self) -> None:
        for _ in range(_MOST_EVENTS):
            events = self._agent.endpoint.libHandleEvents(0)
            while self._unwanted:
                self._refuse(*self._unwanted.popleft())
            if events <= 0:
                return

    def _say_goodbye(self) -> None:
        for call in list(self._calls.values()):
            self._try(call.leg, call.end)
        waiting = self._agent.unregister() or bool(self._calls)
        deadline = time.monotonic() + _GOODBYE_S
        while waiting and time.monotonic() < deadline:
            self._agent.endpoint.libHandleEvents(_POLL_MS)
            waiting = bool(self._calls) or self._agent.trunk_is_registered()
        try:
            self._engine.pump(wait_s=0.5)
        except EngineGone:
            return  # nobody is left to be told

    # --- incoming ---

    def _on_invite(self, account: pj.Account, call_id: int, invite: Invite) -> None:
        refusal = self._refusal(invite)
        if refusal:
            # A call that is over before pjsua2 has told of it crashes pjsua2: it is refused after this.
            self._unwanted.append((pj.Call(account, call_id), refusal))
            return
        leg, self._next_leg = self._next_leg, self._next_leg + 2
        call = self._make_call(account, leg, call_id=call_id)
        self._calls[leg] = call
        if self._config.security.mask_remote:
            self._engine.send(wire.Incoming(leg, "", invite.called, {}, ""))
        else:
            self._engine.send(
                wire.Incoming(leg, invite.remote, invite.called, invite.headers, invite.source)
            )

    def _refusal(self, invite: Invite) -> int:
        if not invite.comes_from(self._config.security.allowed_peers):
            text = f"a call from {invite.source} was refused: it is not in allowed_peers"
            self._engine.send(wire.Notice(0, "refused-peer", text))
            return 403
        if self._draining or len(self._parked_calls) > _MOST_PARKED:
            return 503
        return 0 if self._has_room(for_seat=False) else 486

    def _refuse(self, call: pj.Call, code: int) -> None:
        """Send a final response to a call the engine never hears of; it needs no audio port."""
        param = pj.CallOpParam(True)
        param.statusCode = code
        if code == 503:
            header = pj.SipHeader()
            header.hName, header.hValue = "Retry-After", str(self._config.limits.retry_after_s)
            param.txOption.headers.append(header)
        try:
            call.answer(param)  # hangup would lose the header
        except pj.Error as error:
            self._engine.send(wire.Notice(0, "error", f"{error.title}: {error.reason}"))
        self._parked_calls.append((time.monotonic() + _PARK_S, call))

    def _has_room(self, *, for_seat: bool) -> bool:
        if for_seat:
            return len(self._calls) < self._agent.capacity
        kept = min(self._config.limits.seat_legs, self._agent.capacity - 1)
        seats_in_use = sum(call.to_seat for call in self._calls.values())
        return len(self._calls) < self._agent.capacity - max(0, kept - seats_in_use)

    # --- what the engine asks for ---

    def _obey(self, message: wire.Message) -> None:
        if isinstance(message, wire.Dial):
            self._dial(message)
        elif isinstance(message, wire.Drain):
            self._draining = True
        elif isinstance(message, wire.Shutdown):
            self._stopping = True
        elif message.leg in self._calls:  # else it ended while the message was on its way
            self._try(message.leg, lambda: self._command(self._calls[message.leg], message))

    def _command(self, call: LegCall, message: wire.Message) -> None:
        match message:
            case wire.Play():
                call.port.buffer.queue(message.pcm, message.mark)
            case wire.Flush():
                call.port.buffer.flush()
            case wire.Ring():
                call.respond(180)
            case wire.Answer():
                call.respond(200)
            case wire.Reject():
                call.end(message.code)
            case wire.Hangup():
                call.end(message.code)
            case wire.SendDtmf():
                call.dialDtmf(message.digits)
            case wire.Unbridge():
                call.part()
            case wire.Bridge() if message.other in self._calls:
                call.join(self._calls[message.other])

    def _try(self, leg: int, action) -> None:
        """pjsua2 refuses what comes too late, such as an answer to a cancelled call."""
        try:
            action()
        except pj.Error as error:
            self._engine.send(wire.Notice(leg, "error", f"{error.title}: {error.reason}"))

    def _dial(self, message: wire.Dial) -> None:
        target, for_seat = message.target, message.target.startswith("seat:")
        try:
            if for_seat:
                target = self._seat(target.removeprefix("seat:"))
            account, uri = self._agent.route(target)
        except ValueError as error:
            self._engine.send(wire.EndedMsg(message.leg, 484, str(error), "local"))
            return
        refused = self._draining and not for_seat  # callers still here may ask for a person
        if refused or not self._has_room(for_seat=for_seat):
            reason = "the line takes no new calls" if refused else "every line is in use"
            self._engine.send(wire.EndedMsg(message.leg, 503, reason, "local"))
            return
        call = self._make_call(account, message.leg, ring_timeout_s=message.ring_timeout_s)
        call.to_seat = for_seat
        self._calls[message.leg] = call
        param = pj.CallOpParam(True)
        for name, value in message.headers.items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            param.txOption.headers.append(header)
        try:
            call.makeCall(uri, param)
        except pj.Error as error:
            if not call.is_over:
                call.abandon(500, error.reason)

    def _seat(self, name: str) -> str:
        for seat in self._config.seats:
            if seat.name == name:
                return seat.target
        raise ValueError(f"there is no seat {name} in sip.conf")

    # --- calls and ports ---

    def _make_call(self, account: pj.Account, leg: int, **kind) -> LegCall:
        masked = self._config.security.mask_remote
        port = self._take_port()
        return LegCall(
            account, leg, port, self._engine.send, self._forget, masked=masked, **kind
        )

    def _take_port(self) -> AudioPort:
        if self._free_ports and self._free_ports[0][0] <= time.monotonic():
            port = self._free_ports.popleft()[1]
            port.reset()
            return port
        return AudioPort(f"leg{len(self._calls) + len(self._free_ports)}", self._alarm.ring)

    def _forget(self, call: LegCall) -> None:
        self._forward_audio(call)
        self._calls.pop(call.leg, None)
        self._park(call)

    def _park(self, call: LegCall) -> None:
        free_at = time.monotonic() + _PARK_S
        call.port.live = False
        self._free_ports.append((free_at, call.port))
        self._parked_calls.append((free_at, call))

    def _forward_audio(self, call: LegCall) -> None:
        frames = call.port.frames
        while frames:
            received, sent = frames.popleft()
            if not self._engine.send_frame(wire.encode_frame(call.leg, received, sent)):
                self._lost_frames += 1
        call.report_played()

    def _tidy(self, now: float) -> None:
        # A call object that goes hangs up whatever call has its number by then.
        parked, self._parked_calls = self._parked_calls, deque()
        self._parked_calls.extend((at, call) for at, call in parked if at > now or call.isActive())
        if len(self._parked_calls) < len(parked):
            del parked
            gc.collect()  # now, while their numbers are free, not whenever it may come to it
        for call in list(self._calls.values()):
            self._try(call.leg, lambda call=call: self._check_times(call, now))
        if self._lost_frames:
            text = f"the engine was too slow to take {self._lost_frames} frames of 20 ms"
            self._engine.send(wire.Notice(0, "frames-lost", text))
            self._lost_frames = 0

    def _check_times(self, call: LegCall, now: float) -> None:
        limits = self._config.limits
        if call.ring_deadline is not None and now >= call.ring_deadline:
            call.end(cause=(408, "nobody answered in time"))
        elif limits.max_call_s and call.is_up and now - call.up_since > limits.max_call_s:
            call.end(cause=(200, f"the call was longer than {limits.max_call_s} s"))
        elif limits.media_timeout_s and call.hears_nothing_for(now) > limits.media_timeout_s:
            call.end(cause=(408, f"no audio came for {limits.media_timeout_s} s"))

    def _on_registration(self, code: int, reason: str) -> None:
        if code == self._registration:
            return
        self._registration = code
        if code // 100 == 2:
            notice = wire.Notice(0, "registered", "registered at the trunk")
        else:
            text = f"registration failed: the trunk says {code} {reason}"
            notice = wire.Notice(0, "registration-failed", text + _REGISTRATION_HINT.get(code, ""))
        self._engine.send(notice)


_REGISTRATION_HINT = {
    401: ": check username and password under [trunk]",
    403: ": check username and password under [trunk]",
    404: ": check username and domain under [trunk]",
    408: ": check registrar under [trunk] and that it can be reached",
    503: ": check registrar under [trunk] and that it can be reached",
}


def main() -> int:
    """Run a worker; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m ivr.sip.worker", description=__doc__)
    parser.add_argument("--config", required=True, help="a sip.conf, JSON, or - for JSON on stdin")
    parser.add_argument("--socket", required=True, type=Path, help="Unix socket to serve")
    arguments = parser.parse_args()
    sys.setswitchinterval(0.0005)  # the media clock must not wait 5 ms for the loop
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # pjlib greets there before it can be told not to
    engine = EngineSocket(arguments.socket)
    try:
        try:
            worker = Worker(_read_config(arguments.config), engine)
        except (sip_config.ConfigError, StartError) as error:
            return _fail(engine, getattr(error, "kind", "config"), str(error))
        except pj.Error as error:
            return _fail(engine, "sip", f"{error.title}: {error.reason}: check sip.conf")
        engine.accept(_WAIT_FOR_ENGINE_S)
    except EngineGone as error:
        print(f"sip worker: {error}", file=sys.stderr)
        return 0
    gc.freeze()
    worker.run()
    return 0


def _read_config(argument: str) -> sip_config.SipConfig:
    if argument == "-":
        return sip_config.SipConfig.from_json(sys.stdin.read())
    if argument.lstrip().startswith("{"):
        return sip_config.SipConfig.from_json(argument)
    return sip_config.load_sip_config(Path(argument))


def _fail(engine: EngineSocket, kind: str, text: str) -> int:
    print(f"sip worker: {text}", file=sys.stderr)
    engine.accept(_WAIT_FOR_ENGINE_S)
    engine.send(wire.Failed(0, kind, text))
    engine.pump(wait_s=1.0)
    return 2


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # destroying pjsua2 with a live call or port aborts; the system frees it all
