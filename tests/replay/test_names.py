"""What a fixture names is looked up before anything is lived through."""

from pathlib import Path

import pytest

from hotline.replay.house import check_flows
from hotline.replay.names import Names
from ivr.flow.source import FlowError
from ivr.replay.fixture import find

ROOT = Path(__file__).resolve().parents[2]
GOOD = """about: x
register: [赣KD56789]
turns: [{on: welcome, say: 赣KD56789}]
owner: [{turns: [{on: owner_greeting, say: 马上来}]}]
expect: {outcome: coming, states: [welcome], owner: {prompts: owner_greeting}}
"""


@pytest.fixture(scope="module")
def names():
    return Names.of(*check_flows(ROOT / "flows"))


def test_every_conversation_of_ours_names_what_there_is(names):
    for folder in find([ROOT / "tests/replay/conversations"]):
        names.check(folder)


@pytest.mark.parametrize("good, mistyped, place, message", [
    ("on: welcome", "on: welcom", "3:14", "'welcom' is no prompt of these flows; did you mean 'welcome'?"),
    ("on: owner_greeting", "on: owner_greting", "4:23", "'owner_greting' is no prompt of these flows; did you mean 'owner_greeting'?"),
    ("[赣KD56789]", "[赣KI56789]", "2:12", "'赣KI56789' is no plate; write one such as 赣KD56789"),
    ("outcome: coming", "outcome: comming", "5:19", "'comming' is no end of a call of these flows; did you mean 'coming'?"),
    ("[welcome]", "[wellcome]", "5:36", "'wellcome' is no state of these flows; did you mean 'welcome'?"),
    ("prompts: owner_greeting", "prompts: owners_greeting", "5:63", "'owners_greeting' is no prompt of these flows; did you mean 'owner_greeting'?"),
])
def test_a_name_that_nothing_has_is_told_with_its_place(names, tmp_path, good, mistyped, place, message):
    (tmp_path / "expect.yaml").write_text(GOOD, encoding="utf-8")
    names.check(tmp_path)
    (tmp_path / "expect.yaml").write_text(GOOD.replace(good, mistyped), encoding="utf-8")
    with pytest.raises(FlowError) as caught:
        names.check(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'expect.yaml'}:{place}: {message}"
