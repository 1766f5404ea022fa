"""SIPp scenarios as short lists of steps, and the program run on them."""

from pathlib import Path

_SDP = """v=0
o=sipp 1 {version} IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [media_port] RTP/AVP {payloads}
{attributes}a={direction}
"""
_KNOWN = {8: "a=rtpmap:8 PCMA/8000\n", 96: "a=rtpmap:96 telephone-event/8000\n",
          18: "a=rtpmap:18 G729/8000\n"}  # fmt: skip


def sdp(*payloads: int, direction: str = "sendrecv", version: int = 1) -> str:
    attributes = "".join(_KNOWN[payload] for payload in payloads)
    numbers = " ".join(map(str, payloads))
    return _SDP.format(
        payloads=numbers, attributes=attributes, direction=direction, version=version
    )


def request(
    method: str, cseq: int, body: str = "", kind: str = "application/sdp", tagged: bool = True, header: str = ""
) -> str:
    to = "[peer_tag_param]" if tagged else ""
    # RFC 3261 §9.1, §17.1.1.3: a CANCEL, and the ACK of a refusal, have the INVITE's branch.
    branch = "[branch]" if tagged and method != "ACK_REFUSAL" else "z9hG4bK-[pid]-[call_number]"
    method = method.removesuffix("_REFUSAL")
    content = (f"Content-Type: {kind}\n" if body else "") + (f"{header}\n" if header else "")
    options = ' retrans="500"' if method not in ("ACK",) else ""
    return f"""<send{options}><![CDATA[
{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch={branch}
From: <sip:13900000000@[local_ip]:[local_port]>;tag=[pid]S[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>{to}
Call-ID: [call_id]
CSeq: {cseq} {method}
Contact: <sip:13900000000@[local_ip]:[local_port]>
X-Test: yes
Max-Forwards: 70
{content}Content-Length: [len]

{body}]]></send>"""


def expect(code: int, optional: bool = False) -> str:
    return f'<recv response="{code}"' + (' optional="true"' if optional else "") + "/>"


def refused(code: int) -> str:
    """A final response other than 2xx to the INVITE, and its ACK."""
    return expect(code) + request("ACK_REFUSAL", 1)


def expect_request(method: str) -> str:
    return f'<recv request="{method}"/>'


def respond(code: int, reason: str, body: str = "", invite: bool = True) -> str:
    content = "Content-Type: application/sdp\n" if body else ""
    contact = "Contact: <sip:[local_ip]:[local_port]>\n" if invite else ""
    return f"""<send><![CDATA[
SIP/2.0 {code} {reason}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]R[call_number]
[last_Call-ID:]
[last_CSeq:]
{contact}{content}Content-Length: [len]

{body}]]></send>"""


def pause(ms: int) -> str:
    return f'<pause milliseconds="{ms}"/>'


def action(what: str) -> str:
    return f"<nop><action><exec {what}/></action></nop>"


def dial(body: str) -> list[str]:
    """INVITE, and what comes before the 200."""
    return [request("INVITE", 1, body, tagged=False), expect(100, True), expect(180, True)]


class Sipp:
    """Runs scenarios; ``spawn`` is the fixture of that name."""

    def __init__(self, spawn, folder: Path) -> None:
        self._spawn = spawn
        self._folder = folder

    async def call(self, port: int, *steps: str, local_port: int):
        return await self._run(steps, f"127.0.0.1:{port}", "-s", "12345", port=local_port)

    async def wait(self, *steps: str, local_port: int):
        return await self._run(steps, port=local_port)

    async def _run(self, steps, *arguments: str, port: int):
        path = self._folder / f"sipp{port}.xml"
        body = "\n".join(steps)
        path.write_text(f'<?xml version="1.0" encoding="us-ascii"?>\n'
                        f'<scenario name="test">\n{body}\n</scenario>\n')  # fmt: skip
        return await self._spawn(
            "sipp", *arguments, "-sf", str(path), "-i", "127.0.0.1", "-p", str(port), "-m", "1",
            "-nostdin", "-timeout", "20s", "-timeout_error", "-mp", str(port + 2),
            cwd=str(self._folder),
        )  # fmt: skip
