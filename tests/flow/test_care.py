"""Care for the caller: no sentence twice in a row on any path, and a struggle met by degrees."""

from pathlib import Path

import numpy as np
import pytest

from asr.recognizer import Hypothesis, Result
from ivr.flow.care import load_struggle
from ivr.flow.load import load_flow
from ivr.flow.source import FlowError
from ivr.flow.wording import chosen
from ivr.louder import louder
from ivr.pace import SIGNALS, Pace, Struggle, Weight
from ivr.turn import Heard
from tts.prompts import PromptLibrary

FLOWS = Path(__file__).resolve().parents[2] / "flows"


def said_in(state, last):
    """What a state may say after `last`: one of its prompts, by how often it was entered; "" if nothing."""
    return {chosen(state.say, time, last.__eq__) for time in range(1, len(state.say) + 1)} or {last}


def follows_aside(flow, state, last):
    """What may have been said last once something said in passing was answered."""
    for aside in (each for each in flow.asides.values() if each.at_most):     # else it leads on at once
        for answer in {chosen(aside.say, time, last.__eq__) for time in range(1, len(aside.say) + 1)} or {last}:
            yield last, answer if aside.say else None
            for question in {chosen(state.short, time, answer.__eq__) for time in range(1, len(state.short) + 1)} if aside.again else ():
                yield answer, question


@pytest.mark.parametrize("time, just_said, said", [
    (1, "", "long"), (2, "long", "short"), (3, "short", "example"), (4, "example", "short"), (5, "short", "example"), (1, "long", "short"),
])
def test_after_its_last_prompt_a_state_says_the_last_two_by_turns(time, just_said, said):
    assert chosen(("long", "short", "example"), time, just_said.__eq__) == said


def entered(flow, name, once):
    """The state that is entered for `name` after those of one visit in `once`, and these with it."""
    while name in once:
        name = flow.states[name].visits.then
    visits = flow.states[name].visits
    return name, once | {name} if visits and visits.at_most == 1 else once


def repeated(flow):
    """Every (state, prompt) in which a path through the flow says what was said just before."""
    found, seen, waiting = set(), set(), [(*entered(flow, flow.start, frozenset()), "")]
    while waiting:
        name, once, last = waiting.pop()
        if (name, once, last) in seen:
            continue
        seen.add((name, once, last))
        state = flow.states[name]
        for said in said_in(state, last):
            if state.say and said == last:
                found.add((name, said))
            lasts = {said}
            if state.listen:
                for before, after in follows_aside(flow, state, said):
                    if after and before == after:
                        found.add((name, after))
                    lasts |= {after} if after else set()
            after = [*state.next.values(), *([state.visits.then] if state.visits else [])]
            after += [*flow.always.values(), *(each.then for each in flow.asides.values())] if state.listen else []
            waiting += [(*entered(flow, to, once), each) for to in after for each in lasts]
    return found


@pytest.mark.parametrize("name", ["move_car_inbound", "move_car_outbound"])
def test_on_no_path_is_a_sentence_said_twice_in_a_row(name):
    assert repeated(load_flow(FLOWS / f"{name}.yaml")) == set()


def test_a_flow_with_one_sentence_to_repeat_is_found(tmp_path):
    (tmp_path / "profiles.yaml").write_text("short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")
    (tmp_path / "flow.yaml").write_text(
        "flow: t\nstart: ask\nlimits: {turns: 3, seconds: 60, then: bye}\nstates:\n"
        "  ask: {say: hello, listen: {grammar: yes_no, profile: short}, next: {no_match: ask, no_input: bye}}\n"
        "  bye: {end: done}\n")
    assert repeated(load_flow(tmp_path / "flow.yaml")) == {("ask", "hello")}


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
