"""Promises to callers: made on disk, kept once, bounded, and a person's where nothing else keeps them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialer.attempts import AttemptPolicy
from dialer.promises import LEASE_S, CallBackPolicy, Promises
from dialer.queue import AttemptQueue
from dialer.queue_tables import Base
from hotline.caller_line import ways_back
from hotline.database import connected, database_url


class Desk:
    """A queue with one request that is open, and the promises about it."""

    def __init__(self, database: str):
        self.now = 1_700_000_000.0
        self._engine = connected(database_url(database, Path()))
        Base.metadata.create_all(self._engine)
        self.queue = AttemptQueue(self._engine, AttemptPolicy(attempts=1), lambda: datetime.fromtimestamp(self.now, UTC),
                                  lambda: self.now)
        self.request = self.queue.ask("case-1", "car", "owner", ticket="t")
        self.promises = self.started()

    def started(self, name="engine") -> Promises:
        return Promises(self._engine, CallBackPolicy(tries=2, wait_s=60, keep_trying_s=5400), lambda: self.now, name)

    def answer(self, outcome="coming"):
        self.queue.end(self.queue.begin(self.request.id, 1), outcome)

    def claim(self):
        return [(promise.state, promise.outcome) for promise in self.promises.claim(5)]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def desk(request, tmp_path):
    return Desk(str(tmp_path / "cases.db") if request.param == "SQLite" else request.getfixturevalue("postgres").new_database())


def test_a_promise_waits_for_the_outcome_and_is_then_taken_up_once(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    assert desk.claim() == []
    desk.answer()
    assert desk.claim() == [("calling", "coming")] and desk.claim() == []
    desk.promises.kept("case-1")
    desk.now += LEASE_S + 1
    assert desk.claim() == [] and desk.promises.of_case("case-1").state == "kept"


def test_what_the_caller_heard_stays_kept_though_the_call_is_ended_after_it(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    desk.claim()
    desk.promises.kept("case-1")
    assert desk.promises.missed("case-1", text_instead=True).state == "kept"


def test_a_crash_while_the_callers_phone_rings_spends_that_try(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    desk.claim()
    assert [promise.case_id for promise in desk.started().recover()] == ["case-1"]
    assert desk.claim() == [], "not at once"
    desk.now += 61
    assert desk.claim() == [("calling", "coming")]
    assert desk.promises.of_case("case-1").spent == 2


@pytest.mark.parametrize("text_instead, follows", [(True, [("texting", "coming")]), (False, [])])
def test_after_the_last_try_a_text_follows_where_one_can_be_sent_else_a_person(desk, text_instead, follows):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    for _ in range(2):
        assert desk.claim() == [("calling", "coming")]
        desk.promises.missed("case-1", text_instead=text_instead)
        desk.now += 61
    assert desk.claim() == follows
    assert [promise.case_id for promise in desk.promises.left_unkept()] == ([] if text_instead else ["case-1"])


def test_a_promise_that_is_too_old_is_a_persons(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.now += 5401
    assert desk.claim() == [("unkept", "")]
    assert [promise.case_id for promise in desk.promises.left_unkept()] == ["case-1"]


def test_who_needs_no_call_to_the_owner_any_more_gets_no_word_of_it(desk):
    desk.queue.ask("case-2", "car", "owner", ticket="t")
    desk.promises.make("case-1", desk.request.id, "call")
    desk.promises.make("case-2", desk.request.id, "call")
    desk.queue.withdraw("case-1")
    desk.answer()
    assert [promise.case_id for promise in desk.promises.claim(5)] == ["case-2"]
    assert desk.promises.of_case("case-1").state == "cancelled"


def test_another_engine_takes_a_call_over_only_when_its_engine_is_long_silent(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    desk.claim()
    other = desk.started("other")
    assert other.claim(5) == []
    desk.now += LEASE_S + 1
    assert other.claim(5) == []
    desk.now += 61
    assert [promise.spent for promise in other.claim(5)] == [2]


@pytest.mark.parametrize("remote, headers, ways", [
    ("13800000001", {}, "call-or-text"), ("079062212345", {}, "call"), ("", {}, "none"), ("anonymous", {}, "none"),
    ("13800000001", {"Privacy": "id"}, "none"), ("12345", {}, "call"), ("reception", {}, "none"),
])
def test_word_can_be_brought_by_what_the_trunk_shows_of_a_line(remote, headers, ways):
    def mobile(number):
        return number.startswith("13")

    assert ways_back(remote, headers, takes_texts=mobile, can_call=True) == ways
    assert ways_back(remote, headers, takes_texts=mobile, can_call=False) == {"call-or-text": "text"}.get(ways, "none")
