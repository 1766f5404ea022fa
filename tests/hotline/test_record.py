"""`ivr record` calls volunteers on real phones: one who reads, is cut off and goes on; one who refuses."""

import contextlib
import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from service import ENVIRONMENT, IVR, ivr

from hotline.demo.phone import PROGRAM
from hotline.demo.world import free_udp_ports, free_udp_range
from hotline.errors import CannotRun
from hotline.recorder.headset import record_by_headset
from hotline.recorder.kit import Kit, Volunteer, spoken
from hotline.recorder.plates import made_up_plates
from hotline.recorder.prompts import RecorderPrompts
from hotline.recorder.take import Take
from plate_parser.rules import dialable
from tts import audio, caller_voice
from tts.errors import TtsError

FLOWS = Path(__file__).resolve().parents[2] / "flows"
VOICE, PLATES = "zf_xiaoyi", 3
QUIET_MS = 1200
"""Longer than a prompt's pauses: what comes after is the volunteer's turn."""
CALL_LIMIT_S = 120
YES, NO = "好的。", "不要。"
SIP_CONF = """\
[transport]
bind = 127.0.0.1
port = 0
[media]
codecs = alaw, ulaw
rtp_range = {first}-{last}
"""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def sip_conf(tmp_path_factory):
    """A line on loopback. The prompts are spoken here, so that no test has to wait for them."""
    try:
        RecorderPrompts(FLOWS / "prompts").speak_all()
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    first = free_udp_range(100)
    path = tmp_path_factory.mktemp("line") / "sip.conf"
    path.write_text(SIP_CONF.format(first=first, last=first + 99))
    return path


@pytest.fixture
def say(tmp_path):
    """Text or a plate → the WAV of a volunteer who says it."""
    def spoken_file(text: str) -> str:
        path = tmp_path / "said" / f"{text}.wav"
        if not path.exists():
            audio.write_file(path, caller_voice.say(text, VOICE))
        return str(path)
    return spoken_file


@contextlib.contextmanager
def volunteer(folder: Path, *steps: dict, answer: object = None):
    """A volunteer's phone in a process of its own; gives its SIP address."""
    [port] = free_udp_ports(1)
    script = {"mode": "wait", "port": port, "answer": answer or {"after_s": 0.2}, "wait_timeout_s": 60, "steps": list(steps)}
    path = folder / f"phone-{port}.json"
    path.write_text(json.dumps(script))
    process = subprocess.Popen([sys.executable, str(PROGRAM), "--script", str(path), "--json-events"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert '"ready"' in process.stdout.readline()
        yield f"sip:13912345678@127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def turns(*files: str) -> dict:
    return {"turns": {"files": files, "quiet_ms": QUIET_MS, "timeout_s": 40}}


def record(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*IVR, "record", *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True,
                          timeout=CALL_LIMIT_S)


def test_a_volunteer_who_is_cut_off_goes_on_later_and_the_kit_can_be_measured(tmp_path, sip_conf, say):
    kit = tmp_path / "kit"
    sheet = record(kit, "--sheet", "--speaker", "bailu", "--plates", PLATES)
    plates = [line.split()[1] for line in sheet.stdout.splitlines()]
    assert len(plates) == PLATES and all(map(dialable, plates))

    with volunteer(tmp_path, turns(say(YES), say(plates[0])), {"sleep": 2.5}, {"hangup": {}}) as address:
        cut_off = record(kit, "--call", address, "--speaker", "bailu", "--sip", sip_conf, "--json")
    report = json.loads(cut_off.stdout)
    assert cut_off.returncode == 1, cut_off.stderr
    assert report["results"] == [{"name": "bailu", "outcome": "unfinished"}]
    assert report["volunteers"] == [{"name": "bailu", "plates": PLATES, "done": 1}], cut_off.stderr

    with volunteer(tmp_path, turns(say(YES), *map(say, plates[1:])), {"wait_hangup": {"timeout_s": 30}}) as address:
        finished = record(kit, "--call", address, "--speaker", "bailu", "--sip", sip_conf, "--json")
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["volunteers"] == [{"name": "bailu", "plates": PLATES, "done": PLATES}]

    lines = [line.split("\t") for line in (kit / "recordings.tsv").read_text(encoding="utf-8").splitlines()]
    assert lines[0] == ["file", "text", "plate", "speaker", "seconds"]
    assert sorted(line[2] for line in lines[1:]) == sorted(plates) and {line[3] for line in lines[1:]} == {"bailu"}
    for file, text, plate, _, seconds in lines[1:]:
        said = audio.from_pcm(caller_voice.say(plate, VOICE))
        assert text == spoken(plate) and abs(float(seconds) - len(said) / 8000) < 1.2
    consent = json.loads((kit / "consent.json").read_text(encoding="utf-8"))
    assert [entry["consented"] for entry in consent["volunteers"]["bailu"]] == [True, True]
    assert_consent_was_recorded(kit / consent["volunteers"]["bailu"][0]["recording"])
    assert_no_number_is_kept(kit)

    measured = ivr("bench", "hear", kit, "--json", "--results", tmp_path / "kept.jsonl")
    figures = json.loads(measured.stdout)
    assert figures["files"] == PLATES and not figures["problems"] and figures["char_accuracy"] > 0.5, figures

    assert "3 recordings of bailu are deleted" in record(kit, "--forget", "bailu").stdout
    assert not list(kit.rglob("*.wav")) and json.loads((kit / "consent.json").read_text())["volunteers"] == {}


def assert_consent_was_recorded(path: Path) -> None:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32768
    volunteer_s, bot_s = (np.sum(np.abs(both[:, side]).reshape(-1)[: len(both) // 160 * 160].reshape(-1, 160).max(axis=1) > 0.02) / 50
                          for side in (0, 1))
    assert 0.2 < volunteer_s < 4 and bot_s > 6


def assert_no_number_is_kept(kit: Path) -> None:
    for path in kit.rglob("*"):
        if path.is_file():
            assert b"13912345678" not in path.read_bytes()


def test_who_refuses_is_thanked_and_nothing_of_them_is_kept(tmp_path, sip_conf, say):
    kit = tmp_path / "kit"
    with volunteer(tmp_path, turns(say(NO)), {"wait_hangup": {"timeout_s": 30}}) as address:
        refused = record(kit, "--call", address, "--sip", sip_conf, "--json")
    report = json.loads(refused.stdout)
    assert refused.returncode == 1 and [result["outcome"] for result in report["results"]] == ["refused"], refused.stderr
    assert report["volunteers"] == [] and not list(kit.rglob("*.wav"))
    assert json.loads((kit / "consent.json").read_text()) == {"volunteers": {}, "refused": 1}


def test_who_says_nothing_or_does_not_pick_up_is_not_recorded(tmp_path, sip_conf):
    kit = tmp_path / "kit"
    with volunteer(tmp_path, {"wait_hangup": {"timeout_s": 90}}) as silent, volunteer(tmp_path, answer="busy") as busy:
        done = record(kit, "--call", silent, "--call", busy, "--sip", sip_conf, "--json")
    outcomes = [result["outcome"] for result in json.loads(done.stdout)["results"]]
    assert outcomes == ["unclear", "unanswered"] and not list(kit.rglob("*.wav")), done.stderr


@pytest.mark.parametrize("arguments, hint", [
    (["--sheet"], "--sheet needs --speaker"),
    (["--call", "a", "--headset"], "choose one"),
    (["--call", "12345"], "--sip"),
    (["--home", "火星"], "write one such as 赣K"),
    (["--speaker", "王小明", "--sheet"], "no made-up name"),
    (["--forget", "nobody"], "no volunteer nobody"),
    (["--call", "sip:x@127.0.0.1", "--sip", "missing.conf"], "missing.conf"),
])
def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path, arguments, hint):
    done = record(tmp_path / "kit", *arguments)
    assert done.returncode == 2 and hint in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_headset_that_is_not_there_is_said_in_a_sentence(tmp_path):
    done = record(tmp_path / "kit", "--headset")
    assert done.returncode == 2 and "headset" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_two_programs_do_not_record_into_one_kit(tmp_path):
    with Kit(tmp_path / "kit"):
        with pytest.raises(CannotRun, match="another program"):
            Kit(tmp_path / "kit").__enter__()


def test_a_kit_whose_recording_was_lost_asks_for_it_again(tmp_path):
    with Kit(tmp_path) as kit:
        reader = kit.volunteer(None, 4, "赣K")
        for number, plate in reader.pending[:2]:
            path = kit.keep(reader, number, plate, bytes(32000), 8000)
    path.unlink()
    with Kit(tmp_path) as kit:
        assert [number for number, _ in kit.volunteer(reader.name, 9, "赣K").pending] == [2, 3, 4]
        assert kit.volunteer(None, 4, "赣K").name != reader.name


def test_over_a_kit_every_letter_and_digit_is_read_about_equally_often():
    import random

    plates: list[str] = []
    for number in range(12):
        plates += made_up_plates(20, "赣K", plates, random.Random(number))
    counts = {sign: sum(plate[2:].count(sign) for plate in plates) for sign in "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"}
    assert len(set(plates)) == 240 and all(map(dialable, plates))
    assert min(counts[c] for c in "ABCDEFGHJKLMNPQRSTUVWXYZ") >= 6 and max(counts[c] for c in "0123456789") < 1.2 * counts["5"]
    assert 0.5 < sum(plate.startswith("赣K") for plate in plates) / 240 < 0.7


class FakeHeadset:
    """Stands for sounddevice: a microphone that plays given PCM, then silence."""

    class PortAudioError(Exception):
        pass

    def __init__(self, *sounds: bytes):
        self._sounds = list(sounds)

    def check_input_settings(self, **_: object) -> None:
        pass

    @contextlib.contextmanager
    def RawInputStream(self, **_: object):  # noqa: N802
        self._now = bytes(16000) + (self._sounds.pop(0) if self._sounds else b"")
        yield self

    def read(self, frames: int):
        block, self._now = self._now[: 2 * frames], self._now[2 * frames:]
        return block.ljust(2 * frames, b"\0"), False


def test_a_headset_reader_is_recorded_at_16_khz(tmp_path, say, monkeypatch):
    import soxr

    narrow = np.frombuffer(caller_voice.say("赣KD56789", VOICE), "<i2").astype(np.float32)
    wide = soxr.resample(narrow, 8000, 16000).astype("<i2").tobytes()
    monkeypatch.setitem(sys.modules, "sounddevice", FakeHeadset(wide, wide, b"", wide))
    shown: list[str] = []
    with Kit(tmp_path / "kit") as kit:
        reader = kit.volunteer("yanzi", 2, "赣K")
        assert record_by_headset(kit, reader, shown.append, lambda _: True) == "done"
        assert record_by_headset(kit, Volunteer("x", ["赣K12345"]), shown.append, lambda _: False) == "refused"
    with wave.open(str(tmp_path / "kit" / "audio" / "yanzi-02.wav")) as file:
        assert file.getframerate() == 16000 and abs(file.getnframes() / 16000 - len(wide) / 32000) < 0.9
    assert "nothing was heard" in shown and any(reader.plates[1] in line for line in shown)


def test_a_reading_is_judged_by_its_speech():
    speech = caller_voice.say("赣KD56789", VOICE)
    verdicts = {}
    for name, pcm in {"good": bytes(8000) + speech, "early": caller_voice.say("赣KD56789", "zm_yunxi")[6000:], "short": bytes(8000) + speech[8000:14000],
                      "silent": b""}.items():
        take = Take(8000)
        for start in range(0, len(pcm) + 320 * 1000, 320):
            take.feed(pcm[start: start + 320].ljust(320, b"\0"))
            if take.done:
                break
        verdicts[name] = take.verdict
    assert verdicts == {name: name for name in verdicts}
