"""Two plates are close: one character is asked for, and whatever a caller answers to that leads on."""

import pytest
from typed import call

ALIKE = ("赣KA1234", "赣KAE234", "赣KA1236")
ASKED = "第四位，是1，还是E？"


@pytest.mark.parametrize("said, read_back", [
    ("是E", "赣KAE234"), ("第一个", "赣KA1234"), ("第二个", "赣KAE234"), ("前面那个", "赣KA1234"), ("后者", "赣KAE234"),
    ("#1", "赣KA1234"),                       # its key
    ("最后一位是6", "赣KA1236"), ("都不是，是B", "赣KAB234"), ("不对，是赣KA1234", "赣KA1234"), ("京A12345", "京A12345"),
])
def test_what_is_answered_to_one_of_two_characters_is_read_back(said, read_back):
    told = call("赣KA1234", said, register=ALIKE)
    assert told.texts[1:] == [ASKED, f"好的，是{read_back}，对吗？"]


@pytest.mark.parametrize("said, state", [
    ("都不是", "correction"), ("第十二位是六", "no_such_place"), ("#5", "which"), ("再说一遍", "which"),
])
def test_what_names_no_plate_is_asked_on(said, state):
    told = call("赣KA1234", said, register=ALIKE)
    assert told.states[-1] == state and told.texts[-1] != ASKED


def test_who_says_neither_does_not_hear_them_again():
    told = call("赣KA1234", "都不是", "最后一位是六", register=ALIKE)
    assert told.texts[1:3] == [ASKED, "抱歉。请说哪一位不对，比如：第二位是E。"]
    assert told.texts[3] == "好的，是赣KA1236，对吗？"
