"""A call with word later, as it was logged and recorded, becomes a fixture that is lived through to the call back."""

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from hotline.desk.recording import interleave
from hotline.owners.call import owner_recording
from hotline.replay.adopt import Adopted, _Adopting
from hotline.replay.house import House
from hotline.replay.replay import replay_fixture
from hotline.storage.store import Case
from ivr.replay.fixture import load
from ivr.replay.result import CALL_BACK, Replayed
from tts import audio

ROOT = Path(__file__).resolve().parents[2]
CONVERSATIONS = Path(__file__).parent / "conversations"
NUMBER_SAID = """
about: the owner is busy first; the caller, called back, says a telephone number
phone: mobile
texts: sent
register: [赣KD56789]
attempts: 2
hold_s: 1
turns:
  - {on: welcome, say: 赣KD56789}
  - {on: readback, say: 对，没错。}
  - {on: offer_call_or_text, say: 打电话吧。}
owner: [{before: [busy], turns: [{on: owner_greeting, say: 好的，我马上来。}]}]
call_back: [{turns: [{on: call_back_anything, say: 我的电话是一三九零零一二三四五六。}, {on: call_back_anything, say: 没有了。}]}]
expect: {outcome: goes-on, promise: kept, owner: {outcome: coming}}
"""


@pytest.fixture(scope="module")
def house() -> House:
    return House(ROOT / "flows")


def adopted(lived: Replayed, house: House, folder: Path) -> Adopted:
    """What is adopted of a replay: its log and its sound, as production would have kept them."""
    seq = next(event.details["seq"] for event in lived.events if event.kind == "call_back")
    rung = [event.details["seq"] for event in lived.events if event.kind == "attempt"]
    answered = [event for event in lived.events if event.side == "owner" and event.kind in ("answered", "unreached")]
    owners = iter(owner_recording(at) for at, event in zip(rung, answered) if event.kind == "answered")
    for track in lived.tracks:
        name = {"caller": "caller", CALL_BACK: f"call-back-{seq}"}.get(track.side) or next(owners)
        both = interleave(track.received, track.sent)
        soundfile.write(folder / f"it-{name}.wav", audio.from_pcm(both).reshape(-1, 2), 8000, subtype="PCM_16")
    log = [replace(event, side="caller" if event.side == CALL_BACK else event.side) for event in lived.events]
    case = Case(id="it", outcome=lived.outcome, reason=lived.reason)
    return _Adopting(case, log, folder, folder / "fixture", house, False).write()


def test_a_call_back_is_adopted_with_all_that_led_to_it(house, tmp_path):
    fixture = load(adopted(replay_fixture(house, load(CONVERSATIONS / "word-by-a-call")), house, tmp_path).folder)
    assert len(fixture.owner) == 1 and len(fixture.owner[0].turns) == 2 and fixture.attempts == 2
    [back] = fixture.call_back
    assert back.turns[0].audio and fixture.expected.promise == "kept"
    assert fixture.call_back_expected.states == ("outcome", "coming", "anything_else", "bye")
    assert not replay_fixture(house, fixture).mismatches


def test_a_number_said_when_called_back_is_not_kept_and_an_owner_who_was_busy_first_is_again(house, tmp_path):
    (tmp_path / "said").mkdir()
    (tmp_path / "said" / "expect.yaml").write_text(NUMBER_SAID, encoding="utf-8")
    done = adopted(replay_fixture(house, load(tmp_path / "said")), house, tmp_path)
    fixture = load(done.folder)
    assert fixture.owner[0].before == ("busy",) and fixture.hold_s == 1
    assert done.numbers_masked == 1 and "三九零零" not in (done.folder / "expect.yaml").read_text("utf-8")
    assert not replay_fixture(house, fixture).mismatches
