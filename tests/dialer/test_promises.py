"""Promises to callers: made on disk, kept once, bounded, and a person's where nothing else keeps them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialer.database.pulse import Pulse
from dialer.database.tables import Base
from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.attempts import AttemptPolicy
from dialer.queue.promises import CallBackPolicy, Promises
from hotline.move_car.caller_line import ways_back
from hotline.storage.database import connected, database_url

TAKE_OVER_S = 30
DAY_S, HOUR_S = 86_400.0, 3600.0


class Desk:
    """A queue with one request that is open, and the promises about it. `now`: every engine's time; `steady`: their
    own seconds, which nobody sets."""

    def __init__(self, database: str):
        self.now, self.steady = 1_700_000_000.0, 0.0
        self._engine = connected(database_url(database, Path()))
        Base.metadata.create_all(self._engine)
        self.queue = AttemptQueue(self._engine, AttemptPolicy(attempts=1), lambda: datetime.fromtimestamp(self.now, UTC),
                                  lambda: self.now)
        self.request = self.queue.ask("case-1", "car", "owner", ticket="t")
        self.promises = self.started()

    def started(self, name="engine", ahead_s=0.0) -> Promises:
        """An engine's promises; its clock is `ahead_s`."""
        return Promises(self._engine, CallBackPolicy(tries=2, wait_s=60, keep_trying_s=5400), lambda: self.now + ahead_s,
                        Pulse(name, TAKE_OVER_S, lambda: self.steady))

    def on(self, seconds: float) -> None:
        self.now, self.steady = self.now + seconds, self.steady + seconds

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
    desk.on(TAKE_OVER_S + 1)
    assert desk.claim() == [] and desk.promises.of_case("case-1").state == "kept"


def test_what_the_caller_heard_stays_kept_though_the_call_is_ended_after_it(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    (claimed,) = desk.promises.claim(5)
    desk.promises.kept("case-1")
    assert desk.promises.missed(claimed, text_instead=True).state == "kept"


def test_a_crash_while_the_callers_phone_rings_spends_that_try(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    desk.claim()
    desk.promises = desk.started()
    assert [promise.case_id for promise in desk.promises.recover()] == ["case-1"]
    assert desk.claim() == [], "not at once"
    desk.on(61)
    assert desk.claim() == [("calling", "coming")]
    assert desk.promises.of_case("case-1").spent == 2


@pytest.mark.parametrize("text_instead, follows", [(True, [("texting", "coming")]), (False, [])])
def test_after_the_last_try_a_text_follows_where_one_can_be_sent_else_a_person(desk, text_instead, follows):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    for _ in range(2):
        (claimed,) = desk.promises.claim(5)
        assert claimed.state == "calling"
        desk.promises.missed(claimed, text_instead=text_instead)
        desk.on(61)
    assert desk.claim() == follows
    assert [promise.case_id for promise in desk.promises.left_unkept()] == ([] if text_instead else ["case-1"])


def test_a_promise_that_is_too_old_is_a_persons(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.on(5401)
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
    (claimed,) = desk.promises.claim(5)
    other = desk.started("other")
    assert other.claim(5) == []
    for _ in range(5):                    # a talk of five minutes, of an engine that lives
        desk.on(TAKE_OVER_S - 1)
        desk.promises.claim(5)
        assert other.claim(5) == []
    desk.on(TAKE_OVER_S + 1)              # now it stands still
    assert other.claim(5) == [] and desk.promises.of_case("case-1").state == "waiting"
    desk.on(61)
    assert [promise.spent for promise in other.claim(5)] == [2]
    assert desk.promises.missed(claimed, text_instead=False).state == "calling", "too late: the try is the other's"


@pytest.mark.parametrize("jump_s", [DAY_S, -HOUR_S])
def test_a_clock_that_jumps_while_a_callers_phone_rings_makes_no_engine_ring_it_again(desk, jump_s):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    (claimed,) = desk.promises.claim(5)
    other = desk.started("other", ahead_s=jump_s)          # it was started after the jump
    for _ in range(4):
        desk.on(TAKE_OVER_S / 2)
        assert desk.promises.claim(5) == other.claim(5) == []
    assert desk.promises.missed(claimed, text_instead=False).state == "waiting"


@pytest.mark.parametrize("jump_s", [DAY_S, -HOUR_S])
def test_a_promise_that_waits_is_its_living_engines_whatever_the_others_clocks_say(desk, jump_s):
    desk.promises.make("case-1", desk.request.id, "call")
    other = desk.started("other", ahead_s=jump_s)
    assert other.claim(5) == desk.promises.claim(5) == []
    desk.answer()
    assert other.claim(5) == [] and desk.claim() == [("calling", "coming")]


def test_after_a_start_with_the_clock_set_back_a_promise_is_kept_no_later_than_it_should(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    (claimed,) = desk.promises.claim(5)
    desk.promises.missed(claimed, text_instead=False)
    desk.now -= HOUR_S
    desk.promises = desk.started()
    desk.promises.recover()
    assert desk.claim() == [("calling", "coming")] and desk.promises.of_case("case-1").promised_at <= desk.now


def test_after_a_start_with_the_clock_a_day_ahead_a_promise_is_on_a_persons_list_and_not_lost(desk):
    desk.promises.make("case-1", desk.request.id, "call")
    desk.answer()
    desk.now += DAY_S
    desk.promises = desk.started()
    desk.promises.recover()
    assert desk.claim() == [("unkept", "coming")]
    assert [promise.case_id for promise in desk.promises.left_unkept()] == ["case-1"]


@pytest.mark.parametrize("remote, headers, ways", [
    ("13800000001", {}, "call-or-text"), ("079062212345", {}, "call"), ("", {}, "none"), ("anonymous", {}, "none"),
    ("13800000001", {"Privacy": "id"}, "none"), ("12345", {}, "call"), ("reception", {}, "none"),
])
def test_word_can_be_brought_by_what_the_trunk_shows_of_a_line(remote, headers, ways):
    def mobile(number):
        return number.startswith("13")

    assert ways_back(remote, headers, takes_texts=mobile, can_call=True) == ways
    assert ways_back(remote, headers, takes_texts=mobile, can_call=False) == {"call-or-text": "text"}.get(ways, "none")
