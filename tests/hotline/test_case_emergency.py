"""An operator makes a case an emergency: its owner is called in quiet hours too."""

from datetime import datetime

import pytest
from click.testing import CliRunner

from dialer.queue.attempt_queue import AttemptQueue, Held
from dialer.queue.attempts import AttemptPolicy
from hotline.cases.casebook import OpenCase
from hotline.cli import ivr
from hotline.errors import CannotRun
from hotline.storage.store import Store

MIDNIGHT = datetime(2026, 1, 5).astimezone()


@pytest.fixture
def case_at_night(tmp_path):
    """A database with a case whose owner is not called before the morning: (path, case)."""
    with Store(f"sqlite:///{tmp_path / 'cases.db'}").open() as store:
        case = OpenCase.opened(store, "telephone", "13900000000", [])
        case.set_plate("赣KA1234")
        queue = AttemptQueue(store.engine, AttemptPolicy(quiet="22:00-07:00"), lambda: MIDNIGHT)
        assert queue.begin(queue.ask(case.id, "car", "owner").id, 1) == Held("quiet", None)
    return tmp_path / "cases.db", case.id


def emergency(path, case_id: str, answer: str):
    return CliRunner().invoke(ivr, ["case", "emergency", case_id, "--db", str(path)], input=answer)


def test_it_asks_first_and_then_the_request_waits_for_its_call(case_at_night):
    path, case_id = case_at_night
    done = emergency(path, case_id, "y\n")
    assert done.exit_code == 0 and "赣KA1234" in done.output
    with Store(f"sqlite:///{path}").open() as store:
        request = AttemptQueue(store.engine, AttemptPolicy(), lambda: MIDNIGHT).of_case(case_id)
        assert (request.state, request.emergency) == ("waiting", True)
        assert ("emergency", {"confirmed_by": "operator"}) in [(entry.kind, told) for entry, told in store.events(case_id)]


def test_whoever_says_no_changes_nothing(case_at_night):
    path, case_id = case_at_night
    assert emergency(path, case_id, "n\n").exit_code == 1
    with Store(f"sqlite:///{path}").open() as store:
        assert not AttemptQueue(store.engine, AttemptPolicy(), lambda: MIDNIGHT).of_case(case_id).emergency


def test_a_case_without_a_call_to_make_cannot_be_made_one(case_at_night):
    path, case_id = case_at_night
    emergency(path, case_id, "y\n")
    with Store(f"sqlite:///{path}").open() as store:
        AttemptQueue(store.engine, AttemptPolicy(), lambda: MIDNIGHT).withdraw(case_id)
    for named in (case_id, "20260101-000000-0000"):
        assert isinstance(emergency(path, named, "y\n").exception, CannotRun)
