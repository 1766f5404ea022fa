"""A caller on hold takes the plate back: the wrong owner's phone falls silent, and the right one's rings."""

import pytest
from typed import call

PLATE, RIGHT = "赣KA1234", "赣KD1234"
REGISTER = (PLATE, RIGHT)
PROTESTS = ("车牌错了", "不是这辆车", "打错了", "停停停，别打了", "我说错车牌了", "不对不对", "不是A是D", "不是赣KA1234，是赣KD1234")


def on_hold(*lines, owner="no-answer", **situation):
    return call(PLATE, "对", *lines, owner=owner, register=REGISTER, **situation)


def owner_did(told, kind):
    return [details for side, each, details in told.log if (side, each) == ("owner", kind)]


@pytest.mark.parametrize("protest", PROTESTS)
def test_a_protest_on_hold_is_asked_about_and_never_passed_on(protest):
    told = on_hold(f"hold: {protest}")
    assert told.states[-1] == ("stop" if protest == "停停停，别打了" else "wrong_car")
    assert not told.of("words", "into")


@pytest.mark.parametrize("place", ["停在三栋二单元楼下", "就在地下车库B区"])
def test_where_the_car_stands_is_passed_on_as_ever(place):
    told = on_hold(f"hold: {place}")
    assert told.of("words", "into") == ["words"] and "wrong_car" not in told.states


@pytest.mark.parametrize("sure", [("车牌错了",), ("不对", "#1")])
def test_the_phone_falls_silent_and_the_right_owner_is_called(sure):
    told = on_hold("hold: 车牌错了", *sure, RIGHT, "对")
    assert owner_did(told, "stopped_ringing") and [each["tail"] for each in owner_did(told, "dialled")] == ["000", "001"]
    assert "好的，不找这辆车了。请重新说车牌号。" in told.texts and f"好的，是{RIGHT}，对吗？" in told.texts
    assert told.ended.outcome == "no-answer" and told.ended.values["plate"] == RIGHT


def test_the_right_plate_may_be_said_with_the_yes():
    told = on_hold("hold: 车牌错了", "对，不是A是D", "对")
    assert f"好的，是{RIGHT}，对吗？" in told.texts and len(owner_did(told, "dialled")) == 2


def test_a_plate_that_was_taken_back_is_not_read_back_again():
    told = on_hold("hold: 车牌错了", "对", PLATE)
    assert not [text for text in told.texts[3:] if PLATE in text]


def test_who_has_not_meant_it_waits_on():
    told = on_hold("hold: 车牌错了", "没有错，继续打")
    assert "hold_on_calling" in told.states and not owner_did(told, "stopped_ringing") and len(owner_did(told, "dialled")) == 1


def test_who_says_nothing_to_the_question_waits_on():
    told = on_hold("hold: 车牌错了", "", "")
    assert told.ended.outcome == "no-answer" and not owner_did(told, "stopped_ringing")


@pytest.mark.parametrize("said", ["车牌错了", "车已经开走了"])
def test_who_hangs_up_at_the_question_is_taken_at_their_word(said):
    told = on_hold(f"hold: {said}", "hang up")
    assert told.of("owner_call_withdrawn", "request", "desk") == ["cancelled"]
    assert told.ended.outcome == ("moved" if said == "车已经开走了" else "cancelled")


@pytest.mark.parametrize("said, ends", [("不用挪了", "cancelled"), ("继续打", "no-answer")])
def test_who_says_only_that_nobody_shall_be_called_is_asked_why(said, ends):
    told = on_hold("hold: 别打了", said)
    assert told.texts[4] == "是车牌号说错了，还是不用挪了？"
    assert told.ended.outcome == ends and bool(owner_did(told, "stopped_ringing")) == (ends == "cancelled")


def test_words_of_where_the_first_car_stood_are_said_to_nobody_else():
    told = on_hold("hold: 在楼下", "hold: 车牌错了", "对", RIGHT, "对")
    assert [side for side, kind, details in told.log if kind == "did" and details["action"] == "tell_owner"] == ["caller"]
    assert told.texts.count("请用一句话说，车停在哪里。") == 2
