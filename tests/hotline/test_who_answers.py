"""Calls to owners over SIP: announcements before the answer, machines after it, and a person who is not kept waiting."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from house import phone

from asr.free_speech.transcriber import Transcriber
from asr.pool import RecognizerPool
from dialer.answer.second_ear import SecondEar
from dialer.vault.supervise import VaultProcess
from hotline.bench.answers import sounds
from hotline.demo.made_up_vault import make_vault
from hotline.demo.world import free_udp_ports
from hotline.desk.desk import Desk
from hotline.flows import load_checked_flow
from hotline.owners.call import call_number
from tts import caller_voice
from tts.audio import to_pcm, write_file
from tts.errors import TtsError
from tts.prompts import PromptLibrary

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
FLOWS = Path(__file__).resolve().parents[2] / "flows"
PLATE = "赣KD56789"
VOICE = "zf_xiaobei"
WAIT = {"mode": "wait", "wait_timeout_s": 60}


class Owners:
    """A vault with one owner's number, and calls to whatever has that number."""

    def __init__(self, folder: Path, port: int, desk: Desk):
        self._folder, self._port, self._desk = folder, port, desk

    async def call(self, name: str, script: dict) -> tuple[str, list[tuple[str, dict]]]:
        """What came of one call, and its log."""
        log: list[tuple[str, dict]] = []
        match = await self._desk.vault.match(f"case-{name}", [(PLATE, 1.0)])
        async with phone({**WAIT, "port": self._port, **script}, self._folder / f"{name}.wav"):
            answer = await call_number(self._desk, f"case-{name}", match.token, PLATE,
                                       lambda kind, **details: log.append((kind, details)), asyncio.Event())
        return answer.outcome, log

    def sound(self, name: str, *parts: np.ndarray | str) -> str:
        """A WAV of sentences and of 16 kHz sounds, one after the other."""
        path = self._folder / f"sound-{name}.wav"
        pcm = b"".join(caller_voice.say(part, VOICE) if isinstance(part, str) else to_pcm(part[::2]) for part in parts)
        write_file(path, pcm)
        return str(path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owners(tmp_path_factory):
    folder = tmp_path_factory.mktemp("owners")
    [port] = free_udp_ports(1)
    config, _ = make_vault(folder / "vault", port, pinned={PLATE: "00010000001"})
    voice = PromptLibrary.load(FLOWS / "prompts")
    flow = load_checked_flow(FLOWS / "move_car_outbound.yaml", voice)
    try:
        caller_voice.say("喂。", VOICE)
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    async with (RecognizerPool(1) as ears, VaultProcess(config, folder / "vault.sock") as vault,
                SecondEar(lambda: Transcriber(budget_s=30, options={"nice": 0})) as second_ear):
        await second_ear.written(bytes(320))    # it is there before the first call
        yield Owners(folder, port, Desk(vault, None, voice, ears, flow, folder, 40, second_ear=second_ear))


def who(log) -> list[str]:
    return [details["who"] for kind, details in log if kind == "who"]


def said(log) -> list[str]:
    return [details["prompt"] for kind, details in log if kind == "said"]


async def test_an_announcement_before_the_answer_says_more_than_the_code_that_follows(owners):
    heard = owners.sound("empty", "对不起，您拨打的号码是空号，请核对后再拨。", sounds.rest(3.0))
    outcome, log = await owners.call("empty", {"answer": {"announce": heard, "then": 480}})
    assert (outcome, who(log)[-1]) == ("no-such-number", "no-such-number")
    assert not said(log) and not any(kind == "answered" for kind, _ in log)


async def test_a_voicemail_that_answers_is_left_one_message_after_its_beep(owners):
    greeting = owners.sound("voicemail", "您好，这里是语音信箱，请在提示音后留言。", sounds.rest(0.4),
                            sounds.tone(1000, 0.5), sounds.rest(0.5))
    outcome, log = await owners.call("voicemail", {
        "answer": {"after_s": 0.2}, "say_on_answer": greeting, "steps": [{"wait_hangup": {}}]})
    assert outcome == "voicemail" and who(log)[-1] == "voicemail"
    assert said(log)[0] == "owner_greeting" and said(log)[-1] == "owner_message"


async def test_an_assistant_whose_wording_is_in_no_grammar_is_told_by_what_was_written_down(owners):
    greeting = owners.sound("assistant", "您好，这里是智能代接服务，请说出您的来意，我会及时通知机主。", sounds.rest(6.0))
    outcome, log = await owners.call("assistant", {
        "answer": {"after_s": 0.2}, "say_on_answer": greeting, "steps": [{"wait_hangup": {}}]})
    assert outcome == "assistant" and who(log)[-1] == "assistant"
    assert said(log)[-1] == "owner_message"


async def test_a_fax_machine_ends_the_attempt_for_this_number(owners):
    tone = owners.sound("fax", sounds.rest(0.5), sounds.tone(2100, 3.0), sounds.rest(1.0))
    outcome, log = await owners.call("fax", {
        "answer": {"after_s": 0.2}, "say_on_answer": tone, "steps": [{"wait_hangup": {}}]})
    assert outcome == "fax" and said(log)[-1] == "owner_greeting"


async def test_a_person_is_greeted_at_once_and_heard_to_the_end(owners):
    hello, coming = owners.sound("hello", "喂，你好。"), owners.sound("coming", "好的，我马上来。")
    outcome, log = await owners.call("person", {
        "answer": {"after_s": 0.2}, "say_on_answer": hello,
        "steps": [{"wait_speech_end": {"quiet_ms": 700}}, {"play": coming}, {"wait_hangup": {}}]})
    assert outcome == "coming"
    assert all(verdict in ("person", "ringing") for verdict in who(log))
    kinds = [kind for kind, _ in log]
    assert "who" not in kinds[kinds.index("answered"):kinds.index("said")], "nothing is waited for before the greeting"
