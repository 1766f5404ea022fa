"""A caller of bare sockets, to time what a line sends: `python rtp_peer.py PORT SECONDS`.

Prints JSON: ms from the 200 to the first packet that is not silence, the longest gap between two
packets in ms, and how many there were. Runs in a process of its own, so that nothing of the
engine's load is in the figures.
"""

import json
import socket
import sys
import time

_QUIET = {0x55, 0xD5, 0x54, 0xD4}  # A-law of nothing


def main(port: int, seconds: float) -> None:
    sip, rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for each in (sip, rtp):
        each.bind(("127.0.0.1", 0))
    here = sip.getsockname()[1]
    sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
           f"m=audio {rtp.getsockname()[1]} RTP/AVP 8\r\n")  # fmt: skip

    def send(method: str, cseq: int, to: str = "", body: str = "") -> None:
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = (f"{method} sip:12345@127.0.0.1:{port} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{here};branch=z9hG4bK-{here}-{method}\r\n"
                f"From: <sip:timer@127.0.0.1:{here}>;tag={here}\r\n"
                f"To: {to or f'<sip:12345@127.0.0.1:{port}>'}\r\nCall-ID: {here}@timer\r\n"
                f"CSeq: {cseq} {method}\r\nContact: <sip:timer@127.0.0.1:{here}>\r\n"
                f"Max-Forwards: 70\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}")  # fmt: skip
        sip.sendto(text.encode(), ("127.0.0.1", port))

    send("INVITE", 1, body=sdp)
    sip.settimeout(5)
    while not (answer := sip.recv(4096).decode()).startswith("SIP/2.0 200"):
        pass
    answered = time.monotonic()
    to = next(line[3:].strip() for line in answer.split("\r\n") if line.startswith("To:"))
    send("ACK", 1, to)
    times, first = [], None
    rtp.settimeout(1)
    while time.monotonic() < answered + seconds:
        packet = rtp.recv(2048)
        times.append(time.monotonic())
        if first is None and not set(packet[12:]) <= _QUIET:
            first = times[-1]
    send("BYE", 2, to)
    gaps = [(b - a) * 1000 for a, b in zip(times, times[1:], strict=False)]
    print(json.dumps({"first_audio_ms": (first - answered) * 1000 if first else None,
                      "longest_gap_ms": max(gaps), "packets": len(times)}))  # fmt: skip


main(int(sys.argv[1]), float(sys.argv[2]))
