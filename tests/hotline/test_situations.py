"""What callers say instead of a plate: each has an answer of its own, and none is "not understood"."""

import pytest
from typed import call

ANSWERS = {
    "of the car": {"我不知道车牌": "go_and_look", "车牌看不清": "look_closer", "是外地车": "any_province", "有两辆车": "one_by_one"},
    "of themselves": {"叔叔你好": "fetch_adult", "谢谢": "you_are_welcome", "我年纪大了": "slowly", "等一下": "wait_ok",
                      "赣K一二，等一下": "wait_ok_again"},
    "of other matters": {"我要投诉，楼上噪音太大": "only_cars", "帮我报警，有人打架": "call_the_police"},
    "of the bot": {"你是机器人吗": "robot_yes", "神经病": "calm", "喂": "i_am_here", "再说一遍": "asked_again"},
}


@pytest.mark.parametrize("subject", ANSWERS)
def test_what_is_said_in_passing_is_answered_and_the_plate_can_be_said_after_it(subject):
    told = call(*ANSWERS[subject], "赣KA1234")
    answers = [prompt for prompt in told.prompts if not prompt.startswith("short_plate")]
    assert answers == ["welcome", *ANSWERS[subject].values(), "readback"]
    assert "no_match" not in told.of("heard", "how")


def test_who_laughs_is_listened_to_without_a_word():
    told = call("哈哈哈", "赣KA1234")
    assert told.prompts == ["welcome", "readback"] and told.of("aside", "what") == ["laugh"]


def test_other_peoples_talk_is_no_answer_but_a_short_one_is_asked_for_again():
    assert call("今天天气真好我们去公园走一走吧").prompts[:2] == ["welcome", "ask_plate_again"]


@pytest.mark.parametrize("said, answer, outcome", [
    (["算了不用了"], "不用了", "cancelled"), (["赣KA1234", "车已经挪走了"], "#1", "cancelled"), (["再见"], "对", "cancelled"),
    (["赣KA1234", "不用了"], "还要挪", "caller-hung-up"), (["谢谢再见"], "#2", "caller-hung-up"),
])
def test_a_request_is_dropped_only_when_that_was_agreed_to(said, answer, outcome):
    told = call(*said, answer)
    assert told.ended.outcome == outcome and told.states.count("no_longer") == 1
    assert told.prompts[-1] == ("cancelled" if outcome == "cancelled" else "asked_again")


def test_who_never_finds_the_plate_gets_a_person_who_is_told_why():
    told = call("我不知道车牌", "看不清", "还是不知道", "我不知道")
    assert (told.ended.outcome, told.ended.reason) == ("person", "no-plate")
    assert told.prompts[1:3] == ["go_and_look", "look_closer"]


@pytest.mark.parametrize("said, reason", [
    (["我要投诉", "我要投诉"], "other-matter"), (["报警", "报警", "报警"], "other-matter"), (["滚", "神经病"], "upset"),
    (["你是机器人吗", "你是真人吗", "机器人"], "no-robot"),
])
def test_the_seat_is_told_why_a_person_was_needed_whom_nobody_asked_for(said, reason):
    assert (told := call(*said)).ended.reason == reason and told.ended.outcome == "person"


@pytest.mark.parametrize("plate", ["赣K1234挂", "使224578", "赣K1234警", "赣A5678学", "粤ZA123港"])
def test_a_plate_whose_owner_only_people_ring_is_theirs_at_once(plate):
    told = call(plate)
    assert (told.ended.outcome, told.ended.reason) == ("person", "special-plate") and "read_back" not in told.states


@pytest.mark.parametrize("said, reason", [("没有车牌", "no-plate"), ("我不会说中文", "foreign")])
def test_what_no_bot_can_do_is_a_persons_at_once(said, reason):
    assert (told := call(said)).ended.reason == reason and told.ended.outcome == "person"


def test_a_plate_and_its_yes_in_one_breath_is_still_read_back():
    told = call("赣KA1234对", "对")
    assert told.texts[1] == "您说的是赣KA1234，对吗？" and "calling_owner" in told.prompts

