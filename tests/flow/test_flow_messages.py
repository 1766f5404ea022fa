"""Each way to break a flow, in `broken/`, beside the exact message that it must cause."""

from pathlib import Path

import pytest

from hotline.flows import house_of
from ivr.flow.check import problems
from ivr.flow.load import load_flow
from ivr.flow.source import FlowError
from tts.script import load_script

BROKEN = Path(__file__).parent / "broken"
NO_FLOWS = {"profiles"}
HOUSE = house_of(BROKEN, load_script(BROKEN / "prompts"))
HEAD = "flow: test\nstart: ask\nlimits: {turns: 3, seconds: 60, then: bye}\n"


def told(path: Path) -> list[str]:
    """What the check says of a flow, file names without their folder."""
    try:
        found = problems(load_flow(path), HOUSE)
    except FlowError as error:
        found = [error]
    return [str(error).replace(f"{BROKEN}/", "") for error in found]


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.txt")))
def test_a_broken_flow_is_told_where_what_and_what_to_write_instead(name):
    expected = (BROKEN / f"{name}.txt").read_text("utf-8").splitlines()
    assert told(BROKEN / f"{name}.yaml") == expected


def test_the_broken_flows_differ_by_their_mistake_alone_from_one_that_is_good():
    whole = {path.stem for path in BROKEN.glob("*.yaml")} - {path.stem for path in BROKEN.glob("*.txt")} - NO_FLOWS
    assert whole == {"good", "survey", "begins_with_plate"} and not any(told(BROKEN / f"{name}.yaml") for name in whole)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(FlowError, match="there is no such file"):
        load_flow(tmp_path / "none.yaml")


def test_yaml_traps_stay_the_text_that_was_written(tmp_path):
    """Numbers in base 8 and 16, truth values, times, dates and nulls of YAML 1.1 are none here."""
    traps = ["012", "no", "off", "1e3", "12:30", "0x1F", "~", "2026-10-01", "null", "y", "1_000", ".5"]
    branches = ", ".join(f"{trap}: s{place}" for place, trap in enumerate(traps))
    states = "".join(f"  s{place}: {{end: {trap}}}\n" for place, trap in enumerate(traps))
    (tmp_path / "profiles.yaml").write_text("short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")
    path = tmp_path / "flow.yaml"
    path.write_text(f"{HEAD}states:\n  ask: {{say_by_visit: [{', '.join(traps)}], next: {{{branches}}}}}\n{states}  bye: {{end: x}}\n")
    flow = load_flow(path)
    assert list(flow.states["ask"].say) == traps and list(flow.states["ask"].next) == traps
    assert [flow.states[f"s{place}"].end for place in range(len(traps))] == traps


def test_turn_taking_is_read_as_it_is_written(tmp_path):
    listen = "{grammar: yes_no, barge_in: after 1500 ms, question: 40%, keys: {at_most: 8, between: 3000, at_once: '0'}}"
    (tmp_path / "profiles.yaml").write_text("short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")
    (tmp_path / "flow.yaml").write_text(f"{HEAD}states:\n  ask: {{listen: {listen}, next: {{}}}}\n  bye: {{end: done}}\n")
    heard = load_flow(tmp_path / "flow.yaml").states["ask"].listen
    assert (heard.barge_in, heard.barge_in_after_ms, heard.question_share) == (True, 1500, 0.4)
    assert (heard.keys.at_most, heard.keys.between_ms, heard.keys.at_once, heard.keys.end) == (8, 3000, "0", "#")


@pytest.mark.parametrize("listen, fewest, most", [
    ("{grammar: yes_no, keys: {at_least: 3}}", 3, 20),
    ("{grammar: yes_no, keys: {at_most: 4}}", 0, 4),
    ("{grammar: digits(length=6), keys: {end: '#'}}", 6, 6),
    ("{grammar: digits(length=6)+person, keys: {at_most: 6, end: '#'}}", 6, 6),
    ("{grammar: digits(length=5-8), keys: {between: 3000}}", 5, 8),
    ("{grammar: digits(length=6), keys: {at_least: 4, at_most: 9}}", 4, 9),
    ("{grammar: digits, keys: {}}", 0, 20),
    ("{grammar: 'digits(length={n})', keys: {between: 3000}}", 0, 20),
])
def test_so_many_keys_are_an_answer_as_the_grammar_has_digits(tmp_path, listen, fewest, most):
    (tmp_path / "profiles.yaml").write_text("short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")
    (tmp_path / "flow.yaml").write_text(f"{HEAD}states:\n  ask: {{listen: {listen}, next: {{}}}}\n  bye: {{end: done}}\n")
    keys = load_flow(tmp_path / "flow.yaml").states["ask"].listen.keys
    assert (keys.at_least, keys.at_most) == (fewest, most)
