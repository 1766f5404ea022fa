"""不对, again and again: whatever lies between, a person helps after the third."""

import random

import pytest
from typed import Told, call, loaded

from hotline.replay.flow_run import Situation

ALIKE = ("赣KA1234", "赣KAE234", "赣KA1236")
DENIALS = ("不对", "不对不对", "都不是")
SAID_BETWEEN = ("赣KA1234", "赣KA1236", "赣K12345", "第三位是B", "第十二位是六", "再说一遍")


@pytest.mark.parametrize("lines", [
    ("赣KA1234", "不对", "不对", "不对"),
    ("赣KA1236", "不对", "第六位是八", "不对", "第七位是八", "不对"),
    ("赣KA1236", "不对", "再说一遍", "不对", "赣K12345", "不对"),
    ("赣KA1236", "对，不对不对", "错了", "不对不对"),
])
def test_the_third_denial_leads_to_a_person(lines):
    told = call(*lines, register=ALIKE)
    assert (told.ended.outcome, told.ended.reason) == ("person", "unclear")


def test_what_is_denied_before_any_plate_was_heard_is_no_round():
    assert call("不对", "赣KA1236", "不对", "不对", register=ALIKE).states[-1] == "which"


@pytest.mark.parametrize("seed", range(8))
def test_who_only_denies_is_with_a_person_after_the_third_whatever_lies_between(seed):
    told = denying(random.Random(seed))
    assert told.ended.outcome == "person"
    heard = [details for _, kind, details in told.log if kind == "heard"]
    assert sum(each["value"] == "no" for each in heard) <= 3, told.states


def denying(chance: random.Random) -> Told:
    """A call in which a plate is said, and then mostly 不对."""
    told = Told()

    def ask(_side: str, state: str) -> str:
        if state == "welcome":
            return "赣KA1234"
        between = [each for each in SAID_BETWEEN if each not in told.texts[-1]]
        return chance.choice(DENIALS if chance.random() < 0.6 else between)

    told.ended = loaded("move_car_inbound").call(
        Situation(register=ALIKE), ask, lambda side, kind, **details: told.log.append((side, kind, details)))
    return told


@pytest.mark.parametrize("asked", ["对吗", "是吗", "对不对", "是不是", "确定吗"])
def test_a_question_back_is_no_yes_and_hears_the_plate_again(asked):
    told = call("赣KA1236", asked, register=ALIKE)
    assert told.prompts[-2:] == ["readback", "readback_again"]


@pytest.mark.parametrize("said, read_back", [
    ("不对不对，是赣KD5678", "赣KD5678"), ("错了错了，是赣KA1234", "赣KA1234"), ("不是不是，是赣KD5678", "赣KD5678"),
    ("不对不对，最后一位是四", "赣KA1234"), ("最后一个不是六是四", "赣KA1234"),
])
def test_a_doubled_denial_and_what_is_right_are_taken_in_one_breath(said, read_back):
    told = call("赣KA1236", said, register=("赣KA1236", "赣KD5678"))
    assert told.texts[-1] == f"好的，是{read_back}，对吗？"
    assert call("赣KA1236", "不对", said, register=("赣KA1236", "赣KD5678")).texts[-1].count(read_back)
