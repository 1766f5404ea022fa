"""`ivr flow run`: the real flow, turns, grammars and actions, spoken with by typing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotline.cli.flow import flow
from hotline.errors import CannotRun

FLOWS = Path(__file__).resolve().parents[2] / "flows"
INBOUND = FLOWS / "move_car_inbound.yaml"


def run(lines: str, *options: str, file: Path = INBOUND):
    return CliRunner().invoke(flow, ["run", str(file), "--script", "-", *options], input=lines, catch_exceptions=False)


def test_a_whole_case_is_typed_from_the_plate_to_the_owners_answer():
    told = run("赣K A 一二三四\n对\nowner: 十分钟到\nend: later\n")
    assert told.exit_code == 0, told.output
    for line in ("[read_back]", "bot> 您说的是赣KA1234，对吗？", "plate = 赣KA1234", "[greeting]", "minutes = 10", "end: later"):
        assert line in told.output


def test_what_a_caller_says_on_hold_is_typed_too_while_the_owner_talks():
    told = run("赣KA1234\n对\nhold: 在小区南门口\nowner: 车停在哪里\nowner: 十分钟后到\nend: later\n")
    assert told.exit_code == 0, told.output
    for line in ("hold> 在小区南门口", "words into: words", "did: callers_words → known", "minutes = 10"):
        assert line in told.output
    gone = run("赣KA1234\n对\nhold: 车已经开走了\nin: gone\n对\n", "--owner", "no-answer")
    assert gone.exit_code == 0 and "heard: match gone" in gone.output, gone.output


def test_nobody_is_asked_on_hold_what_no_line_says_there():
    told = run("赣KA1234\n对\nhold: 喂\nhold: 喂\nhold: 喂\nhold: 喂\nhold: 喂\nhold: 喂\nhold: 喂\nhold: 喂\n", "--owner", "no-answer")
    assert told.exit_code == 1 and "but the script goes on: hold: 喂" in told.output


def test_a_caller_who_is_called_back_is_asked_whether_the_car_is_gone_as_the_owner_says():
    given = ("--value", "plate=赣KA1234", "--value", "outcome=moved")
    gone = run("走了\nend: told\n", *given, file=FLOWS / "move_car_call_back.yaml")
    assert gone.exit_code == 0 and "[car_moved]" in gone.output, gone.output
    there = run("还没有\n需要\nend: person\n", *given, file=FLOWS / "move_car_call_back.yaml")
    assert there.exit_code == 0 and "[offer_person]" in there.output, there.output


def test_who_is_promised_a_call_is_typed_for_again_when_the_phone_rings():
    told = run("赣KA1234\n对\nowner: 过十分钟再打给我\n打电话吧\nowner: 马上来\nin: anything_else\n没有了\nend: goes-on\n",
               "--phone", "mobile", "--texts", "--attempts", "2")
    assert told.exit_code == 0, told.output
    for line in ("[promised_call]", "call_back seq: 1, outcome: coming", "promise_kept how: call", "[bye]"):
        assert line in told.output


def test_an_owner_whom_no_call_reaches_gets_a_text_where_texts_can_be_sent():
    told = run("赣KA1234\n对\nend: no-answer\n", "--owner", "no-answer", "--texts")
    assert told.exit_code == 0 and "text_sent to: owner, text: owner_please_move" in told.output, told.output


def test_a_program_reads_how_the_call_ended():
    told = run("silence\n#0\n", "--json", "--expect", "person")
    ended = json.loads(told.output)
    assert (told.exit_code, ended["outcome"], ended["reason"], ended["state"]) == (0, "person", "asked", "talked")


def test_a_hang_up_ends_the_call():
    told = run("hang up\n", "--expect", "caller-hung-up")
    assert told.exit_code == 0, told.output


def test_another_end_than_the_expected_one_is_exit_code_1():
    told = run("赣KA1234\n对\n", "--owner", "busy", "--expect", "coming")
    assert told.exit_code == 1 and "the call ended as 'busy', expected 'coming'" in told.output


@pytest.mark.parametrize("lines, message", [
    ("赣KA1234\n", "the lines are used up, but in state 'read_back' the caller is asked"),
    ("赣KA1234\nin: correction\n对\n", "<stdin>:2: expected the state 'correction', but the call is in 'read_back'"),
    ("赣KA1234\n对\n对\n", "<stdin>:3: it is the owner's turn"),
    ("#0\n对\n", "<stdin>:2: the call is over, but the script goes on: 对"),
])
def test_a_call_that_does_not_go_as_the_script_says_is_told_with_its_line(lines, message):
    told = run(lines)
    assert told.exit_code == 1 and message in told.output


def test_the_owners_side_alone_is_run_with_the_value_that_it_is_given():
    told = run("不是我的车\n", "--value", "plate=赣KA1234", "--expect", "not-mine", file=FLOWS / "move_car_outbound.yaml")
    assert told.exit_code == 0 and "您的车赣KA1234" in told.output


def test_a_script_that_is_no_text_is_one_sentence(tmp_path):
    (tmp_path / "call.txt").write_bytes("对".encode("gbk"))
    with pytest.raises(CannotRun, match="not UTF-8 text"):
        CliRunner().invoke(flow, ["run", str(INBOUND), "--script", str(tmp_path / "call.txt")],
                           catch_exceptions=False, standalone_mode=False)


@pytest.mark.parametrize("options, message", [
    (["--value", "topic"], "--value topic: write NAME=VALUE"),
    (["--value", "topik=x"], "--value topik: the flow has no such value; did you mean 'topic'?"),
    (["--value", "asked=often"], "--value asked=often: that is no number; write one such as -3"),
    (["--owner-flow", "city_dask"], "there is no city_dask.yaml beside"),
    (["--allow-host", "https://city.example/"], "write the host alone"),
    (["--expect", "persn"], "never ends as 'persn'; did you mean 'person'?"),
    (["--register", "ABC"], "--register ABC: that is no plate"),
])
def test_an_option_that_cannot_be_is_told_before_the_call(options, message):
    with pytest.raises(CannotRun) as told:
        run("#0\n", *options, file=FLOWS / "city_desk.yaml")
    assert message in str(told.value)


def test_a_flow_that_calls_an_owner_needs_the_owners_flow(tmp_path):
    for beside in FLOWS.iterdir():
        if beside.name != "move_car_outbound.yaml":
            (tmp_path / beside.name).symlink_to(beside)
    with pytest.raises(CannotRun, match="--owner-flow: there is no move_car_outbound.yaml beside"):
        run("#0\n", file=tmp_path / "move_car_inbound.yaml")


def test_a_flow_without_its_profiles_is_told_what_to_copy(tmp_path):
    (tmp_path / "flow.yaml").write_text((FLOWS / "city_desk.yaml").read_text("utf-8"), "utf-8")
    told = CliRunner().invoke(flow, ["check", str(tmp_path / "flow.yaml")])
    assert told.exit_code == 1 and "copy flows/profiles.yaml to it" in told.output
