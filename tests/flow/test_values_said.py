"""What counts as set when a prompt says a value: no alarm where every way has set it, one where a way has not."""

import pytest
from test_flow_messages import BROKEN, HOUSE

from ivr.flow.check import problems
from ivr.flow.load import load_flow

FLOW = """\
flow: test
start: ask
values: {{plate: plate, minutes: minutes, tries: number, topic: text}}
{given}
limits: {{turns: 3, seconds: 60, then: person}}
always: {{person: person, key 0: person, hang_up: bye, trouble: person}}
states:
  ask:
    say: hello
    listen: {{grammar: answer, profile: short{into}}}
    next: {{yes: then, no: {no}, repeat: ask, no_match: person, no_input: person}}
  then: {then}
  soon: {{say: eta, next: {{done: bye}}}}
  person: {{say: transfer, do: transfer, with: asked, next: {{talked: bye, failed: bye}}}}
  bye: {{say: goodbye, end: done}}
"""


def alarms(folder, then, *, given="", into="", no="person") -> list[str]:
    (folder / "profiles.yaml").write_text((BROKEN / "profiles.yaml").read_text("utf-8"), "utf-8")
    path = folder / "flow.yaml"
    path.write_text(FLOW.format(then=then, given=given, into=into, no=no), "utf-8")
    return [problem.message for problem in problems(load_flow(path), HOUSE)]


@pytest.mark.parametrize("then", [
    "{set: {minutes: 15}, next: {done: soon}}",
    "{choose: minutes, next: {given: soon, missing: bye}}",
    "{choose: [{when: minutes is given, then: soon}, {otherwise: bye}]}",
    "{choose: [{when: minutes is missing, then: bye}, {otherwise: soon}]}",
    "{choose: [{when: not (minutes is missing) and tries < 3, then: soon}, {otherwise: bye}]}",
    "{choose: [{when: minutes > 5, then: soon}, {otherwise: bye}]}",
    "{choose: [{when: minutes is missing or tries > 3, then: bye}, {otherwise: soon}]}",
])
def test_a_value_that_every_way_has_set_may_be_said(then, tmp_path):
    assert alarms(tmp_path, then) == []


@pytest.mark.parametrize("then", [
    "{next: {done: soon}}",
    "{choose: minutes, next: {given: soon, missing: soon}}",
    "{choose: [{when: minutes is given or tries < 3, then: soon}, {otherwise: bye}]}",
    "{choose: [{when: minutes is missing, then: soon}, {otherwise: bye}]}",
    "{choose: [{when: minutes < 5, then: soon}, {otherwise: bye}]}",
    "{choose: [{when: minutes is missing and tries > 3, then: bye}, {otherwise: soon}]}",
    "{visits: {at_most: 2, then: soon}, set: {minutes: 15}, next: {done: bye}}",
])
def test_a_value_that_some_way_has_not_set_must_not(then, tmp_path):
    [told] = alarms(tmp_path, then)
    assert told.startswith("the prompt 'eta' says {minutes}, which ")


def test_what_was_heard_is_set_where_something_was(tmp_path):
    assert alarms(tmp_path, "{next: {done: soon}}", into=", into: minutes") == []


def test_the_way_that_lacks_a_value_is_named(tmp_path):
    [told] = alarms(tmp_path, "{set: {minutes: 15}, next: {done: soon}}", no="soon")
    assert "not set where the call comes by ask → soon" in told


def test_a_value_that_the_call_begins_with_is_set(tmp_path):
    assert alarms(tmp_path, "{next: {done: soon}}", given="given: [minutes]") == []
