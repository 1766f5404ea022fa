"""Whole conversations with the bot on virtual time: keys, corrections, asides, and callers who struggle."""

from pathlib import Path

import pytest

from hotline.desk.known_callers import KnownCallers
from hotline.replay.house import House
from hotline.replay.replay import replay_fixture
from ivr.replay.fixture import Expected, Fixture, Script, Turn
from tts.errors import TtsError

FLOWS = Path(__file__).resolve().parents[2] / "flows"
PLATE = "赣K12345"
YES = "对，没错。"
OWNER = Script(turns=(Turn(number=1, on="owner_greeting", says=("好的，我马上来。",)),))
NOT_A_PLATE = "今天天气真好，我想去公园里走一走。"


@pytest.fixture(scope="module")
def house():
    return House(FLOWS)


def talk(house, *turns, owner=True):
    """The replay of a caller who answers prompts: (prompt, words), or keys as `keys 3652`."""
    script = []
    for number, (on, says, *after_ms) in enumerate(turns, 1):
        keys = says.removeprefix("keys ") if says.startswith("keys ") else ""
        script.append(Turn(number=number, on=on, says=() if keys else (says,), keys=keys, after_ms=(after_ms or [400])[0]))
    try:
        return replay_fixture(house, Fixture("dialogue", FLOWS, "", Script(tuple(script)), (OWNER,) if owner else (),
                                    Expected(), Expected(), register=(PLATE,)))
    except TtsError as error:
        pytest.skip(str(error))


def read_back(replayed):
    return [event.details["plate"] for event in replayed.of("caller", "matched")]


def prompts(replayed):
    return [event.details["prompt"] for event in replayed.of("caller", "said")]


def asides(replayed):
    return [event.details["what"] for event in replayed.of("caller", "aside")]


CORRECTIONS = {
    "in one breath": [("readback", "不对，第六位是四。")],
    "when asked": [("readback", "不对。"), ("correction_prompt", "第六位是四。")],
    "without a no": [("readback", "第六位是四。")],
    "the whole plate": [("readback", "不对，是赣K12345。")],
}


@pytest.mark.parametrize("way", CORRECTIONS)
def test_a_plate_that_was_said_wrong_is_corrected_and_its_owner_called(house, way):
    replayed = talk(house, ("welcome", "赣K12375"), *CORRECTIONS[way], ("readback_changed", YES))
    assert replayed.outcome == "coming" and read_back(replayed)[-1] == PLATE
    said = prompts(replayed)
    assert said[said.index("calling_owner") - 1] == "readback_changed"


KEYED = {
    "in one go": [("welcome", "keys 365212345#"), ("readback_keyed", "keys 1")],
    "step by step": [("welcome", "keys 3"), ("key_region_3", "keys 6"), ("key_letter", "keys 52"),
                     ("key_serial", "keys 12346*5#"), ("readback_keyed", YES)],
    "after its beginning was said": [("welcome", "江西的赣，K。"), ("rest_of_plate", "keys 12345#"), ("readback_keyed", YES)],
}


@pytest.mark.parametrize("way", KEYED)
def test_a_plate_is_keyed(house, way):
    replayed = talk(house, *KEYED[way])
    assert replayed.outcome == "coming" and read_back(replayed) == [PLATE]


def test_a_code_that_is_none_is_said_and_keyed_again(house):
    replayed = talk(house, ("welcome", "keys 99"), ("key_province_wrong", "keys 3652"), ("key_serial", "keys 12345#"),
                    ("readback_keyed", YES))
    assert replayed.outcome == "coming"
    assert replayed.of("caller", "wrong_keys")[0].details["what"].startswith("keys 9")


@pytest.mark.parametrize("asked", ["welcome", "readback"])
def test_key_0_is_a_person_where_nothing_was_keyed(house, asked):
    turns = [("welcome", PLATE)] if asked == "readback" else []
    replayed = talk(house, *turns, (asked, "keys 0"), owner=False)
    assert (replayed.outcome, replayed.reason) == ("person", "asked")


def test_what_is_said_in_passing_is_answered_and_the_question_stands(house):
    replayed = talk(house, ("welcome", "你是机器人吗？"), ("short_plate", "等一下。"), ("wait_ok", PLATE, 12_000),
                    ("readback", "神经病。"), ("readback_short", YES))
    assert replayed.outcome == "coming" and asides(replayed) == ["robot", "wait", "curse"]
    assert not [prompt for prompt in prompts(replayed) if prompt.startswith("no_input")]


def test_an_old_caller_who_copes_is_spoken_to_gently_and_served(house):
    replayed = talk(house, ("welcome", "我年纪大了。"), ("short_plate", PLATE), ("readback", YES))
    assert replayed.outcome == "coming"
    assert "车牌是，赣K12345，对不对？" in [event.details["text"] for event in replayed.of("caller", "said")]


def test_an_old_caller_who_does_not_cope_gets_a_person_who_is_told_why(house):
    replayed = talk(house, ("welcome", "我年纪大了。"), ("short_plate", "我年纪大了，不会弄。"), owner=False)
    assert (replayed.outcome, replayed.reason) == ("person", "struggling")
    assert replayed.of("caller", "seat_called")[0].details["signals"] == "said_elderly 2"


LADDERS = {
    "silent": ([], "silent", ["welcome", "no_input", "no_input_short", "keys_offer", "transfer_person"]),
    "unclear": ([(prompt, NOT_A_PLATE) for prompt in ("welcome", "ask_plate_again", "ask_plate_example", "keys_offer")],
                "unclear", ["welcome", "ask_plate_again", "ask_plate_example", "keys_offer", "transfer_person"]),
}


@pytest.mark.parametrize("caller", LADDERS)
def test_who_is_not_understood_is_asked_shorter_by_example_by_keys_and_then_by_a_person(house, caller):
    turns, reason, said = LADDERS[caller]
    replayed = talk(house, *turns, owner=False)
    assert (replayed.outcome, replayed.reason) == ("person", reason) and prompts(replayed) == said


def test_three_denials_are_enough(house):
    replayed = talk(house, ("welcome", PLATE), ("readback", "不对。"), ("correction_prompt", "第六位是八。"),
                    ("readback_changed", "不对。"), ("correction_again", "第七位是八。"), ("readback_changed", "不对。"),
                    ("readback_again", "不对。"), owner=False)
    assert (replayed.outcome, replayed.reason) == ("person", "unclear")
    assert len(set(read_back(replayed))) == len(read_back(replayed)) <= 3


def test_who_needs_patience_is_known_by_number_or_by_the_trunks_header(tmp_path):
    numbers = tmp_path / "elderly.txt"
    numbers.write_text("# since 2026\n139-0000-0001\n\n+86 13900000002  # Mrs Li\n")
    known = KnownCallers.load(numbers, "X-Elderly")
    assert known.signals("13900000001", {}) == known.signals("+8613900000002", {}) == ["listed"]
    assert known.signals("13900000003", {"x-elderly": "yes"}) == ["trunk_header"]
    assert known.signals("", {"X-Elderly": "no"}) == []
