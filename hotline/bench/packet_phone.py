"""A telephone of bare sockets that stamps every packet: `python packet_phone.py < plan.json`.

It shares no code with the bot and runs in a process of its own, so that what it measures is what a
caller gets. A-law, 20 ms a packet. The plan::

    {"call": 5060, "from": "bench", "steps": [{"on": "speech", "ms": 1500, "say": "cough.wav", "label": "cough", "aside": true},
                             {"on": "quiet", "ms": 900, "say": "yes.wav", "label": "yes"}],
     "echo_db": -20, "echo_ms": 120, "limit_s": 40}

`call` dials that port of 127.0.0.1 as `from`, `wait` takes one call on it within `patience_s`. A step is taken `ms` after the other
side began to speak, or fell quiet after it spoke, since the step before (an `aside` does not count). Once all are taken, the call
lasts until the other side ends it, or for `then_s` more. What it hears is sent back at `echo_db`, so
many ms later, as by a bad telephone.

Prints JSON: {"received": [[seconds, loud?], …], "said": [{"label", "first_s", "last_s"}, …]}: when
each packet came, and when the packets with the first and the last audible sound of what was said were
sent, on this machine's monotonic clock.
"""

import json
import select
import socket
import sys
import time
import wave
from collections import deque

import numpy as np

FRAME = 160                        # samples: 20 ms
LOUD = 100.0                       # root mean square of a packet that holds speech: −50 dBFS
AUDIBLE = 10 ** (-30 / 20)         # of a sound's own peak level
ENDS_SPEECH = 5                    # quiet packets in a row


def _alaw_values() -> np.ndarray:
    """ITU-T G.711: the sample of each A-law byte."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.float32)


VALUES = _alaw_values()
ORDER = np.argsort(VALUES)
EDGES = (VALUES[ORDER][1:] + VALUES[ORDER][:-1]) / 2


def encoded(samples: np.ndarray) -> bytes:
    return ORDER[np.searchsorted(EDGES, samples)].astype(np.uint8).tobytes()


def decoded(payload: bytes) -> np.ndarray:
    return VALUES[np.frombuffer(payload, np.uint8)]


class Signalling:
    """One call's SIP, as little as RFC 3261 allows."""

    def __init__(self, plan: dict, rtp_port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", plan.get("wait", 0)))
        self.here = self.socket.getsockname()[1]
        self.over = False
        self._sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                     f"m=audio {rtp_port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n")
        self._there, self._to = plan.get("call", 0), ""
        self._from = plan.get("from", "bench")
        self._id = f"{self.here}-{time.time_ns()}@bench"

    def begin(self, patience_s: float) -> tuple[str, int]:
        """Call or be called; returns where audio is to be sent. Ends the program where nothing comes of it."""
        self.socket.settimeout(patience_s)
        try:
            return self._call() if self._there else self._be_called()
        except TimeoutError:
            what = "its call was not answered" if self._there else "it was not rung"
            raise SystemExit(f"a telephone of the bench waited {patience_s:.0f} s: {what}") from None

    def _call(self) -> tuple[str, int]:
        self._request("INVITE", 1, self._sdp)
        while True:
            answer = self.socket.recv(8192).decode()
            status = int(answer.split()[1])
            if status >= 300:
                raise SystemExit(f"the call was refused: {status}")
            if status >= 200:
                break
        self._to = _header(answer, "To")
        self._request("ACK", 1)
        return _audio(answer)

    def take(self) -> None:
        """Answer a request of the other side."""
        text = self.socket.recv(8192).decode()
        method = text.split(" ", 1)[0]
        if method == "BYE":
            self.over = True
        if method in ("BYE", "OPTIONS", "INFO"):
            self.socket.sendto(_response(text, 200, self.here).encode(), self._peer(text))

    def end(self) -> None:
        if not self.over and self._there:
            self._request("BYE", 2)

    def _be_called(self) -> tuple[str, int]:
        while not (text := self.socket.recv(8192).decode()).startswith("INVITE"):
            pass
        peer = self._peer(text)
        for code, body in ((180, ""), (200, self._sdp)):
            self.socket.sendto(_response(text, code, self.here, body).encode(), peer)
        return _audio(text)

    def _peer(self, text: str) -> tuple[str, int]:
        via = _header(text, "Via").split()[1].split(";")[0]
        host, _, port = via.partition(":")
        return host, int(port or 5060)

    def _request(self, method: str, cseq: int, body: str = "") -> None:
        there = f"sip:12345@127.0.0.1:{self._there}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = (f"{method} {there} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.here};branch=z9hG4bK-{self.here}-{method}\r\n"
                f"From: <sip:{self._from}@127.0.0.1:{self.here}>;tag={self.here}\r\nTo: {self._to or f'<{there}>'}\r\n"
                f"Call-ID: {self._id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:bench@127.0.0.1:{self.here}>\r\n"
                f"Max-Forwards: 70\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}")
        self.socket.sendto(text.encode(), ("127.0.0.1", self._there))


def _header(text: str, name: str) -> str:
    return next(line.split(":", 1)[1].strip() for line in text.split("\r\n") if line.startswith(f"{name}:"))


def _response(request: str, code: int, here: int, body: str = "") -> str:
    words = {180: "Ringing", 200: "OK"}
    lines = [f"SIP/2.0 {code} {words[code]}"]
    lines += [line for line in request.split("\r\n") if line.split(":")[0] in ("Via", "From", "Call-ID", "CSeq", "Record-Route")]
    lines.append(f"To: {_header(request, 'To')}" + ("" if "tag=" in _header(request, "To") else f";tag={here}"))
    lines += [f"Contact: <sip:owner@127.0.0.1:{here}>", *(["Content-Type: application/sdp"] if body else [])]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])


def _audio(text: str) -> tuple[str, int]:
    """Where a session description wants audio."""
    lines = text.split("\r\n")
    host = next(line.split()[-1] for line in lines if line.startswith("c=IN IP4"))
    return host, int(next(line.split()[1] for line in lines if line.startswith("m=audio")))


class Talk:
    """The call's audio: a packet out every 20 ms, each packet that comes in stamped."""

    def __init__(self, plan: dict, rtp: socket.socket, there: tuple[str, int]) -> None:
        self.received: list[tuple[float, bool]] = []
        self.said: list[dict] = []
        self.steps = deque(plan["steps"])
        self._rtp, self._there = rtp, there
        self._gain = 10 ** (plan["echo_db"] / 20) if "echo_db" in plan else 0.0
        self._echo = deque([np.zeros(FRAME, np.float32)] * (plan.get("echo_ms", 0) // 20))
        self._mouth: deque[np.ndarray] = deque()
        self._answers = False
        self._quiet, self._began_s, self._ended_s, self._number = 0, 0.0, 0.0, 0

    def hear(self) -> None:
        payload = self._rtp.recv(2048)[12:]
        now, samples = time.monotonic(), decoded(payload)
        loud = float(np.sqrt(np.mean(samples**2))) > LOUD
        self.received.append((now, loud))
        if self._gain and len(samples) == FRAME:
            self._echo.append(self._gain * samples)
        self._quiet = 0 if loud else self._quiet + 1
        if loud:
            self._began_s, self._ended_s = self._began_s or now, now

    def speak(self) -> None:
        """Send one packet, beginning the next step where it is due."""
        if not self._mouth and self.steps and self._is_due(self.steps[0]):
            self._begin(self.steps.popleft())
        mine = self._mouth.popleft() if self._mouth else np.zeros(FRAME, np.float32)
        if not self._mouth and self._answers:      # what comes from now on is said to it
            self._answers, self._began_s = False, 0.0
        if self._echo:
            mine = mine + self._echo.popleft()
        self._number += 1
        header = bytes([0x80, 8]) + (self._number & 0xFFFF).to_bytes(2, "big") + (self._number * FRAME).to_bytes(4, "big")
        self._rtp.sendto(header + b"\0\0\0\1" + encoded(mine), self._there)
        for each in self.said:
            for name in ("first", "last"):
                if each[name] == self._number:
                    each[f"{name}_s"] = time.monotonic()

    def _is_due(self, step: dict) -> bool:
        now, wait_s = time.monotonic(), step["ms"] / 1000
        if step["on"] == "speech":
            return bool(self._began_s) and now - self._began_s >= wait_s
        return bool(self._began_s) and self._quiet >= ENDS_SPEECH and now - self._ended_s >= wait_s

    def _begin(self, step: dict) -> None:
        samples = read_wav(step["say"])
        frames = np.pad(samples, (0, -len(samples) % FRAME)).reshape(-1, FRAME)
        levels = np.sqrt(np.mean(frames**2, axis=1))
        audible = np.flatnonzero(levels > AUDIBLE * levels.max())
        self._mouth.extend(frames)
        self.said.append({"label": step["label"], "first": self._number + 1 + int(audible[0]),
                          "last": self._number + 1 + int(audible[-1])})
        self._answers = not step.get("aside")


def read_wav(path: str) -> np.ndarray:
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)


def main() -> None:
    plan = json.load(sys.stdin)
    rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rtp.bind(("127.0.0.1", 0))
    signalling = Signalling(plan, rtp.getsockname()[1])
    print("ready", flush=True)
    talk = Talk(plan, rtp, signalling.begin(plan.get("patience_s", 60)))
    due = began = time.monotonic()
    ends = began + plan.get("limit_s", 60)
    while not signalling.over and time.monotonic() < ends:
        readable, _, _ = select.select([rtp, signalling.socket], [], [], max(0.0, due - time.monotonic()))
        if rtp in readable:
            talk.hear()
        if signalling.socket in readable:
            signalling.take()
        if time.monotonic() >= due:
            talk.speak()
            due += 0.02
            if not talk.steps and not talk._mouth and "then_s" in plan:
                ends = min(ends, time.monotonic() + plan.pop("then_s"))
    signalling.end()
    said = [{name: each.get(name) for name in ("label", "first_s", "last_s")} for each in talk.said]
    print(json.dumps({"received": talk.received, "said": said}))


if __name__ == "__main__":
    main()
