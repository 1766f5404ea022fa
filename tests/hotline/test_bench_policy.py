"""Simulated dialogues: evidence of several turns, denials, strangers, and callers who say 对 to the wrong plate."""

import random
from types import SimpleNamespace

from hotline.bench.learn_confusions import learned
from hotline.bench.policy import Caller, answers_of, measure_policy, policy_text, simulate
from hotline.move_car.read_back import plate_to_read
from plate_parser.match import Decision, Thresholds, decide

OWN, OTHER = "赣KB1234", "赣KD1234"
CLEAR = ((OWN, 0.85), (OTHER, 0.05))
DOUBTFUL = ((OTHER, 0.5), (OWN, 0.4))


def _call(*said, registered=(OWN, OTHER), slip=0.0):
    return simulate(Caller(OWN, "anna", said), set(registered), Thresholds(), slip, random.Random(1))


def test_who_is_heard_well_is_right_at_once():
    ended = _call(CLEAR, CLEAR)
    assert (ended.called, ended.others, ended.turns) == (OWN, 0, 1)


def test_in_doubt_between_two_owners_the_plate_is_said_again_before_either_is_read_back():
    ended = _call(((OTHER, 0.5), ("赣KB1284", 0.4)), CLEAR, CLEAR, registered=(OWN, OTHER, "赣KB1284"))
    assert ended.called == OWN and ended.turns > 1


def test_a_stranger_reaches_nobody_and_who_says_yes_to_anything_reaches_the_wrong_owner():
    assert _call(CLEAR, CLEAR, registered=()).called == ""
    assert _call(((OTHER, 0.9),), ((OTHER, 0.9),), slip=1.0).called == OTHER


def test_between_two_characters_the_caller_chooses_and_nobody_elses_plate_is_read_back():
    ended = _call(DOUBTFUL, DOUBTFUL)
    assert (ended.called, ended.asked, ended.others, ended.turns) == (OWN, 1, 0, 1)


def _answer(meant, values, rejected=False):
    return SimpleNamespace(row=SimpleNamespace(expected=meant, grammar=SimpleNamespace(name="which(one=B;other=D)")),
                           heard=SimpleNamespace(rejected=rejected, values=values))


def test_answers_are_counted_by_the_one_that_was_meant():
    heard = answers_of([_answer("D", (("D", 0.9), ("B", 0.05))), _answer("B", (("D", 0.6), ("B", 0.3))),
                        _answer("B", (("no", 0.95), ("B", 0.02))), _answer("B", (("no", 0.7),)), _answer("B", (), rejected=True)])
    assert heard == [(0.9, 0.05, False), (0.3, 0.6, False), (0.02, 0.0, True), None, None]


def test_another_plate_than_the_one_heard_best_is_read_back_only_where_it_is_nearly_sure():
    heard, thresholds = ((OWN, 0.5), (OTHER, 0.4)), Thresholds(outside=0.02)
    assert decide(heard, {OTHER}, thresholds).plate == OTHER
    doubtful = decide(heard, {OTHER}, Thresholds(outside=0.1))
    assert doubtful.probability > 0.85 and (doubtful.kind, set(doubtful.alternatives)) == ("ask", {OWN, OTHER})
    assert plate_to_read(doubtful, heard, (), last=False) == "", "it is asked which, or the plate is said again"
    assert plate_to_read(doubtful, heard, (), last=True) == OTHER
    assert plate_to_read(Decision("match", OWN, 0.92), heard, ()) == OWN


def test_whose_answer_is_never_understood_says_the_plate_again():
    ended = simulate(Caller(OWN, "anna", (DOUBTFUL, CLEAR)), {OWN, OTHER}, Thresholds(), 0.0, random.Random(1), [None])
    assert (ended.called, ended.asked, ended.others, ended.turns) == (OWN, 5, 0, 2)


def test_an_answer_heard_the_wrong_way_round_and_in_doubt_brings_nobody_elses_plate_up():
    ended = simulate(Caller(OWN, "anna", (((OWN, 0.6), (OTHER, 0.3)), CLEAR)), {OWN, OTHER}, Thresholds(), 0.0,
                     random.Random(1), [(0.45, 0.5, False)])
    assert (ended.called, ended.others, ended.asked) == (OWN, 0, 5)


def test_another_owners_plate_counts_as_brought_up_only_where_another_was_heard_best():
    misheard = _call(((OTHER, 0.95),), CLEAR)
    assert (misheard.others, misheard.offered, misheard.called) == (1, 0, OWN)
    brought_up = _call((("赣KD1Z34", 0.5), (OTHER, 0.4)), CLEAR, registered=(OTHER,))
    assert brought_up.asked or brought_up.offered


def test_a_table_of_confusions_is_learned_from_what_was_heard_where_another_was_said():
    heard = [SimpleNamespace(row=SimpleNamespace(expected="赣KE1234"),
                             heard=SimpleNamespace(rejected=False, values=(("赣K11234", 0.7), ("赣KE1234", 0.3))))] * 50
    table = learned(heard)
    assert table["1"]["E"] > 0.6 and table["1"]["E"] > table["7"]["T"]
    assert "E" not in table["3"], "what was never confused is left to the floor"


def test_figures_are_shares_of_all_dialogues_and_the_same_for_the_same_seed():
    callers = [Caller(OWN, "anna", (CLEAR, CLEAR)), Caller("赣K12345", "bert", ((), ()))]
    once, again = (measure_policy(callers, 200, Thresholds(), slip=0.005, registers=2, seed=3) for _ in range(2))
    assert once == again and once["right"] == 0.5 and once["person"] == 0.5 and once["wrong_called"] == 0
    assert "2 voices" in policy_text(once)
