"""What a grammar accepts, it can say; what it says has the value its file gives."""

import random

import numpy as np
import pytest
from grammar_speech import graph_of, heard

from asr.grammars.grammar import Grammar
from asr.recognizer import GrammarError
from asr.search.decoder import decode

NAMES = ("plate", "yes_no", "owner_answer", "minutes", "person")


def values(grammar, count=200):
    rng = random.Random(4)
    return {(sentence.text, sentence.value)
            for sentence in (grammar.sample(rng) for _ in range(count))}


def test_the_plate_grammar_knows_the_readings_of_digits_and_provinces():
    plate, rng = Grammar.load("plate"), random.Random(2)
    said = "".join(plate.sample(rng).text for _ in range(3000))
    for form in ("江西的赣", "幺", "洞", "拐", "勾", "两", "三个八", "A B C 的 C".replace(" ", "")):
        assert form in said


@pytest.mark.parametrize("name", NAMES)
def test_a_sentence_that_a_grammar_says_is_decoded_to_its_value(name):
    grammar, rng, noise = Grammar.load(name), random.Random(3), np.random.default_rng(3)
    tried = right = 0
    for _ in range(40):
        sentence = grammar.sample(rng)
        if "*" in sentence.units:
            continue
        tried += 1
        paths = decode(grammar.graph, heard(sentence.units, noise)).paths
        right += next(path.value for path in paths if path.complete) == sentence.value
    assert right >= tried - 2          # two readings may share their units: 等一会儿 and 等一下


def test_minutes_are_numbers():
    found = values(Grammar.load("minutes"), 12000)
    assert {("半个小时", "30"), ("一刻钟", "15"), ("二十分钟", "20"), ("十分钟", "10")} <= found


def test_an_owner_who_comes_later_says_when():
    found = {value for _, value in values(Grammar.load("owner_answer"), 3000)}
    assert {"coming", "later:10", "later", "not_mine", "refuses", "who", "person"} <= found


def test_common_rules_are_added_by_name():
    assert "wait" in {value for _, value in values(Grammar.load("minutes+wait"), 2000)}


def test_a_repeated_slot_is_written_as_often_as_the_value_says():
    grammar = graph_of(start=[{"say": "三个 {digit}", "value": "{digit}{digit}{digit}"}],
                       digit=[{"say": "八", "value": "8"}, {"say": "九", "value": "9"}])
    assert values(grammar) == {("三个八", "888"), ("三个九", "999")}


@pytest.mark.parametrize("name", ["correction", "readback", "which(one=E;other=1)", "wrong_car"])
def test_nobody_corrects_a_character_into_itself(name):
    grammar = Grammar.load(name)
    assert not any(map(grammar.may_mean, ("swap:1=1", "swap_back:E=E", "")))
    assert all(map(grammar.may_mean, ("swap:E=1", "swap_back:1=E", "at:3=5", "yes")))


def test_an_impossible_that_is_no_expression_is_named(tmp_path):
    (tmp_path / "odd.yaml").write_text('start: said\nimpossible: "(1"\nrules: {said: [{say: 一, value: "1"}]}\n', "utf-8")
    with pytest.raises(GrammarError, match=r"odd.yaml:2: `impossible` needs a regular expression"):
        Grammar.load("odd", tmp_path)


@pytest.mark.parametrize("rules, message", [
    ({"start": [{"say": "(对"}]}, "bracket is not closed"),
    ({"start": [{"say": "对)"}]}, "bracket too many"),
    ({"start": [{"say": "{nobody}"}]}, "there is no rule `nobody`"),
    ({"start": [{"say": "{start}"}]}, "contains itself"),
    ({"start": [{"say": "零", "value": 10}]}, "in quotes"),
    ({"start": [{"say": "龘"}]}, "no reading is known"),
])
def test_a_wrong_rule_is_named(rules, message):
    with pytest.raises(GrammarError, match=message):
        graph_of(**rules).graph


def test_a_grammar_that_is_not_there_is_named():
    with pytest.raises(GrammarError, match="nothing.yaml: there is no such grammar"):
        Grammar.load("nothing")
