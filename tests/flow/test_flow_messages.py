"""Each way to break a flow, beside the message that it must cause."""

from pathlib import Path

import pytest

from ivr.flow.check import problems
from ivr.flow.load import load_flow
from ivr.flow.source import FlowError

HEAD = "flow: test\nstart: ask\nlimits: {turns: 3, seconds: 60, then: bye}\n"
PROMPTS, GRAMMARS, ACTIONS = {"hello", "goodbye"}, {"yes_no", "person"}, {"transfer"}

BROKEN_FILES = {
    "tab": ("flow: test\nstates:\n\task: 1\n", ":3:1: not YAML"),
    "empty": ("", ":1:1: the file is empty"),
    "no start": ("flow: test\nlimits: {}\nstates: {}\n", ":1:1: the flow has no 'start:'"),
    "unknown key": (HEAD + "sates: {}\n", "'sates' is not known here; did you mean 'states'?"),
    "twice": (HEAD + "states:\n  ask: {end: a}\n  ask: {end: b}\n", ":6:3: 'ask' is given twice"),
    "dead end": (HEAD + "states:\n  ask: {say: hello}\n  bye: {end: a}\n", ":5:8: state 'ask' leads nowhere"),
    "no such state": (HEAD + "states:\n  ask: {say: hello, next: {done: bey}}\n  bye: {end: a}\n",
                      "ask.next.done leads to 'bey', which is no state; did you mean 'bye'?"),
    "no such profile": (HEAD + "states:\n  ask: {listen: {grammar: yes_no, profile: shrt}, next: {}}\n",
                        "there is no profile 'shrt'; did you mean 'short'?"),
    "not a number": ("flow: test\nstart: ask\nlimits: {turns: many, seconds: 60, then: ask}\nstates: {ask: {end: a}}\n",
                     ":3:17: expected a whole number, not 'many'"),
    "end and next": (HEAD + "states:\n  ask: {end: a, next: {done: ask}}\n", "state 'ask' ends the call"),
    "listen and do": (HEAD + "states:\n  ask: {listen: {grammar: yes_no}, do: transfer, next: {done: ask}}\n",
                      "state 'ask' cannot listen and act"),
    "odd barge-in": (HEAD + "states:\n  ask: {listen: {grammar: yes_no, barge_in: later}, next: {}}\n",
                     "'later' does not say when a caller may interrupt; write yes, no, or after 1500 ms"),
    "odd share": (HEAD + "states:\n  ask: {listen: {grammar: yes_no, question: half}, next: {}}\n",
                  "'half' is no share of the prompt; write 60%"),
    "odd key": (HEAD + "states:\n  ask: {listen: {grammar: yes_no, keys: {end: hash}}, next: {}}\n",
                "'hash' is no key; write one of 0-9, '*' and '#'"),
    "odd probability": (HEAD + "states:\n  ask: {listen: {grammar: yes_no, sure: often}, next: {}}\n",
                        "'often' is no probability"),
}

BROKEN_TOGETHER = {
    "unknown prompt": ("ask: {say: helo, next: {done: bye}}", "says 'helo', which is no prompt; did you mean 'hello'?"),
    "unknown grammar": ("ask: {listen: {grammar: yesno}, next: {no_match: bye, no_input: bye}}",
                        "listens for 'yesno', which is no grammar; did you mean 'yes_no'?"),
    "unknown action": ("ask: {do: tranfer, next: {done: bye}}", "does 'tranfer', which is no action; did you mean 'transfer'?"),
    "missing branch": ("ask: {listen: {grammar: yes_no}, next: {no_match: bye}}", "has no 'no_input' branch"),
    "unknown value": ("ask: {choose: minutes, next: {given: bye}}", "uses the value 'minutes'"),
    "never reached": ("ask: {next: {done: bye}}\n  lost: {end: b}", "state 'lost' is never reached"),
}


def write(folder: Path, text: str) -> Path:
    (folder / "profiles.yaml").write_text("short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")
    path = folder / "flow.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_broken_file_says_where_and_what(tmp_path, name):
    text, message = BROKEN_FILES[name]
    with pytest.raises(FlowError) as caught:
        load_flow(write(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", BROKEN_TOGETHER)
def test_what_does_not_fit_together_is_found_before_a_call(tmp_path, name):
    states, message = BROKEN_TOGETHER[name]
    flow = load_flow(write(tmp_path, f"{HEAD}states:\n  {states}\n  bye: {{say: goodbye, end: done}}\n"))
    found = [str(problem) for problem in problems(flow, PROMPTS, GRAMMARS, ACTIONS)]
    assert len(found) == 1 and message in found[0]


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(FlowError, match="there is no such file"):
        load_flow(tmp_path / "none.yaml")


def test_yaml_traps_stay_the_text_that_was_written(tmp_path):
    states = "ask: {say: 012, next: {no: 1e3, 12:30: bye}}\n  1e3: {end: no}\n  bye: {end: off}"
    flow = load_flow(write(tmp_path, f"{HEAD}states:\n  {states}\n"))
    assert flow.states["ask"].say == ("012",)
    assert dict(flow.states["ask"].next) == {"no": "1e3", "12:30": "bye"}
    assert (flow.states["1e3"].end, flow.states["bye"].end) == ("no", "off")


def test_turn_taking_is_read_as_it_is_written(tmp_path):
    listen = "{grammar: yes_no, barge_in: after 1500 ms, question: 40%, keys: {at_most: 8, between: 3000, at_once: '0'}}"
    flow = load_flow(write(tmp_path, f"{HEAD}states:\n  ask: {{listen: {listen}, next: {{}}}}\n  bye: {{end: done}}\n"))
    heard = flow.states["ask"].listen
    assert (heard.barge_in, heard.barge_in_after_ms, heard.question_share) == (True, 1500, 0.4)
    assert (heard.keys.at_most, heard.keys.between_ms, heard.keys.at_once, heard.keys.end) == (8, 3000, "0", "#")
