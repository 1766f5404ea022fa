"""A recognizer server may do anything: the turn is heard, once by it or else by the embedded recognizer."""

import asyncio
import contextlib
import datetime
import functools
import json
import logging
import signal
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from recognizer_servers import SpeechServer

from asr.grammars.grammar import FOLDER, Grammar
from asr.recognizer import AsrError, Hypothesis, Result
from asr.remote.hearing import FIRST_PAUSE_S, Health, RemoteHearing
from asr.remote.server import Server

FRAME = bytes(320)
PROTOCOLS = ("vosk", "funasr", "funasr-python")
START, CLOSE = "start", "close"


class Embedded:
    """Stands where the embedded recognizer's pool does: its answer says how much audio it was given."""

    def __init__(self):
        self.done = []

    async def start(self):
        self.done.append(START)

    async def close(self):
        self.done.append(CLOSE)

    def open(self, grammar_name, rate=8000):
        return EmbeddedStream()


class EmbeddedStream:
    def __init__(self):
        self.heard = 0

    def feed(self, pcm):
        self.heard += len(pcm)

    async def look(self):
        return Result((Hypothesis("", f"embedded:{self.heard}", 0.9),), False, 0)

    finish = look


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Protocol → its server, started when first asked for."""
    started: dict[str, SpeechServer] = {}
    yield lambda protocol: started.get(protocol) or started.setdefault(
        protocol, SpeechServer(protocol, tmp_path_factory.mktemp(protocol)))
    for server in started.values():
        server.stop()


@pytest.fixture(params=PROTOCOLS)
def server(request, servers):
    speech_server = servers(request.param)
    if speech_server.process.poll() is not None:
        speech_server.start()
    speech_server.plan("对")
    speech_server.script.with_suffix(".log").unlink(missing_ok=True)
    return speech_server


@pytest.fixture(autouse=True)
def grammars_read_once(monkeypatch):
    """Compiling them takes seconds, and is not what is tested."""
    monkeypatch.setattr(Grammar, "load", staticmethod(read_once))


@functools.cache
def read_once(name, folder=FOLDER, _load=Grammar.load):
    return _load(name, folder)


@contextlib.asynccontextmanager
async def hearing_from(server: SpeechServer, answer_timeout_s=2.0, connect_timeout_s=1.0, clock=time.monotonic):
    kind = "vosk-server" if server.protocol == "vosk" else "funasr"
    pool = Embedded()
    settings = Server(kind, f"ws://127.0.0.1:{server.port}", connect_timeout_s=connect_timeout_s,
                      answer_timeout_s=answer_timeout_s)
    async with RemoteHearing(settings, pool, clock=clock) as hearing:
        yield hearing
    assert pool.done == [START, CLOSE]


async def turn(hearing, grammar="yes_no", frames=50, finish_within_s=4.0):
    """A turn of 20 ms frames, ten times as fast as life; (value or None, the finish's seconds)."""
    stream = hearing.open(grammar)
    for _ in range(frames):
        stream.feed(FRAME)
        await asyncio.sleep(0.002)
    began = time.monotonic()
    result = await asyncio.wait_for(stream.finish(), finish_within_s)
    return result.best.value if result.best else None, time.monotonic() - began


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_the_server_hears_the_whole_turn(server, caplog):
    server.plan("不对")
    async with hearing_from(server) as hearing:
        value, seconds = await turn(hearing)
        assert value == "no"
        assert seconds < 1.0
        assert not warnings(caplog)
    audio, = server.seen
    rate = 16000 if server.protocol.startswith("funasr") else 8000
    assert audio["audio"] == pytest.approx(50 * 0.02 * rate * 2, abs=rate * 0.02)
    assert audio["ended"]


async def test_the_server_is_told_what_may_be_said(server):
    async with hearing_from(server) as hearing:
        await turn(hearing, "yes_no")
        await turn(hearing, "plate")
    yes_no, plate = (seen["opening"] for seen in server.seen)
    if server.protocol == "vosk":
        assert yes_no["sample_rate"] == 8000
        assert {"不 对", "不对", "没 错"} <= set(yes_no["phrase_list"])
        assert {"赣", "A", "a"} <= set(plate["phrase_list"])
    else:
        assert yes_no["mode"] == "2pass" and yes_no["itn"] is False
        assert "赣" in json.loads(plate["hotwords"]) and "A" not in json.loads(plate["hotwords"])


async def test_a_plate_is_read_out_of_text_with_an_unknown_probability(server):
    server.plan("赣 a 幺二三 四五" if server.protocol == "vosk" else "赣A12345")
    async with hearing_from(server) as hearing:
        stream = hearing.open("plate")
        stream.feed(FRAME * 50)
        result = await stream.finish()
        assert result.best.value == "赣A12345"
        assert result.best.complete
        assert result.best.probability is None


async def test_stretches_that_the_server_closes_in_between_are_one_answer(server):
    server.plan("没错对的", splits_at=2)
    async with hearing_from(server) as hearing:
        stream = hearing.open("yes_no")
        stream.feed(FRAME * 50)
        assert (await stream.finish()).hypotheses[0].text.replace("。", "").replace(" ", "") == "没错对的"


async def test_what_is_none_of_the_grammar_is_rejected(server):
    server.plan("今天天气真好")
    async with hearing_from(server) as hearing:
        assert await turn(hearing) == (None, pytest.approx(0, abs=1.0))


async def test_free_speech_is_its_own_value_and_the_embedded_recognizer_asks_again(server):
    server.plan("我要投诉")
    async with hearing_from(server, answer_timeout_s=0.6) as hearing:
        value, _ = await turn(hearing, "free")
        assert value.replace(" ", "").rstrip("。") == "我要投诉"
        server.plan("我要投诉", "is late")
        assert (await turn(hearing, "free"))[0] is None


async def test_after_a_look_the_turn_goes_on_and_all_of_it_is_heard(server):
    async with hearing_from(server) as hearing:
        stream = hearing.open("yes_no")
        for _ in range(30):
            stream.feed(FRAME)
        looking = asyncio.ensure_future(stream.look())
        await asyncio.sleep(0)
        for _ in range(5):
            stream.feed(FRAME)                 # frames keep coming while it looks
        assert (await looking).best.value == "yes"
        server.plan("不对")
        for _ in range(20):
            stream.feed(FRAME)
        assert (await stream.finish()).best.value == "no"
    rate = 16000 if server.protocol.startswith("funasr") else 8000
    assert server.seen[-1]["audio"] == pytest.approx(55 * 0.02 * rate * 2, abs=rate * 0.02)


BAD_ENDS = {
    "dies": "it hung up", "hangs up": "it hung up", "stalls": "no answer within", "is late": "no answer within",
    'says "<html>busy</html>"': "not JSON", 'says "[]"': "no JSON object", 'says "{\\"text\\": 5}"': "no usable 'text'",
    "refuses": "HTTP 503", "never connects": "no connection within",
}


@pytest.mark.parametrize("server", ["vosk", "funasr"], indirect=True)
@pytest.mark.parametrize("does", BAD_ENDS)
async def test_whatever_goes_wrong_the_same_turn_is_heard_by_the_embedded_recognizer(server, does, caplog):
    server.plan("对", does)
    async with hearing_from(server, answer_timeout_s=0.6, connect_timeout_s=0.5) as hearing:
        value, seconds = await turn(hearing, frames=60)
        assert value == f"embedded:{60 * 320}"
        assert seconds < 1.5
        await turn(hearing)                    # at once after: the server is left alone
        told, = warnings(caplog)
        assert BAD_ENDS[does] in told
        assert f"127.0.0.1:{server.port}" in told


async def test_a_server_that_is_away_delays_no_start_and_is_taken_up_when_it_comes(server, caplog):
    server.stop()
    now = [1000.0]
    async with hearing_from(server, clock=lambda: now[0]) as hearing:
        assert (await turn(hearing))[0].startswith("embedded:")
        server.start()
        assert (await turn(hearing))[0].startswith("embedded:")
        now[0] += FIRST_PAUSE_S
        assert (await turn(hearing))[0] == "yes"
        assert (await turn(hearing))[0] == "yes"
    away, back = warnings(caplog)
    assert "the embedded recognizer hears" in away
    assert "answers again" in back


async def test_a_server_killed_in_the_middle_of_a_look_costs_nothing(server):
    server.plan("对", "is late")
    async with hearing_from(server) as hearing:
        stream = hearing.open("yes_no")
        stream.feed(FRAME * 40)
        looking = asyncio.ensure_future(stream.look())
        await asyncio.sleep(0.3)
        server.process.send_signal(signal.SIGKILL)
        assert (await asyncio.wait_for(looking, 2)).best.value == f"embedded:{40 * 320}"
        stream.feed(FRAME * 10)
        assert (await asyncio.wait_for(stream.finish(), 2)).best.value == f"embedded:{50 * 320}"


async def test_a_turn_that_is_given_up_leaves_no_connection(server, monkeypatch):
    monkeypatch.setattr("asr.remote.session.ABANDONED_S", 0.3)
    async with hearing_from(server) as hearing:
        stream = hearing.open("yes_no")
        stream.feed(FRAME * 20)
        looking = asyncio.ensure_future(stream.look())
        await asyncio.sleep(0)
        looking.cancel()
        hearing.open("yes_no").feed(FRAME * 20)
        async with asyncio.timeout(5):
            while len(server.seen) < 1 or any(not seen["opening"] for seen in server.seen):
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)
        assert not [task for task in asyncio.all_tasks() if "Session" in repr(task)]


async def test_many_calls_at_once_each_get_their_own_answer(server):
    async with hearing_from(server) as hearing:
        answers = await asyncio.gather(*(turn(hearing, frames=20 + n) for n in range(20)))
        assert {value for value, _ in answers} == {"yes"}
    assert len(server.seen) == 20


def test_many_streams_that_fail_together_are_one_failure(caplog):
    now = [0.0]
    health = Health("ws://there", lambda: now[0])
    for _ in range(20):
        health.failed("it hung up")
    assert len(warnings(caplog)) == 1
    assert not health.may_try()
    now[0] = FIRST_PAUSE_S
    assert health.may_try()
    assert not health.may_try()                # one tries, the others wait for it
    health.failed("it hung up")
    now[0] += FIRST_PAUSE_S
    assert not health.may_try()                # the pause has doubled
    now[0] += FIRST_PAUSE_S
    assert health.may_try()


@pytest.mark.parametrize("url", ["", "10.0.0.5:2700", "http://10.0.0.5:2700", "ws://", "ws://host:port"])
def test_what_is_no_address_is_refused_in_one_sentence(url):
    with pytest.raises(AsrError, match="write .hearing. url like"):
        Server("funasr", url).check()


@contextlib.contextmanager
def encrypted(folder: Path):
    """A vosk-server behind TLS, with a certificate of its own making for another name, as FunASR's is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elsewhere")])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "server.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password))
    server = SpeechServer("vosk", folder, "--tls", str(folder))
    yield server
    server.stop()


@pytest.mark.parametrize("given", [True, False])
async def test_an_encrypted_server_is_trusted_by_its_certificate_alone(tmp_path, given, caplog):
    with encrypted(tmp_path) as server:
        settings = Server("vosk-server", f"wss://127.0.0.1:{server.port}", tmp_path / "server.pem" if given else None)
        async with RemoteHearing(settings, Embedded()) as hearing:
            value, _ = await turn(hearing)
    assert value == "yes" if given else value.startswith("embedded:")
    assert ("its certificate is not trusted" in caplog.text) is not given


def test_what_is_no_certificate_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "server.pem").write_text("no certificate")
    for name in ("server.pem", "nothing.pem"):
        with pytest.raises(AsrError, match="no certificate that can be read"):
            Server("funasr", "wss://127.0.0.1:1", tmp_path / name).check()


def test_a_password_in_the_address_is_not_shown():
    assert Server("funasr", "wss://u:secret@host:1").shown == "wss://host:1"
