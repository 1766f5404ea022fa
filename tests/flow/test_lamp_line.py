"""A third service, from YAML alone: a broken street lamp is reported by voice or by keys and becomes a case."""

import shutil
from pathlib import Path

import pytest

from hotline.replay.flow_run import Situation, run_flow

FLOWS = Path(__file__).resolve().parents[2] / "flows"
SENTENCES = """
lamp_hello: 您好，这里是路灯报修热线，请说路灯杆上的四位编号。
lamp_again: 请再说一遍路灯编号，或者用电话按键输入四位编号。
lamp_right: 编号是{digits}，对吗？
lamp_noted: 已经登记，维修人员会尽快处理，谢谢您。
"""
LAMP = """\
flow: lamp
start: which
values: {digits: digits, case: text}
limits: {turns: 8, seconds: 120, then: seat}
always: {person: seat, key 0: seat, hang_up: left, trouble: seat}
states:
  # ---- the lamp
  which:
    say_by_visit: [lamp_hello, lamp_again]
    visits: {at_most: 3, then: seat}
    listen: {grammar: digits(length=4), into: digits, profile: digits, keys: {end: "#"}}
    next: {value: right, keys: right, repeat: which, no_match: which, no_input: which}
  right:
    say: lamp_right
    listen: {grammar: yes_no, profile: short}
    next: {yes: note, no: which, repeat: right, no_match: which, no_input: which, key 1: note}
  # ---- what is done
  note: {do: open_case, with: {reason: lamp, lamp: "{digits}"}, next: {done: thanks}}
  thanks: {say: lamp_noted, end: noted}
  seat: {say: transfer_person, do: transfer, with: asked, next: {talked: talked, failed: busy}}
  talked: {end: person}
  busy: {say: transfer_failed, end: call-back}
  left: {end: caller-hung-up}
"""


@pytest.fixture(scope="module")
def lamp(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flows") / "flows"
    shutil.copytree(FLOWS, folder, ignore=shutil.ignore_patterns("*.flac"))
    with (folder / "prompts" / "prompts.yaml").open("a", encoding="utf-8") as file:
        file.write(SENTENCES)
    (folder / "lamp.yaml").write_text(LAMP, "utf-8")
    return folder / "lamp.yaml"


@pytest.mark.parametrize("lines, outcome, digits", [
    ("一二三四/对", "noted", "1234"),
    ("#5678/#1", "noted", "5678"),
    ("#5678#/对", "noted", "5678"),
    ("一二三四/不对/#5678/对", "noted", "5678"),
    ("#567#/#567/#/#0", "person", ""),
    ("#56/#5678/对", "noted", "5678"),
    ("/转人工", "person", ""),
    ("#0", "person", ""),
    ("一二三四/hang up", "caller-hung-up", "1234"),
])
def test_a_lamp_is_reported_and_a_person_is_one_step_away(lamp, lines, outcome, digits):
    typed, log = iter(lines.split("/")), []
    ended = run_flow(lamp, "", Situation(), lambda *_: next(typed), lambda side, kind, **details: log.append((kind, details)))
    assert ended.outcome == outcome and ended.values.get("digits", "") == digits
    opened = [details["with_lamp"] for kind, details in log if kind == "opened"]
    assert opened == ([digits] if outcome == "noted" else [])
