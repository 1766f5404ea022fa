"""The case database that goes away, fills up, is not there, or is not let in: nothing that was noted is lost."""

import asyncio
import contextlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from dialer.database.pulse import Pulse
from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.attempts import AttemptPolicy
from hotline.cases.casebook import OpenCase
from hotline.config import EngineConfig, load_config
from hotline.doctor import _database
from hotline.engine_folder import EngineFolder
from hotline.errors import CannotRun
from hotline.storage.database import Reach
from hotline.storage.store import Store

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def full_disk():
    """No file of this process may grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noted(store: Store, case_id: str) -> list[str]:
    return [details["n"] for entry, details in store.events(case_id) if entry.kind == "step"]


async def stored(store: Store) -> None:
    """What waits is on disk."""
    for _ in range(100):
        await asyncio.wrap_future(store.retry())
        if not store.reach.lost:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the database is not back")


def said(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.message.startswith(("database_", "not_stored"))]


async def test_a_disk_that_is_full_costs_no_entry_of_a_case_and_one_line_in_the_log(tmp_path, caplog):
    caplog.set_level("INFO")
    with Store(str(tmp_path / "cases.db"), Pulse("one"), tmp_path / "unstored.jsonl").open() as store:
        queue = AttemptQueue(store.engine, AttemptPolicy(), None, lambda: 1e9)
        case = OpenCase.opened(store, "telephone", "13600000001", [])
        case.note("caller", "step", n=0)
        await store.flushed()
        with full_disk():
            for n in range(1, 30):
                case.note("caller", "step", n=n)
            case.close("person", "trouble")
            await store.flushed()
            assert store.reach.lost
            with pytest.raises(SQLAlchemyError):
                queue.ask(case.id, "car", "owner")  # what is not kept is not promised
        assert queue.of_case(case.id) is None
        await stored(store)
        assert noted(store, case.id) == list(range(30)) and store.case(case.id).outcome == "person"
    assert said(caplog) == ["database_lost", "database_back"]


async def test_cases_outlive_a_database_that_dies_and_an_engine_that_is_killed_meanwhile(postgres, tmp_path):
    database, file = postgres.new_database(), tmp_path / "unstored.jsonl"
    store = Store(database, Pulse("one"), file).open()
    case = OpenCase.opened(store, "telephone", "13600000001", [])
    case.note("caller", "step", n=0)
    await store.flushed()
    postgres.stop()
    try:
        for n in range(1, 10):
            case.note("caller", "step", n=n)
        second = OpenCase.opened(store, "telephone", "13600000002", [])
        second.note("caller", "step", n="甲")
        await store.flushed()
        assert store.reach.lost and file.stat().st_mode & 0o777 == 0o600
        store._writer.shutdown()  # killed: nothing more is written
        file.write_text(file.read_text(encoding="utf-8") + '{"kind": "entry", "case_', encoding="utf-8")
        again = Store(database, Pulse("one"), file).open(patient=True)
        assert again.reach.lost
    finally:
        postgres.start()
    with again:
        await stored(again)
        assert noted(again, case.id) == list(range(10)) and noted(again, second.id) == ["甲"]
        assert again.case(second.id).caller == "13600000002" and not file.exists()
        assert set(again.close_interrupted()) == {case.id, second.id}


async def test_an_engine_closes_the_cases_of_the_dead_and_none_of_the_living(postgres):
    database, seconds = postgres.new_database(), [0.0]
    stores = [Store(database, Pulse(name, 30, lambda: seconds[0])).open() for name in ("one", "two", "three")]
    cases = [OpenCase.opened(store, "telephone", "", []) for store in stores]
    for store in stores:
        await store.flushed()
        assert store.close_interrupted() == []
    for seconds[0] in (20.0, 40.0):
        await asyncio.wrap_future(stores[1].retry())
        stores[0].close_interrupted()
    assert [stores[0].case(case.id).outcome for case in cases] == ["", "", "interrupted"]
    for store in stores:
        store.close()


async def test_of_engines_that_note_in_one_case_at_once_no_entry_is_lost(postgres):
    database = postgres.new_database()
    stores = [Store(database).open() for _ in range(3)]
    case = OpenCase.opened(stores[0], "telephone", "", [])
    await stores[0].flushed()
    for n in range(20):
        for store in stores:
            OpenCase(store, case.id, []).note("owner", "step", n=n)
    for store in stores:
        await store.flushed()
    assert sorted(noted(stores[0], case.id)) == sorted([*range(20)] * 3)
    for store in stores:
        store.close()


def test_the_doctor_tells_which_database_it_is_and_what_is_wrong_with_it(postgres, tmp_path):
    database = postgres.new_database()
    assert "PostgreSQL 1" in _database(EngineConfig(database_url=database))
    assert _database(EngineConfig(data=tmp_path)).startswith("SQLite 3")
    with pytest.raises(CannotRun, match=r"cannot be opened \(database .nothing. does not exist\); check \[database\] url"):
        _database(EngineConfig(database_url=database.rpartition("/")[0] + "/nothing"))


def test_a_password_is_in_no_message(tmp_path):
    with pytest.raises(CannotRun) as refused:
        Store("postgresql://ivr:secret-word@127.0.0.1:1/ivr").open()
    assert "secret-word" not in str(refused.value) and "ivr:***@127.0.0.1:1/ivr" in str(refused.value)


@pytest.mark.parametrize("written, hint", [
    ('url = "mysql://ivr@db/ivr"', "'mysql' is not supported; write postgresql://"),
    ('url = "postgresql://ivr@db:five/ivr"', "is no address"),
    ("take_over_s = 1", "must be 5 or more"),
])
def test_settings_of_the_database_that_cannot_be_meant_are_one_sentence(tmp_path, written, hint):
    (tmp_path / "ivr.toml").write_text(f"[database]\n{written}\n")
    with pytest.raises(CannotRun, match=hint.replace("[", r"\[")):
        load_config(tmp_path / "ivr.toml")


def test_a_file_is_found_from_the_settings_own_folder(tmp_path):
    (tmp_path / "ivr.toml").write_text('[database]\nurl = "kept/cases.db"\n')
    assert load_config(tmp_path / "ivr.toml").database.database == str(tmp_path / "kept" / "cases.db")


def test_two_engines_do_not_share_a_folder_and_one_keeps_its_name(tmp_path):
    hold = f"from pathlib import Path; from hotline.engine_folder import EngineFolder\nprint(EngineFolder(Path({str(tmp_path)!r})).name)"
    folder = EngineFolder(tmp_path)
    other = subprocess.run([sys.executable, "-c", hold], capture_output=True, text=True, cwd=ROOT)
    assert other.returncode and "another engine works in" in other.stderr
    folder.release()
    assert subprocess.run([sys.executable, "-c", hold], capture_output=True, text=True, cwd=ROOT).stdout.strip() == folder.name


def test_an_answer_to_what_was_asked_before_a_failure_does_not_tell_that_the_database_is_back(caplog):
    caplog.set_level("INFO")
    reach = Reach()
    asked = reach.failures
    reach.failed(OSError("shutting down"))
    reach.answered(asked)
    assert reach.lost
    reach.answered(reach.failures)
    reach.answered(reach.failures)
    assert [record.message for record in caplog.records] == ["database_lost", "database_back"]
