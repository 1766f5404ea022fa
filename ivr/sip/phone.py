"""A scripted SIP softphone: plays a caller or an owner in the demo and in tests.

    python ivr/sip/phone.py --script S.json [--record OUT.wav] [--json-events]

It shares no code with the bot (pjsua2 and the standard library only), so that the two meet
only as SIP and RTP. The script::

    {"mode": "call", "uri": "sip:12345@127.0.0.1:5060", "user": "13900000000",
     "steps": [{"turns": {"files": ["plate.wav", "yes.wav"], "quiet_ms": 700, "timeout_s": 20}},
               {"wait_hangup": {"timeout_s": 60}}]}

    {"mode": "wait", "port": 5070, "answer": ["busy", {"after_s": 2}],
     "say_on_answer": "hello.wav",
     "steps": [{"wait_speech_end": {"quiet_ms": 600}}, {"dtmf": "1"}, {"wait_hangup": {}}]}

``answer`` (mode ``wait``; a list is one policy a call): ``{"after_s": N}``, ``busy`` (486), ``off``
(480), ``decline`` (603), ``no-answer`` (rings until cancelled), ``{"announce": FILE, "then": 480}``
(183 with early media, then a refusal). Steps: ``play`` (a file, or ``{"file", "background"}``),
``turns``, ``wait_speech_end``, ``dtmf``, ``sleep`` (s), ``hold`` (true/false), ``hangup``,
``wait_hangup``, ``obey`` (steps come on standard input, one JSON object a line, until the call
ends; files play in the background). In mode ``call``, ``expect_code`` (200) is what the call has
to end with.
Sound files: WAV, 8 kHz, mono, 16 bit. The record is a WAV with what it heard left, said right.

Events, one a line with ``t`` (monotonic s) and ``wall`` (epoch s): ready, calling, ringing,
incoming, answered, speech_start, speech_end, said_start, said_end, dtmf, held, ended, done, failed.
``t`` of speech and said events is that of the 20 ms frame, not of the print.
Exit codes: 0 the script went through, 1 it did not, 2 it cannot run.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import pjsua2 as pj
from phone_audio import HANGOVER_S, Headset, SoundFileError, read_wav  # beside this file
from phone_script import STEPS, CannotRun, Events, ScriptFailed, read_script

REFUSALS = {"busy": 486, "off": 480, "decline": 603}


class PhoneCall(pj.Call):
    """The one call of the phone."""

    def __init__(self, phone: "Phone", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.answered = False
        self.ended: int | None = None
        self.has_media = False

    def onCallState(self, prm: pj.OnCallStateParam) -> None:  # noqa: N802
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY and info.role == pj.PJSIP_ROLE_UAC:
            self.phone.events.say("ringing", code=info.lastStatusCode)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED and not self.answered:
            self.answered = True
            self.phone.events.say("answered")
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and self.ended is None:
            self.ended = info.lastStatusCode
            self.phone.headset.live = False
            self.phone.events.say("ended", code=info.lastStatusCode)

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:  # noqa: N802
        info = self.getInfo()  # kept: what is read from it points into it
        status = info.media[0].status
        if status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD:
            self.phone.events.say("held")
        if status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
            media = self.getAudioMedia(-1)
            media.startTransmit(self.phone.headset)
            self.phone.headset.startTransmit(media)
            self.phone.headset.live = self.has_media = True

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:  # noqa: N802
        self.phone.events.say("dtmf", digit=prm.digit)


class PhoneAccount(pj.Account):
    def __init__(self, phone: "Phone") -> None:
        super().__init__()
        self.phone = phone

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:  # noqa: N802
        call = PhoneCall(self.phone, prm.callId)
        if self.phone.call is not None and self.phone.call.ended is None:
            call.hangup(_param(486))
            self.phone.past.append(call)
            return
        self.phone.call = call
        self.phone.events.say("incoming")


class Phone:
    """The started softphone; ``run`` goes through the script."""

    def __init__(self, script: dict[str, Any], events: Events) -> None:
        self.script = script
        self.events = events
        self.call: PhoneCall | None = None
        self.past: list[PhoneCall] = []  # kept: dropping a call too early crashes pjsua2
        self.endpoint = _endpoint()
        transport = pj.TransportConfig()
        transport.port = int(script.get("port", 0))
        transport.boundAddress = script.get("bind", "127.0.0.1")
        try:
            made = self.endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        except pj.Error as error:
            raise CannotRun(f"port {transport.port} cannot be used ({error.reason}): "
                            "choose another one in the script") from error  # fmt: skip
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        self.headset = Headset()
        address = self.endpoint.transportGetInfo(made).localName
        settings = pj.AccountConfig()
        settings.idUri = f"sip:{script.get('user', 'phone')}@{address}"
        settings.mediaConfig.transportConfig.boundAddress = transport.boundAddress
        self.account = PhoneAccount(self)
        self.account.create(settings)
        events.say("ready", port=int(address.rpartition(":")[2]))

    def run(self) -> None:
        """Go through the script.

        Raises:
            ScriptFailed, CannotRun: see there.
        """
        if self.script.get("mode") == "call":
            self._place_call()
        else:
            answers = self.script.get("answer", {"after_s": 0.5})
            for answer in answers if isinstance(answers, list) else [answers]:
                self._take_call(answer)

    def close(self) -> None:
        """Hang up if need be and give the BYE time to be answered."""
        if self.call is not None and self.call.ended is None:
            self.call.hangup(pj.CallOpParam())
        self._pump(lambda: self.call is None or self.call.ended is not None, 2.0)
        self._pump(lambda: False, 0.2)

    # --- calls ---

    def _place_call(self) -> None:
        wanted = int(self.script.get("expect_code", 200))
        self.call = PhoneCall(self)
        self.events.say("calling", uri=self.script["uri"])
        self.call.makeCall(self.script["uri"], pj.CallOpParam(True))
        self._pump(lambda: self.call.answered or self.call.ended is not None,
                   self.script.get("ring_timeout_s", 60))  # fmt: skip
        if self.call.answered:
            self._converse()
        else:
            self._end_call()
        if self.call.ended != wanted:
            raise ScriptFailed(f"the call ended with {self.call.ended}, not with {wanted}")

    def _take_call(self, answer: Any) -> None:
        before = self.call
        timeout_s = self.script.get("wait_timeout_s", 60)
        if not self._pump(lambda: self.call is not before, timeout_s):
            raise ScriptFailed(f"nobody called within {timeout_s} s")
        self.past.append(self.call)
        if isinstance(answer, str) and answer in REFUSALS:
            self.call.hangup(_param(REFUSALS[answer]))
        else:
            announce = isinstance(answer, dict) and "announce" in answer
            self.call.answer(_param(183 if announce else 180))
            if announce:
                self._announce(answer)
            elif answer != "no-answer":
                self._pump(self._is_over, float(answer.get("after_s", 0)))
                if not self._is_over():
                    self.call.answer(_param(200))
                    self._pump(lambda: self.call.answered or self._is_over(), 10)
                    self._converse()
                    return
        if not self._pump(self._is_over, timeout_s):
            raise ScriptFailed(f"the unanswered call rang for more than {timeout_s} s")

    def _announce(self, answer: dict[str, Any]) -> None:
        self._pump(lambda: self.call.has_media, 3)
        self.headset.speak(read_wav(answer["announce"]))
        self._pump(lambda: not self.headset.is_talking() or self._is_over(), 60)
        if not self._is_over():
            self.call.hangup(_param(int(answer.get("then", 480))))

    def _converse(self) -> None:
        self._pump(lambda: self.call.has_media, 2)
        if "say_on_answer" in self.script:
            self._play(self.script["say_on_answer"])
        for step in self.script.get("steps", []):
            [(name, value)] = step.items()
            getattr(self, f"_{name}")(value)
        self._end_call()
        self.headset.shut_up()

    # --- steps: each is named as in the script ---

    def _play(self, value: Any) -> None:
        options = value if isinstance(value, dict) else {"file": value}
        self._must_be_up("play")
        self.headset.speak(read_wav(options["file"]))
        if not options.get("background"):
            self._pump(lambda: not self.headset.is_talking() or self._is_over(), 120)

    def _turns(self, value: dict[str, Any]) -> None:
        for file in value["files"]:
            self._wait_speech_end(value)
            self._play(file)

    def _wait_speech_end(self, value: Any) -> None:
        options = value if isinstance(value, dict) else {}
        quiet_s = options.get("quiet_ms", 700) / 1000
        timeout_s = options.get("timeout_s", 20)
        heard_after = time.monotonic() - HANGOVER_S

        def over() -> bool:
            last = self.headset.last_loud
            return last > heard_after and time.monotonic() - last >= quiet_s

        if not self._pump(lambda: over() or self._is_over(), timeout_s):
            raise ScriptFailed(f"the other side did not speak and pause within {timeout_s} s")
        self._must_be_up("wait_speech_end")

    def _dtmf(self, digits: str) -> None:
        self._must_be_up("dtmf")
        self.call.dialDtmf(str(digits))
        self._pump(self._is_over, 0.24 * len(str(digits)) + 0.1)

    def _sleep(self, seconds: float) -> None:
        self._pump(lambda: False, float(seconds))

    def _hold(self, on: bool) -> None:
        self._must_be_up("hold")
        param = pj.CallOpParam(True)
        if on:
            self.call.setHold(param)
        else:
            param.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.call.reinvite(param)
        self._pump(self._is_over, 0.3)

    def _hangup(self, _: Any) -> None:
        self._end_call()

    def _wait_hangup(self, value: Any) -> None:
        timeout_s = value.get("timeout_s", 30) if isinstance(value, dict) else 30
        if not self._pump(self._is_over, timeout_s):
            raise ScriptFailed(f"the other side did not hang up within {timeout_s} s")

    def _obey(self, value: Any) -> None:
        timeout_s = value.get("timeout_s", 600) if isinstance(value, dict) else 600
        orders = bytearray()
        deadline = time.monotonic() + timeout_s
        while not self._is_over():
            if time.monotonic() >= deadline:
                raise ScriptFailed(f"the call lasted more than {timeout_s} s")
            self._pump(lambda: self._is_over() or _readable(0), 0.5)
            if _readable(0):
                got = os.read(0, 65536)
                if not got:  # nobody is left who could give orders
                    return
                orders += got
            while b"\n" in orders and not self._is_over():
                order, _, rest = bytes(orders).partition(b"\n")
                orders = bytearray(rest)
                self._follow(order)

    def _follow(self, order: bytes) -> None:
        try:
            [(name, value)] = json.loads(order).items()
        except (ValueError, AttributeError) as error:
            raise CannotRun(f"{order!r} is not one step as JSON") from error
        if name == "play" and isinstance(value, str):
            value = {"file": value, "background": True}
        if name not in STEPS:
            raise CannotRun(f"there is no step {name}: write one of {', '.join(STEPS)}")
        getattr(self, f"_{name}")(value)

    # --- helpers ---

    def _is_over(self) -> bool:
        return self.call.ended is not None

    def _must_be_up(self, step: str) -> None:
        if self._is_over():
            raise ScriptFailed(f"the call ended ({self.call.ended}) before the step {step}")

    def _end_call(self) -> None:
        if not self._is_over():
            self.call.hangup(pj.CallOpParam())
            self._pump(self._is_over, 5)

    def _pump(self, until: Callable[[], bool], timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            while self.headset.notes:
                self.events.say(*self.headset.notes.popleft())
            if until():
                return True
            if time.monotonic() >= deadline:
                return False
            self.endpoint.libHandleEvents(10)


def _readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def _param(code: int) -> pj.CallOpParam:
    param = pj.CallOpParam(True)
    param.statusCode = code
    return param


def _endpoint() -> pj.Endpoint:
    stdout = os.dup(1)  # pjlib greets there before it can be told not to
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    os.dup2(stdout, 1)
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 0
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    config.medConfig.noVad = True
    endpoint.libInit(config)
    return endpoint


def _stop(*_: Any) -> None:
    raise ScriptFailed("told to stop")


def main() -> int:
    """Run one script; see the module's text."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--script", required=True, help="JSON file")
    parser.add_argument("--record", help="WAV to write: left heard, right said")
    parser.add_argument("--json-events", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    sys.setswitchinterval(0.0005)  # the media clock must not wait 5 ms for the loop
    signal.signal(signal.SIGTERM, _stop)
    events = Events(arguments.json_events)
    phone = None
    code, outcome = 0, ("done", {})
    try:
        phone = Phone(read_script(arguments.script), events)
        phone.run()
    except ScriptFailed as error:
        code, outcome = 1, ("failed", {"why": str(error)})
    except (CannotRun, SoundFileError) as error:
        code, outcome = 2, ("failed", {"why": str(error)})
    except pj.Error as error:
        code, outcome = 2, ("failed", {"why": f"{error.title}: {error.reason}"})
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if phone is not None:
        phone.close()
        if arguments.record:
            phone.headset.record(arguments.record)
    events.say(outcome[0], **outcome[1])
    return code


if __name__ == "__main__":
    exit_code = 2
    try:
        exit_code = main()
    except Exception:  # a plain exit would run pjsua2's destructors, which abort
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(exit_code)  # destroying pjsua2 with a live call or port aborts
