"""A choice of phrases, written in a flow or in a grammar's file, and what is told about a wrong one."""

import random

import pytest

from asr.grammars.grammar import FOLDER, Grammar
from asr.recognizer import GrammarError
from ivr.flow.check import House, problems
from ivr.flow.load import load_flow
from ivr.flow.source import FlowError

HEAD = "flow: test\nstart: ask\nlimits: {turns: 3, seconds: 60, then: seat}\nalways: {person: seat, key 0: seat}\nstates:\n"
NEXT = "    next: {park: bye, toilet: bye, repeat: bye, no_match: bye, no_input: bye}\n  bye: {end: done}\n  seat: {end: person}\n"


def flow_of(folder, listen, after=NEXT):
    (folder / "profiles.yaml").write_text("short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")
    path = folder / "flow.yaml"
    path.write_text(f"{HEAD}  ask:\n    listen: {listen}\n{after}", "utf-8")
    return load_flow(path)


def told(flow, folder=None):
    return [str(problem) for problem in problems(flow, House({}, {"yes_no", "digits", "plate"}, {}, folder))]


def test_a_choice_in_a_flow_is_heard(tmp_path):
    flow = flow_of(tmp_path, "{choice: {park: [停车, 停车场], toilet: [厕所, 洗手间]}}")
    assert told(flow, FOLDER) == []
    grammar, rng = Grammar.load(flow.states["ask"].listen.grammar), random.Random(1)
    said = {sentence.value for sentence in (grammar.sample(rng) for _ in range(500))}
    assert said == {"park", "toilet", "person", "repeat"}


def test_a_choice_in_a_grammar_file_is_heard(tmp_path):
    (tmp_path / "where.yaml").write_text("choice:\n  park: [停车, 停车场]\n  toilet: [厕所]\n", "utf-8")
    grammar, rng = Grammar.load("where", tmp_path), random.Random(1)
    assert {grammar.sample(rng).value for _ in range(100)} == {"park", "toilet"}


def test_a_grammar_takes_parameters_in_a_flow(tmp_path):
    flow = flow_of(tmp_path, "{grammar: digits(length=4)}", NEXT.replace("park: bye, toilet: bye", "value: bye"))
    assert told(flow, FOLDER) == []


@pytest.mark.parametrize("listen, message", [
    ("{}", "needs a grammar or a choice"),
    ("{grammar: yes_no, choice: {a: [对]}}", "needs a grammar or a choice"),
    ("{choice: {park: 停车}}", ":7:29: expected a list here"),
    ("{choice: {park: []}}", ":7:29: `park` needs a list of phrases"),
    ("{choice: {two words: [停车]}}", ":7:23: `two words` cannot be a choice's value: a branch of the flow has that name, so write letters"),
    ("{choice: {1e3: [停车]}}", ":7:23: `1e3` cannot be a choice's value: it begins with a digit, so put a letter before it: v1e3"),
    ("{choice: {012: [停车]}}", "`012` cannot be a choice's value: it begins with a digit, so put a letter before it: v012"),
    ("{choice: {park: [停车], toilet: [停车]}}", "`停车` is said for `park` and for `toilet`"),
    ("{choice: {park: [a=b]}}", "`a=b` is no phrase"),
    ("{grammar: digits(4)}", "`4` is no parameter: write length=11"),
    ("{grammar: 'digits(length=4'}", "is no grammar's name"),
])
def test_a_wrong_choice_is_told_with_its_place(tmp_path, listen, message):
    with pytest.raises(FlowError) as caught:
        flow_of(tmp_path, listen)
    assert message in str(caught.value) and "flow.yaml:7:" in str(caught.value)


@pytest.mark.parametrize("listen, message", [
    ("{grammar: digts(length=4)}", "'digts', which is no grammar; did you mean 'digits'?"),
    ("{grammar: digits(lengths=4)}", "there is no parameter `lengths`; did you mean `length`?"),
    ("{grammar: digits(length=9-2)}", "digits.yaml:"),
    ("{grammar: digits+persn}", "there is no rule `persn`; did you mean `person`?"),
    ("{choice: {park: [龘], toilet: [厕所]}}", "no reading is known for '龘'"),
    ("{choice: {park: ['(停车'], toilet: [厕所]}}", "bracket"),
])
def test_what_the_grammars_say_wrongly_is_told_before_a_call(tmp_path, listen, message):
    found = told(flow_of(tmp_path, listen), FOLDER)
    assert len(found) == 1 and message in found[0] and "flow.yaml:7:" in found[0]


def test_a_choice_needs_a_branch_for_each_of_its_values(tmp_path):
    missing, never = told(flow_of(tmp_path, "{choice: {gate: [大门], park: [停车]}}"), FOLDER)
    assert "flow.yaml:8:5: state 'ask' has no branch for the answer 'gate'" in missing
    assert "flow.yaml:8:23: 'toilet' is never heard in state 'ask'" in never


@pytest.mark.parametrize("text, message", [
    ("choice:\n  park: [停车]\n  toilet: [停车]\n", "where.yaml:3: `停车` is said for `park`"),
    ("choice:\n  park: 停车\n", "where.yaml:2: `park` needs a list"),
    ("start: a\nrules:\n  a:\n    - {say: '(停'}\n", "where.yaml:3: `a`: `(停`: a bracket is not closed"),
    ("start: a\nruls: {}\n", "where.yaml:2: `ruls` is not known here; did you mean `rules`?"),
    ("start: a\nrules: {a: [{say: 对, vale: x}]}\n", "an alternative has no `vale`"),
    ("start: a\nrules: {a: [{say: 对, weight: -1}]}\n", "weight -1 must be a number over 0"),
    ("start: a\nwith: {a: 1.5}\nrules: {a: [{say: 对}]}\n", "sum to less than 1"),
    ("start: [\n", "where.yaml:2: not YAML"),
    ("start: a\nrules: {a: [{say: '[对]+'}]}\n", "may be empty"),
    ("start: a\nrules: {a: {sequence: {classes: [D], patterns: {D: 1}}}}\n", "the sequence cannot be laid"),
    ("start: a\nrules: {a: {sequence: {classes: {D: d}, patterns: {D: x}}}, d: {'1': 一}}\n", "the sequence cannot be laid"),
    ("start: a\nrules: {a: {sequence: {classes: {D: d}, patterns: {E: 1}}}, d: {'1': 一}}\n", "use E, which are no classes"),
    ("start: a\nrules: {a: {sequence: {clases: {D: d}}}}\n", "a sequence has no `clases`"),
    ("start: [a]\nrules: {a: [{say: 对}]}\n", "`start` the name of a rule"),
    ("start: a\nuse:\nrules: {a: [{say: 对}]}\n", "`use` needs a list"),
    ("- a\n", "needs `start` and `rules`"),
    ("start: a\nrules: {a: 3}\n", "a rule is a list"),
    ("start: a\nrules: {a: [{say: '对@x'}]}\n", "`@` must be a number over 0"),
    ("start: a\nrules: {a: [{say: '对@0'}]}\n", "must be a number over 0"),
    ("start: a\nrules: {a: [{say: '$b'}]}\n", "there is no parameter `b`"),
    ("start: a\nrules: {a: [{say: 对, value: '{b}'}], b: [{say: 对}]}\n", "names a slot that `对` does not say"),
])
def test_a_wrong_grammar_file_is_told_with_its_line(tmp_path, text, message):
    (tmp_path / "where.yaml").write_text(text, "utf-8")
    with pytest.raises(GrammarError) as caught:
        _ = Grammar.load("where", tmp_path).graph
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["", "+", "../plate", "a/b", "\0", "plate+", "digits()", "digits(length)", "digits(length=99)",
                                  "choice()", "choice(a=)", "plate(home=XX)", "common", "nobody"])
def test_a_wrong_name_is_one_sentence(name):
    with pytest.raises(GrammarError):
        _ = Grammar.load(name).graph


def test_free_speech_is_a_grammar_that_has_no_graph():
    grammar = Grammar.load("free")
    assert grammar.free and not Grammar.load("yes_no").free
    with pytest.raises(GrammarError, match="free speech, which this engine does not hear"):
        _ = grammar.graph
