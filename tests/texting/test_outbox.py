"""The outbox: taken once, sent once as far as the gateway's ids allow, whatever dies meanwhile."""

import pytest

from dialer.database.pulse import Pulse
from dialer.database.tables import Base, NoCalls
from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.attempts import AttemptPolicy
from dialer.texting.gateway import Sent
from dialer.texting.outbox import Outbox, owner_once
from hotline.storage.database import connected, database_url

HOUR_S, DAY_S = 3600.0, 86_400.0
TAKE_OVER_S = 30


class Clock:
    """Every engine's time, and their own seconds, which nobody sets."""

    now, steady = 1_000_000.0, 0.0

    def __call__(self) -> float:
        return self.now

    def on(self, seconds: float) -> None:
        self.now, self.steady = self.now + seconds, self.steady + seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def open_outbox(request, tmp_path, clock):
    shared = request.param == "PostgreSQL"
    database = request.getfixturevalue("postgres").new_database() if shared else str(tmp_path / "texts.db")
    engine = connected(database_url(database, tmp_path))
    Base.metadata.create_all(engine)

    def opened(name="engine", ahead_s=0.0, **settings) -> Outbox:
        """An engine's outbox; its clock is `ahead_s`."""
        return Outbox(engine, lambda: clock() + ahead_s, Pulse(name, TAKE_OVER_S, lambda: clock.steady), **settings)

    return opened


def put(outbox, once="outcome case-1", minutes=120, **more) -> bool:
    return outbox.put(once, "case-1", more.pop("to", "caller"), "caller_coming", "马上来", minutes=minutes, **more)


def test_a_text_for_the_same_purpose_is_taken_once(open_outbox):
    outbox = open_outbox()
    assert put(outbox) and not put(outbox)
    assert len(outbox.texts()) == 1


def test_a_gateway_that_is_down_for_an_hour_costs_nothing(open_outbox, clock):
    outbox = open_outbox(same_id=True)
    put(outbox)
    tries, ids, end = 0, set(), clock.now + HOUR_S
    while clock.now < end:
        for text in outbox.claim(5)[0]:
            tries += 1
            ids.add(text.id)
            outbox.end(text.id, Sent("again", "503"))
        clock.on(5)
    assert 10 < tries < 25 and len(ids) == 1
    clock.on(300)
    (text,), _ = outbox.claim(5)
    assert outbox.end(text.id, Sent("accepted", reference="m1")).state == "sent"
    clock.on(HOUR_S)
    assert outbox.claim(5) == ([], [])


def test_a_text_that_is_too_old_is_not_sent(open_outbox, clock):
    outbox = open_outbox()
    put(outbox, minutes=10)
    clock.on(601)
    due, ended = outbox.claim(5)
    assert not due and [text.state for text in ended] == ["expired"]


def test_the_gateways_wish_to_be_asked_later_is_kept(open_outbox, clock):
    outbox = open_outbox()
    put(outbox)
    (text,), _ = outbox.claim(5)
    outbox.end(text.id, Sent("again", "429", after_s=120))
    clock.on(119)
    assert outbox.claim(5) == ([], [])
    clock.on(2)
    assert len(outbox.claim(5)[0]) == 1


@pytest.mark.parametrize("same_id, state", [(True, "waiting"), (False, "unsure")])
def test_what_may_have_been_sent_is_tried_again_only_where_the_gateway_knows_ids(open_outbox, same_id, state):
    outbox = open_outbox(same_id=same_id)
    put(outbox)
    (text,), _ = outbox.claim(5)
    assert outbox.end(text.id, Sent("unsure", "no answer within 10 s")).state == state


@pytest.mark.parametrize("same_id, state", [(True, "waiting"), (False, "unsure")])
def test_what_a_killed_engine_was_sending_follows_the_same_rule(open_outbox, same_id, state):
    put(open_outbox(same_id=same_id))
    (cut_off,), _ = open_outbox(same_id=same_id).claim(5)
    (found,) = open_outbox(same_id=same_id).recover()
    assert (found.id, found.state) == (cut_off.id, state)


def test_a_text_to_an_owner_goes_back_to_the_vault_after_a_crash(open_outbox):
    put(open_outbox(), to="owner", ticket="sealed")
    open_outbox().claim(5)
    assert [text.state for text in open_outbox().recover()] == ["waiting"]


def test_another_engine_takes_over_only_what_a_dead_one_was_sending(open_outbox, clock):
    one, other = open_outbox("one", same_id=True), open_outbox("other", same_id=True)
    put(one)
    (text,), _ = one.claim(5)
    assert other.recover() == [] and other.claim(5) == ([], [])
    for _ in range(3):
        clock.on(TAKE_OVER_S - 1)
        one.claim(0)
        assert other.claim(5) == ([], [])
    clock.on(TAKE_OVER_S + 1)
    assert len(other.claim(5)[0]) == 1
    assert one.end(text.id, Sent("again", "503")).state == "sending", "too late: the try is the other's"


@pytest.mark.parametrize("jump_s", [DAY_S, -HOUR_S])
def test_engines_whose_clocks_differ_neither_send_a_text_twice_nor_let_it_grow_too_old(open_outbox, clock, jump_s):
    one, other = open_outbox("one"), open_outbox("other", ahead_s=jump_s)
    put(one, minutes=10)
    assert other.claim(5) == ([], [])
    (text,), _ = one.claim(5)
    for _ in range(4):
        clock.on(TAKE_OVER_S / 2)
        assert one.claim(5) == other.claim(5) == ([], [])
    assert one.end(text.id, Sent("accepted")).state == "sent"


def test_after_a_start_with_the_clock_set_back_a_text_is_sent_no_later_than_it_should(open_outbox, clock):
    outbox = open_outbox()
    put(outbox, minutes=10)
    (text,), _ = outbox.claim(5)
    outbox.end(text.id, Sent("again", "503"))
    clock.now -= HOUR_S
    again = open_outbox()
    assert again.recover() == []
    again.claim(0)
    clock.on(5)
    assert len(again.claim(5)[0]) == 1
    again.end(text.id, Sent("again", "503"))
    clock.on(601)
    assert [text.state for text in again.claim(5)[1]] == ["expired"], "ten minutes are ten minutes"


def test_after_a_start_with_the_clock_a_day_ahead_a_text_that_is_not_sent_is_told_of(open_outbox, clock):
    put(open_outbox(), minutes=10)
    clock.now += DAY_S
    assert [text.state for text in open_outbox().claim(5)[1]] == ["expired"]


def test_an_owner_who_wants_no_calls_gets_no_text(open_outbox, clock, tmp_path):
    outbox = open_outbox()
    outbox._change(lambda session, now: session.merge(NoCalls(owner="mark", since=now)))
    assert not put(outbox, to="owner", owner="mark")


@pytest.fixture
def ask(open_outbox):
    """Wants the car moved for a case; gives the queue and the request."""
    queue = AttemptQueue(open_outbox()._engine, AttemptPolicy(), None, lambda: 1_000_000.0)
    return lambda case: (queue, queue.ask(case, "car", "owner", ticket="sealed"))


def test_when_the_car_has_moved_neither_caller_nor_owner_is_sent_a_text_that_waits(open_outbox, ask):
    outbox, (queue, request) = open_outbox(), ask("case-1")
    put(outbox)
    put(outbox, owner_once(request.id), to="owner", ticket="sealed")
    outbox.put("outcome case-2", "case-2", "caller", "caller_coming", "马上来", minutes=10)
    queue.withdraw("case-1")
    assert {text.to for text in outbox.withdraw("case-1")} == {"caller", "owner"}
    assert [text.case_id for text in outbox.claim(5)[0]] == ["case-2"]


def test_the_owners_text_is_sent_while_another_caller_waits_for_the_car(open_outbox, ask):
    outbox, (queue, request) = open_outbox(), ask("case-1")
    ask("case-2")
    put(outbox, owner_once(request.id), to="owner", ticket="sealed")
    queue.withdraw("case-1")
    assert outbox.withdraw("case-1") == []
    queue.withdraw("case-2")
    assert [text.to for text in outbox.withdraw("case-2")] == ["owner"]


def test_a_text_that_a_gateway_has_is_not_withdrawn(open_outbox):
    outbox = open_outbox()
    put(outbox)
    (text,), _ = outbox.claim(5)
    assert outbox.withdraw("case-1") == []
    assert outbox.end(text.id, Sent("accepted")).state == "sent"
