"""A day of requests: people who answer by themselves, and what is counted of them."""

import random
from pathlib import Path

import pytest

from hotline.bench.day.figures import figures, told
from hotline.bench.day.live import Lived
from hotline.bench.day.live import lived as live_day
from hotline.bench.day.people import CallersMind, Manner, OwnersMind, read_in
from hotline.bench.day.requests import Request, requests
from hotline.demo.people import Cast
from ivr.replay.fixture import LineSound

FLOWS = Path(__file__).resolve().parents[2] / "flows"
PLATE = "赣K159HJ"
MANNER = Manner("zm_yunxi", 1.0, 0.5)


@pytest.fixture
def spoken(monkeypatch) -> list[str]:
    """What people said, instead of its sound."""
    words: list[str] = []

    def keep(text, *_):
        words.append(text)
        return text.encode()

    monkeypatch.setattr("hotline.bench.day.people.say", keep)
    monkeypatch.setattr("hotline.bench.day.people.say_phonemes", keep)
    return words


def caller(plate: str = PLATE, kind: str = "ordinary") -> CallersMind:
    return CallersMind(Cast(plate, kind, "coming"), MANNER, random.Random(1))


def test_a_caller_calls_their_own_plate_right_and_another_wrong(spoken):
    mind = caller()
    mind.answer("readback", "您说的是赣K158HJ，对吗？")
    mind.answer("readback_changed", "好的，是赣K159HJ，对吗？")
    assert spoken == ["不对。", "对，没错。"]
    assert mind.agreed == PLATE


def test_a_caller_who_is_asked_shortly_still_knows_what_was_read(spoken):
    mind = caller()
    mind.answer("readback", "您说的是赣K158HJ，对吗？")
    mind.answer("yes_no_again", "车牌号是对的，请说“对”。不对，请说“不对”。")
    assert spoken == ["不对。", "不对。"] and mind.agreed == ""


def test_a_caller_who_is_asked_which_of_two_names_their_own_or_neither(spoken):
    mind = caller()
    assert mind.answer("ask_which", "第六位，是H，还是8？")
    assert spoken.pop() != "都不是。"
    mind.answer("ask_which_again", "H请按一，8请按二。都不是，请说不是。")
    assert spoken.pop() != "都不是。"
    mind.answer("ask_which", "第三位，是7，还是4？")
    assert spoken.pop() == "都不是。"


def test_every_time_that_the_plate_is_asked_for_it_is_said_and_counted(spoken):
    mind = caller()
    for prompt in ("welcome", "ask_plate_again", "rest_of_plate"):
        assert mind.answer(prompt, "")
    assert mind.sayings == 3


def test_a_caller_who_asks_for_a_person_says_no_plate(spoken):
    mind = caller(kind="asks-person")
    mind.answer("welcome", "")
    mind.answer("rest_of_plate", "")
    assert spoken == ["转人工。", "转人工。"] and mind.sayings == 0


def test_the_owner_of_another_car_says_that_it_is_not_theirs(spoken):
    mind = OwnersMind(Cast(PLATE, "ordinary", "coming"), "zf_xiaoyi")
    mind.answer("owner_greeting", "您的车赣K158HJ，挡住了别人的路，请问您现在能来挪一下车吗？")
    assert spoken == ["这不是我的车，你打错了。"] and mind.told == "赣K158HJ"


def test_a_plate_is_found_in_what_is_read_out_however_it_is_grouped():
    assert read_in("您说的是 赣K · 159HJ，对吗？") == PLATE
    assert read_in("请按一") == ""


def test_the_same_seed_makes_the_same_day():
    plates = ["赣K12345", "赣KD12345", "浙A829H4"]
    first, again = (list(requests(50, plates, iter(["湘A00001"] * 50), 3)) for _ in range(2))
    assert first == again and {each.cast.plate for each in first} <= {*plates, "湘A00001"}
    assert all(each.registered == (each.cast.plate != "湘A00001") for each in first)


def lived(outcome: str, *, agreed: str = PLATE, told_about: str = PLATE, call_s: float = 40.0, owner: str = "coming",
          registered: bool = True, reason: str = "") -> Lived:
    request = Request(1, Cast(PLATE, "ordinary", owner), registered, MANNER, "zf_xiaoyi", LineSound(), 2000)
    return Lived(request, outcome, reason, call_s, agreed, told_about, 1, 0, agreed)


def test_who_must_have_a_person_is_not_held_against_the_bot_but_counts_in_all():
    report = figures([lived("coming"), lived("person", owner="person"), lived("person", registered=False, reason="not-in-register")])
    assert report["by_itself"][0] == pytest.approx(1 / 3, abs=1e-3)
    assert report["ordinary"]["requests"] == 1 and report["ordinary"]["by_itself"][0] == 1.0
    assert report["persons_why"] == {"person": 1, "not-in-register": 1}


def test_a_wrong_plate_that_was_called_right_counts_as_a_wrong_owner_where_it_has_one():
    day = [lived("not-mine", agreed="赣K158HJ"), lived("person", agreed="赣K158HJ", reason="not-in-register")]
    report = figures(day)
    assert report["wrong_owner_called"] == 1 and report["ordinary"]["right_plate"][0] == 0.0


def test_a_call_with_a_person_has_no_part_in_how_long_calls_without_one_take():
    report = figures([lived("coming", call_s=30), lived("coming", call_s=70), lived("person", call_s=200)])
    assert report["call_s"]["p50"] == 50 and report["under_a_minute"][0] == 0.5


def test_a_day_without_requests_that_ended_alone_is_told_all_the_same():
    assert dict(told(figures([lived("person")])))["a call without a person takes"] == "–"


def test_requests_are_lived_through_the_true_flows_by_people_who_answer_by_themselves():
    day = list(live_day(2, 200, FLOWS, 1, 1))
    assert [each.request.number for each in day] == [0, 1]
    assert all(each.agreed == each.called_about == each.request.cast.plate for each in day)
    assert {each.outcome for each in day} <= {"coming", "later", "moved", "refuses"} and all(20 < each.call_s < 90 for each in day)
