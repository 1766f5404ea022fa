"""The command line, the case database and the settings, as people and scripts use them."""

import json
import socket

import pytest
from service import ROOT, ivr, settle
from voices import PLATE

from hotline.cases.casebook import OpenCase
from hotline.config import EngineConfig, load_config
from hotline.errors import CannotRun
from hotline.storage.store import Store


@pytest.fixture
def told_case(tmp_path):
    """A database with one closed case; its path and the case's number."""
    path = tmp_path / "new" / "cases.db"
    with Store(f"sqlite:///{path}").open() as store:
        case = OpenCase.opened(store, "telephone", "13500000001", [])
        case.note("caller", "arrived", called="12345")
        for number in range(50):
            case.note("caller", "state", name=f"s{number}")
        case.set_plate(PLATE)
        case.close("later", "")
        case.close("interrupted", "the first outcome stands")
    return path, case.id


def test_a_case_keeps_its_events_in_order_and_its_first_outcome(told_case):
    path, case_id = told_case
    with Store(f"sqlite:///{path}").open() as store:
        case, events = store.case(case_id), store.events(case_id)
    assert (case.plate, case.outcome, case.reason) == (PLATE, "later", "") and case.closed_at
    assert [entry.seq for entry, _ in events] == list(range(1, 53))
    assert [details.get("name") for _, details in events[1:-1]] == [f"s{number}" for number in range(50)]


def test_a_database_is_made_from_nothing_and_opened_again(told_case):
    path, case_id = told_case
    for _ in range(2):
        with Store(f"sqlite:///{path}").open() as store:
            assert [case.id for case in store.cases()] == [case_id] and not store.open_cases()


def test_a_database_that_cannot_be_opened_says_what_to_check(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRun, match=r"\[database\] url"):
        Store(f"sqlite:///{tmp_path}/file/cases.db").open()


@pytest.mark.parametrize("text, hint", [
    ('[engin]\ndata = "x"', r"\[engin\] is not known; did you mean 'engine'"),
    ('[engine]\nfinish_call_s = 3', "did you mean 'finish_calls_s'"),
    ("[owners]\nring_s = 'long'", r"'ring_s' in \[owners\] must be a whole number"),
    ("[owners]\nhold_s = -1", r"'hold_s' in \[owners\] must be 0 or more"),
    ("[owners]\nhold_s = 99999", r"'hold_s' in \[owners\] must be 3600 or less"),
    ("[hearing]\nworkers = 0", r"'workers' in \[hearing\] must be 1 or more"),
    ("[services]\nallowed_hosts = 'x'", r"'allowed_hosts' in \[services\] must be a list"),
    ("[owners", "is not TOML"),
])
def test_a_wrong_setting_is_answered_with_the_right_one(tmp_path, text, hint):
    (tmp_path / "ivr.toml").write_text(text)
    with pytest.raises(CannotRun, match=hint):
        load_config(tmp_path / "ivr.toml")


def test_the_example_settings_are_the_defaults():
    assert load_config(ROOT / "ivr.toml.example").finish_calls_s == EngineConfig().finish_calls_s


def test_cases_are_listed_and_told(told_case):
    path, case_id = told_case
    assert case_id in ivr("case", "list", "--db", path).stdout
    assert "closed: later" in ivr("case", "show", case_id, "--db", path).stdout
    story = json.loads(ivr("case", "show", case_id, "--db", path, "--json").stdout)
    assert (story["case"], story["plate"], story["outcome"]) == (case_id, PLATE, "later")
    assert story["events"][0]["kind"] == "arrived" and story["events"][-1]["kind"] == "closed"
    unknown = ivr("case", "show", "20200101-000000-0000", "--db", path)
    assert unknown.returncode == 2 and "ivr case list" in unknown.stderr


def test_plates_are_found_in_a_text():
    found = json.loads(ivr("parse", "--json", "赣K一二三四五").stdout)["plates"]
    assert found[0]["plate"] == "赣K12345" and found[0]["class"] == "ordinary"
    nothing = ivr("parse", "今天天气真好")
    assert nothing.returncode == 1 and "no plate" in nothing.stderr


def test_a_recording_is_heard(words):
    heard = json.loads(ivr("hear", "--json", words[PLATE]).stdout)
    assert PLATE in [hypothesis["value"] for hypothesis in heard["hypotheses"]] and not heard["rejected"]


def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "a.wav").write_text("no sound")
    done = ivr("hear", tmp_path / "a.wav")
    assert done.returncode == 2 and "Traceback" not in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [("--from", "nan"), ("--from", "-1"), ("--best", "0")])
def test_a_number_that_means_nothing_is_refused_as_such(words, options):
    done = ivr("hear", words[PLATE], *options)
    assert done.returncode == 2 and options[0] in done.stderr and "not a recording" not in done.stderr


def test_doctor_finds_a_healthy_installation_healthy(tmp_path):
    settle(tmp_path / "site")
    done = ivr("doctor", "--json", "--config", tmp_path / "site" / "ivr.toml")
    report = json.loads(done.stdout)
    assert report["ok"] and done.returncode == 0, [f for f in report["findings"] if not f["ok"]]
    assert {"hearing", "SIP port", "audio", "vault", "case database"} <= {finding["what"] for finding in report["findings"]}


def test_doctor_says_which_port_is_taken_and_what_to_do(tmp_path):
    world = settle(tmp_path / "site")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", world.sip_port))
        done = ivr("doctor", "--json", "--config", world.folder / "ivr.toml")
    wrong = [finding for finding in json.loads(done.stdout)["findings"] if not finding["ok"]]
    assert done.returncode == 1 and [finding["what"] for finding in wrong] == ["SIP port"]
    assert str(world.sip_port) in wrong[0]["found"] and "sip.conf" in wrong[0]["mend"]
