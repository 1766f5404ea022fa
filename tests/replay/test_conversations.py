"""The project's own conversations, ordinary and ugly, come to what they should through the true hearing and flows.

Their people are synthetic voices that the recognizer was never trained on, kept beside them as Opus.
"""

from pathlib import Path

import pytest

from asr.training.voices import HELD_OUT
from hotline.replay.suite import replay_all, speed
from ivr.flow.load import load_flow
from ivr.replay.fixture import find, load
from ivr.replay.result import CALL_BACK
from ivr.replay.sound import kept_path

pytestmark = pytest.mark.timeout(600)  # the first test waits for all of them
FLOWS = Path(__file__).resolve().parents[2] / "flows"
FOLDERS = find([Path(__file__).parent / "conversations"])
AT_LEAST = 60


@pytest.fixture(scope="module")
def results():
    return {result.name: result for result in replay_all(FOLDERS, FLOWS, jobs=2)}


@pytest.mark.parametrize("name", [folder.name for folder in FOLDERS])
def test_the_conversation_comes_to_what_it_should(name, results):
    assert not results[name].mismatches, "\n".join(map(str, results[name].mismatches))


@pytest.mark.parametrize("side, flow", [("caller", "move_car_inbound"), ("owner", "move_car_outbound"),
                                        (CALL_BACK, "move_car_call_back")])
def test_every_ending_of_the_flow_is_among_them(side, flow, results):
    loaded = load_flow(FLOWS / f"{flow}.yaml")
    endings = {state.name for each in (loaded, *loaded.subflows.values()) for state in each.states.values() if state.end}
    reached = {event.details["name"] for result in results.values() for event in result.of(side, "state")}
    if any(result.of(side, "hung_up") for result in results.values()):
        reached.add(loaded.always["hang_up"])       # followed when the call is over: no state of it is entered
    assert endings - reached == set()


def test_sixty_conversations_and_more_replay_far_faster_than_real_time(results):
    assert len(results) >= AT_LEAST
    assert speed(list(results.values())) >= 20


def test_their_voices_were_not_trained_on_and_are_kept_beside_them():
    said = [(part, turn, script, fixture) for fixture in map(load, FOLDERS)
            for script in fixture.scripts for turn in script.turns
            for part in turn.says if isinstance(part, str)]
    assert {turn.voice or script.voice for _, turn, script, _ in said} <= set(HELD_OUT)
    assert [part for part, *rest in said if not kept_path(part, *rest).is_file()] == []
