"""The queue of calls to owners: how often, how soon, when, and never twice for one attempt."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import inspect

from dialer.errors import ConfigProblem
from dialer.queue.attempt_queue import AttemptQueue, Base, Begun, Held
from dialer.queue.attempts import AttemptPolicy
from hotline.storage.store import Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """A time of day that a test moves."""

    def __init__(self, at: datetime = NOON):
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def on(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def make_queue(request, tmp_path, clock):
    """A queue with these rules; all of a test's queues share one database."""
    if request.param == "SQLite":
        url = f"sqlite:///{tmp_path / 'cases.db'}"
    else:
        url = request.getfixturevalue("emptied")
    with Store(url).open() as store:
        yield lambda **rules: AttemptQueue(store.engine, AttemptPolicy(**rules), clock)


@pytest.fixture(scope="module")
def one_database(postgres):
    return postgres.new_database()


@pytest.fixture
def emptied(one_database):
    """A PostgreSQL database in which nothing is left of the tests before."""
    with Store(one_database).open() as store, store.engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    return one_database


def attempt(queue: AttemptQueue, request_id: int, outcome: str, numbers: int = 1, **how):
    """One attempt from begin to end; the number that was rung, and the request after it."""
    begun = queue.begin(request_id, numbers)
    assert isinstance(begun, Begun), begun
    return begun.number, queue.end(begun, outcome, **how)


def test_the_migration_makes_the_tables_that_the_queue_uses(make_queue):
    queue = make_queue()
    kept = inspect(queue._engine)
    for table in Base.metadata.tables.values():
        assert {column["name"] for column in kept.get_columns(table.name)} == set(table.columns.keys())
    assert {index["name"] for index in kept.get_indexes("owner_request")} >= {"one_open_request_per_car"}


@pytest.mark.parametrize("outcome, wait_s", [("busy", 60), ("no-answer", 300), ("voicemail", 300), ("off", 900)])
def test_the_wait_for_the_same_number_is_by_what_happened(make_queue, clock, outcome, wait_s):
    queue = make_queue()
    request = queue.ask("case-1", "car", "owner")
    attempt(queue, request.id, outcome)
    clock.on(wait_s - 1)
    assert queue.begin(request.id, 1) == Held("spaced", clock().timestamp() + 1)
    clock.on(1)
    assert isinstance(queue.begin(request.id, 1), Begun)


def test_the_next_number_is_tried_at_once_and_the_sooner_one_again(make_queue, clock):
    queue = make_queue(attempts=4)
    request = queue.ask("case-1", "car", "owner")
    assert attempt(queue, request.id, "no-answer", 3)[0] == 0
    assert attempt(queue, request.id, "busy", 3)[0] == 1
    number, request = attempt(queue, request.id, "no-such-number", 3)
    assert number == 2 and request.due_at == clock().timestamp() + 60
    clock.on(60)
    assert attempt(queue, request.id, "busy", 3)[0] == 1


def test_all_numbers_together_have_one_budget(make_queue, clock):
    queue = make_queue(attempts=3)
    request = queue.ask("case-1", "car", "owner")
    for _ in range(3):
        _, request = attempt(queue, request.id, "busy", 2)
        clock.on(60)
    assert (request.state, request.outcome, request.spent) == ("done", "busy", 3)
    assert queue.begin(request.id, 2) == Held("over", None)


@pytest.mark.parametrize("outcome", ["coming", "not-mine", "refuses", "an outcome of tomorrow"])
def test_after_an_answer_nobody_is_called_again(make_queue, clock, outcome):
    queue = make_queue()
    request = queue.ask("case-1", "car", "owner")
    attempt(queue, request.id, outcome, 3)
    clock.on(600)
    assert queue.begin(request.id, 3) == Held("over", None)


def test_numbers_that_are_none_end_the_request(make_queue):
    queue = make_queue()
    request = queue.ask("case-1", "car", "owner")
    assert attempt(queue, request.id, "no-such-number", 2)[1].state == "waiting"
    assert attempt(queue, request.id, "suspended", 2)[1].state == "done"


def test_a_failing_trunk_spends_nothing_and_is_tried_ever_more_rarely(make_queue, clock):
    queue = make_queue(attempts=1, keep_trying_s=3600)
    request, waits = queue.ask("case-1", "car", "owner"), []
    while request.state == "waiting":
        begun = queue.begin(request.id, 1)
        if isinstance(begun, Held):
            break
        before = clock().timestamp()
        request = queue.end(begun, "failed", rang=False)
        waits.append(request.due_at - before)
        clock.on(waits[-1])
    assert request.spent == 0 and waits[:4] == [30, 60, 120, 240] and max(waits) == 600
    assert len(waits) < 15 and queue.request(request.id).state == "done"


def test_a_trunk_that_failed_while_the_phone_rang_spends_an_attempt(make_queue):
    queue = make_queue(attempts=1)
    request = queue.ask("case-1", "car", "owner")
    assert attempt(queue, request.id, "failed", rang=True)[1].state == "done"


def test_in_quiet_hours_only_an_emergency_rings(make_queue, clock):
    clock.at = NOON.replace(hour=21, minute=50)
    queue = make_queue(quiet="22:00-07:00")
    late, urgent = queue.ask("case-1", "car-1", "a"), queue.ask("case-2", "car-2", "b", emergency=True)
    attempt(queue, late.id, "no-answer")
    clock.on(1200)
    assert queue.begin(late.id, 1).why == "quiet" and queue.request(late.id).state == "done"
    assert isinstance(queue.begin(urgent.id, 1), Begun)


def test_an_emergency_told_later_ends_the_wait_for_the_morning(make_queue, clock):
    queue = make_queue(quiet="22:00-07:00", keep_trying_s=86_400)
    clock.at = NOON.replace(hour=23)
    request = queue.ask("case-1", "car", "owner")
    assert queue.begin(request.id, 1).why == "quiet"
    assert queue.claim(5) == []
    assert queue.mark_emergency("case-1").emergency
    assert [each.id for each in queue.claim(5)] == [request.id]
    assert isinstance(queue.begin(request.id, 1), Begun)


def test_an_emergency_takes_up_what_was_given_up_for_the_night_and_nothing_else(make_queue, clock):
    queue = make_queue(quiet="22:00-07:00", attempts=1)
    clock.at = NOON.replace(hour=23)
    request = queue.ask("case-1", "car", "owner", ticket="a ticket")
    assert queue.begin(request.id, 1) == Held("quiet", None)
    taken_up = queue.mark_emergency("case-1")
    assert (taken_up.state, taken_up.ticket, taken_up.emergency) == ("waiting", "a ticket", True)
    attempt(queue, taken_up.id, "no-answer")
    assert queue.mark_emergency("case-1") is None, "its budget is spent"
    assert queue.mark_emergency("nobody asked") is None


def test_a_request_made_just_before_quiet_hours_end_is_called_when_they_do(make_queue, clock):
    clock.at = NOON.replace(hour=6, minute=50, second=20)
    queue = make_queue(quiet="22:00-07:00")
    request = queue.ask("case-1", "car", "owner")
    held = queue.begin(request.id, 1)
    assert held == Held("quiet", NOON.replace(hour=7).timestamp())
    clock.at = NOON.replace(hour=7)
    assert isinstance(queue.begin(request.id, 1), Begun)


def test_an_owner_is_called_so_often_a_day_over_all_requests(make_queue, clock):
    queue = make_queue(daily=2, attempts=1)
    for number in range(2):
        request = queue.ask(f"case-{number}", f"car-{number}", "owner")
        attempt(queue, request.id, "no-answer")
        clock.on(3600)
    over, other = queue.ask("case-8", "car-8", "owner"), queue.ask("case-9", "car-9", "another")
    assert queue.begin(over.id, 1) == Held("daily", None)
    assert isinstance(queue.begin(other.id, 1), Begun)
    clock.on(23 * 3600)
    again = queue.ask("case-10", "car-8", "owner")
    assert isinstance(queue.begin(again.id, 1), Begun)


def test_callers_for_one_car_share_one_call(make_queue):
    queue = make_queue()
    first, second = queue.ask("case-1", "car", "owner"), queue.ask("case-2", "car", "owner")
    assert first.id == second.id and queue.cases(first.id) == ["case-1", "case-2"]
    assert isinstance(queue.begin(first.id, 1), Begun)
    assert queue.begin(second.id, 1).why == "calling"


def test_callers_at_the_same_moment_share_one_call(make_queue):
    queues, asked = [make_queue() for _ in range(8)], []
    threads = [Thread(target=lambda n=n: asked.append(queues[n].ask(f"case-{n}", "car", "owner").id)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(asked) == 8 and len(set(asked)) == 1
    begun = [queue.begin(asked[0], 1) for queue in queues]
    assert Counter(map(type, begun)) == {Begun: 1, Held: 7}


def test_an_answer_stands_for_whoever_asks_next(make_queue, clock):
    queue = make_queue(answer_stands_s=120)
    first = queue.ask("case-1", "car", "owner")
    attempt(queue, first.id, "later", minutes="10")
    clock.on(119)
    told = queue.ask("case-2", "car", "owner")
    assert (told.id, told.outcome, told.minutes) == (first.id, "later", "10")
    clock.on(1)
    assert queue.ask("case-3", "car", "owner").id != first.id


@pytest.mark.parametrize("remind_s", [0, 300])
def test_an_answer_that_did_not_come_true_stands_no_more_and_the_owner_is_reminded_now(make_queue, clock, remind_s):
    queue = make_queue(remind_s=remind_s, attempts=3, answer_stands_s=3600)
    first = queue.ask("case-1", "car", "owner")
    attempt(queue, first.id, "coming")
    clock.on(60)
    assert queue.ask("case-2", "car", "owner").id == first.id
    again = queue.ask("case-3", "car", "owner", afresh=True)
    begun = queue.begin(again.id, 1)
    assert again.id != first.id and begun.reminder
    assert queue.request(first.id).state == "done", "there is one reminder, not two"


def test_a_first_call_is_no_reminder(make_queue):
    queue = make_queue()
    assert not queue.begin(queue.ask("case-1", "car", "owner").id, 1).reminder


def test_a_call_is_cancelled_when_the_last_who_asked_needs_it_no_more(make_queue):
    queue = make_queue()
    request = queue.ask("case-1", "car", "owner")
    queue.ask("case-2", "car", "owner")
    assert queue.withdraw("case-1").state == "waiting"
    begun = queue.begin(request.id, 1)
    assert queue.withdraw("case-2").state == "cancelled"
    assert queue.end(begun, "no-answer").state == "cancelled"
    assert queue.begin(request.id, 1) == Held("over", None)
    assert queue.withdraw("no such case") is None


@pytest.mark.parametrize("minutes, wait_s", [("", 900), ("10", 600), ("40", 2400)])
def test_an_owner_who_asks_to_be_called_later_is_called_then_at_the_same_number(make_queue, clock, minutes, wait_s):
    queue = make_queue(attempts=3, keep_trying_s=1800)
    request = queue.ask("case-1", "car", "owner")
    attempt(queue, request.id, "no-answer", 2)
    number, waiting = attempt(queue, request.id, "call-later", 2, minutes=minutes)
    assert (number, waiting.state, waiting.outcome) == (1, "waiting", "call-later")
    clock.on(wait_s - 1)
    assert queue.begin(request.id, 2) == Held("spaced", clock().timestamp() + 1)
    clock.on(1)
    assert attempt(queue, request.id, "coming", 2)[0] == 1


def test_an_owner_who_asks_to_be_called_later_is_not_called_beyond_the_budget(make_queue):
    queue = make_queue(attempts=1)
    request = queue.ask("case-1", "car", "owner")
    assert attempt(queue, request.id, "call-later")[1].state == "done"


def test_an_owner_who_wants_no_calls_has_a_day_of_peace_about_any_car(make_queue, clock):
    queue = make_queue(no_calls_s=86_400, answer_stands_s=0)
    request = queue.ask("case-1", "car", "owner")
    assert attempt(queue, request.id, "no-calls")[1].state == "done"
    clock.on(86_000)
    other = queue.ask("case-2", "another car", "owner", emergency=True)
    assert queue.begin(other.id, 1) == Held("no-calls", None)
    assert queue.request(other.id).outcome == "no-calls"
    clock.on(400)
    assert isinstance(queue.begin(queue.ask("case-3", "car", "owner").id, 1), Begun)


def test_nobody_is_called_about_what_was_asked_long_ago(make_queue, clock):
    queue = make_queue(keep_trying_s=1800)
    request = queue.ask("case-1", "car", "owner")
    clock.on(1801)
    assert make_queue().recover() == []
    assert queue.begin(request.id, 1) == Held("over", None)
    assert queue.ask("case-2", "car", "owner").id != request.id


@pytest.mark.parametrize("jump_s", [-86_400 * 365, -3600, 3600, 86_400 * 365])
def test_a_clock_that_jumps_rings_nobody_more_often(make_queue, clock, jump_s):
    queue, rings = make_queue(attempts=3, daily=4), 0
    request = queue.ask("case-1", "car", "owner")
    attempt(queue, request.id, "no-answer")
    clock.on(jump_s)
    for _ in range(120):  # two hours
        begun = queue.begin(request.id, 1)
        if isinstance(begun, Begun):
            rings += 1
            queue.end(begun, "no-answer")
        clock.on(60)
    assert rings == (2 if jump_s < 0 else 0)  # back: the waits begin anew; ahead: it is too long ago
    assert queue.request(request.id).state == "done"


@pytest.mark.parametrize("rules", [
    {"attempts": 0}, {"attempts": -1}, {"attempts": 1000}, {"attempts": True}, {"attempts": "3"}, {"daily": 0},
    {"busy_wait_s": 0}, {"no_answer_wait_s": 1.5}, {"trunk_wait_s": 0}, {"keep_trying_s": 10**9},
    {"quiet": "22-7"}, {"quiet": "25:00-07:00"}, {"quiet": "07:00-07:00"}, {"quiet": None},
])  # fmt: skip
def test_rules_that_cannot_be_meant_call_nobody(rules):
    with pytest.raises(ConfigProblem, match=r"^\[owners\] \w+ must be"):
        AttemptPolicy(**rules)
