"""Owners who answer and want no car moved: each is heard, none is told nothing, and no caller hears that nobody answered."""

import pytest
from typed import Told, call

NOBODY = {"owner_no_answer", "owner_texted", "owner_again_no_answer"}


def owner_says(*lines: str, **situation) -> Told:
    """A call whose owner says these lines; the caller hears the outcome."""
    return call("赣KA1234", "对", *(f"owner: {line}" for line in lines), **situation)


def owner_hears(told: Told) -> list[str]:
    return told.of("said", "prompt", "owner")[1:]


SAID = {
    "who has sold the car": (["这车我早就卖了"], [], "not-mine"),
    "who is abroad": (["我在国外"], [], "refuses"),
    "who cannot come at once": (["我马上来不了"], [], "refuses"),
    "who sends them elsewhere": (["你去找物业"], [], "refuses"),
    "who lets them wait": (["让他等着"], [], "refuses"),
    "who puts it off": (["明天再说"], [], "refuses"),
    "who comes, but late": (["可以不过要两个小时"], [], "later"),
    "whose keys a guard has": (["钥匙在门卫那里"], [], "keys-there"),
    "whose wife drives, and is told": (["车是我老婆在开", "好的我跟她说"], ["owner_pass_on"], "told"),
    "who lent the car, and tells nobody": (["车借给朋友了", "联系不上他"], ["owner_pass_on"], "refuses"),
    "who objects, and comes": (["我没有挡住别人我停在车位里", "好的马上来"], ["owner_objects"], "coming"),
    "who objects twice": (["是他挡我的车", "不可能"], ["owner_objects"], "refuses"),
    "who curses, and comes": (["你有病吧", "好吧十分钟到"], ["owner_calm"], "later"),
    "who curses twice": (["神经病", "滚蛋"], ["owner_calm"], "refuses"),
    "who takes it for a fraud": (["你是骗子吧", "真的假的", "好的马上来"], ["owner_doubt", "owner_doubt_other"], "coming"),
    "who asks for the source": (["你怎么知道我的电话", "来不了"], ["owner_doubt"], "refuses"),
    "who asks again": (["你说什么", "再说一遍", "马上来"], ["owner_say_again", "owner_say_again_other"], "coming"),
    "who needs a moment": (["等一下", "马上来"], ["wait_ok_again"], "coming"),
}


@pytest.mark.parametrize("who", SAID)
def test_an_owner(who):
    lines, answers, outcome = SAID[who]
    told = owner_says(*lines)
    assert told.ended.outcome == outcome
    assert owner_hears(told)[:-1] == answers and not NOBODY & set(told.prompts)


@pytest.mark.parametrize("lines", [
    ["今天天气真好", "今天天气真好", "今天天气真好"], ["今天天气真好", "", "", ""], ["车借给朋友了", "今天天气真好", "今天天气真好"],
    ["幺三九七零零幺二三四五", "", "", ""], ["你是骗子吧", "你是骗子吧", "你是骗子吧"],
])
def test_who_spoke_and_gave_no_clear_answer_was_reached_and_a_person_takes_over(lines):
    told = owner_says(*lines)
    assert told.of("answer", "outcome", "owner") == ["unclear"]
    assert (told.ended.outcome, told.ended.reason) == ("person", "owner-unclear")
    assert told.prompts[-1] == "owner_unclear" and not NOBODY & set(told.prompts)


def test_who_spoke_and_hung_up_was_reached_too():
    told = owner_says("你是谁", "hang up", attempts=1)
    assert told.ended.outcome == "owner-hung-up" and told.prompts[-1] == "owner_hung_up"


def test_who_never_spoke_was_not():
    assert owner_says("", "", "", attempts=1).ended.outcome == "no-answer"


def test_a_number_that_an_owner_says_is_told_to_nobody_and_they_are_asked_again():
    told = owner_says("幺三九七零零幺二三四五", "马上来")
    assert owner_hears(told)[:1] == ["owner_repeat"] and told.ended.outcome == "coming"
    assert not [text for side in ("caller", "owner") for text in told.of("said", "text", side) if "三九七" in text]
