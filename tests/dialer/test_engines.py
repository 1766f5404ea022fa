"""Engines that are killed, that stand still, and that share a PostgreSQL: no attempt rings twice."""

import itertools
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Thread

import dialing_process
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from dialer.database.pulse import Pulse
from dialer.queue.attempt_queue import AttemptQueue, Begun
from dialer.queue.attempts import AttemptPolicy
from hotline.storage.database import connected, database_url
from hotline.storage.store import Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CUT_OFF = 5
"""So many kills must fall into an attempt, which takes about 20 ms; the test's limit of time ends a test that finds none."""
TAKE_OVER_S = 2.5


def attempts_in(database: str) -> list:
    """Every attempt: name, engine, outcome, when it began and ended."""
    columns = "request_id || '/' || seq, engine, outcome, begun_at, ended_at, request_id"
    engine = connected(database_url(database, None))
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT {columns} FROM owner_attempt ORDER BY request_id, seq").fetchall()


def test_a_process_killed_at_any_moment_never_rings_twice_for_one_attempt(tmp_path):
    database, rings, rng = f"sqlite:///{tmp_path / 'queue.db'}", tmp_path / "rings", random.Random(5)
    cut_off = 0
    while cut_off < CUT_OFF:
        dialer = dialing_process.start(database, rings, "engine")
        time.sleep(rng.uniform(0, 0.15))  # an attempt takes about 20 ms, half of it ringing
        dialer.kill()
        dialer.join(20)
        cut_off += sum(not row[2] for row in attempts_in(database))
    rung, begun = Counter(rings.read_text().split()), attempts_in(database)
    with create_engine(database).connect() as connection:
        most = connection.exec_driver_sql("SELECT max(spent) FROM owner_request").scalar_one()
    assert max(rung.values()) == 1, "an attempt rang twice"
    assert set(rung) <= {row[0] for row in begun} and most <= dialing_process.NUMBERS
    assert sum(row[2] == "lost" for row in begun) >= CUT_OFF - 1


def test_of_engines_on_one_database_that_are_killed_the_others_go_on_and_no_attempt_rings_twice(postgres, tmp_path):
    database, rings, rng = postgres.new_database(), tmp_path / "rings", random.Random(7)
    names = map("engine-{}".format, itertools.count())
    living = {}

    def begin(name: str) -> None:
        living[name] = dialing_process.start(database, rings, name, TAKE_OVER_S)

    for _ in range(3):
        begin(next(names))
    cut_off = 0
    for kill in itertools.count():
        if cut_off >= CUT_OFF:
            break
        time.sleep(rng.uniform(0.02, 0.15))
        name = rng.choice(sorted(living))
        killed = living.pop(name)
        killed.kill()
        killed.join(20)
        cut_off += sum(row[1] == name and not row[2] for row in attempts_in(database))
        begin(name if kill % 2 else next(names))  # started again, or never seen again
    deadline = time.monotonic() + 30
    while orphans := [row for row in attempts_in(database) if not row[2] and row[1] not in living]:
        assert time.monotonic() < deadline, f"nobody took over {orphans}"
        time.sleep(0.1)
    for dialer in living.values():
        dialer.kill()
        dialer.join(20)
    rung, rows = Counter(rings.read_text().split()), attempts_in(database)
    assert max(rung.values()) == 1, "an attempt rang twice"
    assert len({row[1] for row in rows}) >= 3 and sum(row[2] == "lost" for row in rows) >= CUT_OFF
    for before, after in zip(rows, rows[1:], strict=False):
        assert before[5] != after[5] or after[3] >= before[4] > 0, "an owner was rung while being rung"


def test_an_owners_daily_cap_holds_over_all_engines(postgres):
    with Store(postgres.new_database()).open() as store:
        policy, rung = AttemptPolicy(attempts=1, daily=3), []
        queues = [AttemptQueue(store.engine, policy, lambda: NOON, pulse=Pulse(f"engine-{n}")) for n in range(6)]
        requests = [queues[0].ask(f"case-{n}", f"car-{n}", "owner").id for n in range(24)]

        def work(queue: AttemptQueue) -> None:
            for request in random.sample(requests, len(requests)):
                if isinstance(begun := queue.begin(request, 1), Begun):
                    rung.append(begun)
                    queue.end(begun, "no-answer")

        threads = [Thread(target=work, args=(queue,)) for queue in queues]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(rung) == 3


class Watch:
    """Steady seconds, and a time of day that anyone may set."""

    def __init__(self):
        self.steady, self.wall = 0.0, NOON

    def on(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds)


def test_who_lives_is_looked_at_however_often_an_engine_beats_besides(engines, watch):
    one, other = engines
    begun = one.begin(one.ask("case-1", "car", "owner").id, 1)
    for _ in range(100):
        watch.on(0.5)
        with Session(other._engine) as session:
            other._pulse.beat(session)  # as the engine does for its cases
            session.commit()
        other.claim(1)
    assert other.attempts(begun.request_id)[0].outcome == "lost"


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def engines(request, tmp_path, watch):
    """Two engines on one database, on one watch."""
    url = str(tmp_path / "cases.db") if request.param == "SQLite" else request.getfixturevalue("postgres").new_database()
    with Store(url).open() as store:
        yield [AttemptQueue(store.engine, AttemptPolicy(), lambda: watch.wall, lambda: NOON.timestamp() + watch.steady,
                            Pulse(name, 30, lambda: watch.steady)) for name in ("one", "other")]


def test_an_engine_that_counts_on_keeps_its_attempt_and_one_that_stands_still_loses_it(engines, watch):
    one, other = engines
    begun = one.begin(one.ask("case-1", "car", "owner").id, 1)
    for _ in range(100):
        watch.on(10)
        one.claim(1)
        other.claim(1)
        assert not other.attempts(begun.request_id)[0].outcome
    for _ in range(2):
        watch.on(29 / 2)
        other.claim(1)
    assert not other.attempts(begun.request_id)[0].outcome
    watch.on(1)
    other.claim(1)
    assert other.attempts(begun.request_id)[0].outcome == "lost"
    one.end(begun, "coming")  # too late: it is not heard from any more
    assert [attempt.outcome for attempt in one.attempts(begun.request_id)] == ["lost"]


def test_clocks_that_are_set_take_nobody_for_dead(engines, watch):
    one, other = engines
    begun = one.begin(one.ask("case-1", "car", "owner").id, 1)
    for jump in (timedelta(hours=1), timedelta(days=-2), timedelta(days=400)):
        watch.wall += jump
        other.claim(1)
        watch.on(2)
        one.claim(1)
    assert not other.attempts(begun.request_id)[0].outcome


def test_of_an_attempt_whose_beginning_was_never_heard_back_nobody_waits_for_the_end(engines, watch):
    one, _ = engines
    request = one.ask("case-1", "car", "owner").id
    assert isinstance(one.begin(request, 1), Begun)
    one._under_way.clear()  # as when the connection broke while the commit's answer was on its way
    watch.on(2)
    one.claim(1)
    assert one.attempts(request)[0].outcome == "lost" and one.request(request).state == "waiting"


def test_an_owner_of_two_cars_is_not_rung_about_one_while_called_about_the_other(engines, watch):
    one, other = engines
    first, second = (one.ask(f"case-{car}", car, "owner").id for car in ("car-1", "car-2"))
    begun = one.begin(first, 1)
    assert other.begin(second, 1).why == "calling"
    one.end(begun, "no-answer")
    watch.on(5)
    assert isinstance(other.begin(second, 1), Begun)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=-1)])
def test_a_clock_that_is_set_while_an_engine_lives_changes_no_wait(engines, watch, jump):
    one, _ = engines
    request = one.ask("case-1", "car", "owner").id
    one.end(one.begin(request, 1), "no-answer")
    watch.wall += jump
    rings = []
    for second in range(0, 1300, 5):
        if isinstance(begun := one.begin(request, 1), Begun):
            rings.append(second)
            one.end(begun, "no-answer")
        watch.on(5)
    assert rings == [300, 600] and one.request(request).state == "done"
