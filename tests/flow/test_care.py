"""Care for the caller: no sentence twice in a row on any path, and a struggle met by degrees."""

from pathlib import Path

import numpy as np
import pytest

from asr.recognizer import Hypothesis, Result
from ivr.flow.care import load_struggle
from ivr.flow.load import load_flow
from ivr.flow.repeats import Repeats
from ivr.flow.source import FlowError
from ivr.flow.wording import chosen
from ivr.louder import louder
from ivr.pace import SIGNALS, Pace, Struggle, Weight
from ivr.turn import Heard
from tts.prompts import PromptLibrary

FLOWS = Path(__file__).resolve().parents[2] / "flows"


@pytest.mark.parametrize("time, just_said, said", [
    (1, "", "long"), (2, "long", "short"), (3, "short", "example"), (4, "example", "short"), (5, "short", "example"), (1, "long", "short"),
])
def test_after_its_last_prompt_a_state_says_the_last_two_by_turns(time, just_said, said):
    assert chosen(("long", "short", "example"), time, just_said.__eq__) == said


@pytest.mark.parametrize("path", sorted(path for path in FLOWS.glob("*.yaml") if "\nstates:" in path.read_text("utf-8")), ids=lambda path: path.stem)
def test_on_no_path_is_a_sentence_said_twice_in_a_row_not_even_where_a_caller_wishes_to_hear_it_again(path):
    flow = load_flow(path)
    assert list(Repeats(flow, strict=True).found()) == []
    asked = {prompt for state in flow.states.values() if state.listen for prompt in (*state.say, *state.short)}
    assert asked.isdisjoint(prompt for aside in flow.asides.values() for prompt in aside.say)


def repeated(tmp_path, states, values="{}"):
    """The states that repeat a prompt, with the states in which it was said before."""
    (tmp_path / "profiles.yaml").write_text("short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")
    (tmp_path / "flow.yaml").write_text(
        f"flow: t\nstart: ask\nvalues: {values}\nlimits: {{turns: 3, seconds: 60, then: bye}}\nstates:\n{states}  bye: {{end: done}}\n")
    found = Repeats(load_flow(tmp_path / "flow.yaml"), {"hello": [], "which": ["digits"]}).found()
    return {(name, by) for name, _, by in found}


ASKS = "listen: {grammar: yes_no, profile: short}"
TAKES = "listen: {grammar: digits, profile: short, into: digits}"


@pytest.mark.parametrize(("states", "found"), [
    (f"  ask: {{say: hello, {ASKS}, next: {{no_match: ask, no_input: bye}}}}\n", {("ask", "ask")}),
    (f"  ask: {{say: hello, {ASKS}, next: {{no_match: on}}}}\n  on: {{next: {{done: ask}}}}\n", {("ask", "ask")}),
    (f"  ask: {{say: hello, {ASKS}, next: {{no_match: on}}}}\n  on: {{say: hello, next: {{done: bye}}}}\n", {("on", "ask")}),
    (f"  ask: {{say: hello, {ASKS}, next: {{no_match: on}}}}\n"
     f"  on: {{say: other, visits: {{at_most: 2, then: ask}}, {ASKS}, next: {{no_match: ask}}}}\n", {("ask", "ask")}),
    (f"  ask: {{say: hello, visits: {{at_most: 1, then: bye}}, {ASKS}, next: {{no_match: ask}}}}\n", set()),
    (f"  ask: {{say_by_visit: [hello, short], visits: {{at_most: 2, then: on}}, {ASKS}, next: {{no_match: ask}}}}\n"
     "  on: {say: hello, next: {done: bye}}\n", set()),
    (f"  ask: {{say: hello, visits: {{at_most: 1, then: on}}, {ASKS}, next: {{no_match: ask}}}}\n"
     "  on: {say: hello, next: {done: bye}}\n", {("on", "ask")}),
    (f"  ask: {{say_by_visit: [hello, short], {ASKS}, next: {{no_match: ask}}}}\n", set()),
    (f"  ask: {{say: hello, {ASKS}, next: {{repeat: ask, key 9: ask, no_match: bye}}}}\n", set()),
    ("  ask: {say: hello, listen: {choice: {menu: [主菜单], bus: [公交]}, profile: short}, next: {menu: ask, bus: bye}}\n", set()),
    (f"  ask: {{say: which, {TAKES}, next: {{value: ask, no_match: bye}}}}\n", set()),
    (f"  ask: {{say: which, {TAKES}, next: {{value: bye, no_match: ask}}}}\n", {("ask", "ask")}),
    (f"  ask: {{say: which, set: {{digits: '12'}}, {ASKS}, next: {{no_match: ask}}}}\n", set()),
])
def test_a_sentence_that_a_way_repeats_is_found(tmp_path, states, found):
    assert repeated(tmp_path, states, "{digits: digits}") == found


@pytest.mark.parametrize("gentle", [False, True])
def test_no_two_prompts_to_the_caller_have_the_same_text(gentle):
    voice = PromptLibrary.load(FLOWS / "prompts")
    flow = load_flow(FLOWS / "move_car_inbound.yaml")
    values = {"plate": "赣KA1234", "symbols": "E", "symbols2": "1", "place": "5", "minutes": "10"}
    ids = {prompt for state in flow.states.values() for prompt in (*state.say, *state.short)}
    ids |= {prompt for aside in flow.asides.values() for prompt in aside.say}
    texts = [voice.text(each, values, gentle) for each in sorted(ids)]
    assert len(set(texts)) == len(texts)


def heard(value="", *, kind="match", whole=True, pause_ms=0):
    result = Result((Hypothesis(value, value, 0.9, (), whole),), False, 900) if value else None
    return Heard(kind, result, pause_ms=pause_ms)


SILENT, UNCLEAR, OLD = heard(kind="no_input"), heard(kind="no_match"), heard("elderly")


@pytest.mark.parametrize(("turns", "gentle", "person"), [
    ([heard("赣K12345")], False, False),
    ([SILENT], False, False),
    ([OLD], True, False),
    ([OLD, OLD], True, True),
    ([SILENT, UNCLEAR], True, False),
    ([SILENT, UNCLEAR, SILENT, UNCLEAR], True, True),
    ([OLD, SILENT, heard("赣K12345", pause_ms=700)], True, False),
    ([heard("repeat")] * 9, True, False),
])
def test_a_caller_who_struggles_is_met_by_degrees(turns, gentle, person):
    pace = Pace()
    for turn in turns:
        pace.note(turn)
    settings = load_struggle(FLOWS)
    assert (pace.gentle, pace.needs_person) == (gentle, person) or settings != Struggle()
    pace = Pace(settings)
    for turn in turns:
        pace.note(turn)
    assert (pace.gentle, pace.needs_person) == (gentle, person)


def test_who_copes_is_not_taken_away_whatever_was_before():
    pace = Pace(signals=["said_elderly", "said_elderly", "silence"])
    pace.note(heard("赣K12345"))
    assert pace.score >= 6 and not pace.needs_person
    pace.note(SILENT)
    assert pace.needs_person


def test_what_is_known_before_the_first_word_makes_the_bot_gentle_at_once():
    assert Pace(signals=["listed"]).gentle and Pace(signals=["trunk_header"]).louder_db == 4


def test_weights_are_the_operators(tmp_path):
    (tmp_path / "struggle.yaml").write_text("person_from: 9\nsignals: {silence: {weight: 2.5, at_most: 1}}\n")
    struggle = load_struggle(tmp_path)
    assert struggle.person_from == 9 and struggle.weights["silence"] == Weight(2.5, 1)
    assert set(struggle.weights) == set(SIGNALS)


@pytest.mark.parametrize(("text", "message"), [
    ("signals: {silense: {weight: 1}}", "did you mean 'silence'?"),
    ("signals: {silence: {at_most: 1}}", "'silence' needs a weight"),
    ("gentle_from: 7\nperson_from: 3", "nobody would be spoken to gently"),
    ("louder_db: 40", "decibels from 0 to 12"),
    ("gentle_from: some", "expected a number such as 2 or 1.5"),
])
def test_a_mistake_in_the_weights_says_where_and_what(tmp_path, text, message):
    (tmp_path / "struggle.yaml").write_text(text + "\n")
    with pytest.raises(FlowError) as caught:
        load_struggle(tmp_path)
    assert message in str(caught.value) and "struggle.yaml:" in str(caught.value)


def test_louder_is_louder_by_so_many_decibels_and_never_clips():
    quiet = np.round(3000 * np.sin(np.arange(8000) / 5)).astype("<i2")
    raised = np.frombuffer(louder(quiet.tobytes(), 4), "<i2")
    assert np.abs(raised).max() / 3000 == pytest.approx(10 ** (4 / 20), rel=0.02)
    full = np.round(32767 * np.sin(np.arange(8000) / 5)).astype("<i2")
    loud = np.abs(np.frombuffer(louder(full.tobytes(), 6), "<i2").astype(int))
    assert loud.max() < 32767 and (loud == loud.max()).mean() < 0.1
    assert louder(quiet.tobytes(), 0) == quiet.tobytes()
