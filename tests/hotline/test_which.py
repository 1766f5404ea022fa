"""Two plates are close: one character is asked for, and whatever a caller answers to that leads on."""

import pytest
from typed import call

from hotline.move_car.read_back import SURE_CHOICE, by_key, first_of_two

ALIKE = ("赣KA1234", "赣KAE234", "赣KA1236")
ASKED = "第四位，是1，还是E？"


@pytest.mark.parametrize("said, read_back", [
    ("是E", "赣KAE234"), ("第一个", "赣KA1234"), ("第二个", "赣KAE234"), ("前面那个", "赣KA1234"), ("后者", "赣KAE234"),
    ("#1", "赣KA1234"), ("#2", "赣KAE234"),    # the first, the second
    ("最后一位是6", "赣KA1236"), ("都不是，是B", "赣KAB234"), ("不对，是赣KA1234", "赣KA1234"), ("京A12345", "京A12345"),
])
def test_what_is_answered_to_one_of_two_characters_is_read_back(said, read_back):
    told = call("赣KA1234", said, register=ALIKE)
    assert told.texts[1:] == [ASKED, f"好的，是{read_back}，对吗？"]


@pytest.mark.parametrize("said, state", [
    ("都不是", "which"), ("第十二位是六", "no_such_place"), ("#5", "which"), ("再说一遍", "which"),
])
def test_what_names_no_plate_is_asked_on(said, state):
    told = call("赣KA1234", said, register=ALIKE)
    assert told.states[-1] == state and told.texts[-1] != ASKED


def test_who_says_neither_twice_does_not_hear_them_again():
    told = call("赣KA1234", "都不是", "都不是", "最后一位是六", register=ALIKE)
    assert told.texts[1:4] == [ASKED, "1请按一，E请按二。都不是，请说不是。", "抱歉。请说哪一位不对，比如：第二位是E。"]
    assert told.texts[4] == "好的，是赣KA1236，对吗？"


def test_who_was_not_heard_is_offered_a_key_for_each_and_later_says_the_plate_again():
    told = call("赣KA1234", "#5", "#7", "#9", "#6", "#5", register=ALIKE)
    assert told.texts[2] == "1请按一，E请按二。都不是，请说不是。"
    assert told.states[-1] == "say_it_again"


def test_a_1_or_a_2_stands_where_its_own_key_chooses_it():
    assert by_key("赣KE2345", "赣K12345", 2) == ("赣K12345", "赣KE2345")
    assert by_key("赣K12345", "赣K1R345", 3) == ("赣K1R345", "赣K12345")
    assert by_key("赣K12345", "赣K17345", 3) == ("赣K17345", "赣K12345")
    assert by_key("赣KB2345", "赣KD2345", 2) == ("赣KB2345", "赣KD2345")


def test_an_answer_that_leaves_doubt_is_asked_for_again_and_both_count():
    once = first_of_two(0.6, [(0.7, 0.25)])
    twice = first_of_two(0.6, [(0.7, 0.25), (0.8, 0.15)])
    assert 0.5 < once < SURE_CHOICE <= twice
    assert first_of_two(0.8, [(0.25, 0.7)]) > 1 - SURE_CHOICE, "one doubtful answer does not turn what was heard best"
    assert first_of_two(0.6, [(0.98, 0.0)]) >= SURE_CHOICE, "a sure one is taken at once"
