"""The outbox: taken once, sent once as far as the gateway's ids allow, whatever dies meanwhile."""

import pytest

from dialer.queue_tables import Base, NoCalls
from dialer.texting.gateway import Sent
from dialer.texting.outbox import LEASE_S, Outbox
from hotline.database import connected, database_url

HOUR_S = 3600.0


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def open_outbox(request, tmp_path, clock):
    shared = request.param == "PostgreSQL"
    database = request.getfixturevalue("postgres").new_database() if shared else str(tmp_path / "texts.db")
    engine = connected(database_url(database, tmp_path))
    Base.metadata.create_all(engine)
    return lambda **settings: Outbox(engine, clock, **settings)


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
        clock.now += 1
    assert 10 < tries < 25 and len(ids) == 1
    clock.now += 300
    (text,), _ = outbox.claim(5)
    assert outbox.end(text.id, Sent("accepted", reference="m1")).state == "sent"
    clock.now += HOUR_S
    assert outbox.claim(5) == ([], [])


def test_a_text_that_is_too_old_is_not_sent(open_outbox, clock):
    outbox = open_outbox()
    put(outbox, minutes=10)
    clock.now += 601
    due, ended = outbox.claim(5)
    assert not due and [text.state for text in ended] == ["expired"]


def test_the_gateways_wish_to_be_asked_later_is_kept(open_outbox, clock):
    outbox = open_outbox()
    put(outbox)
    (text,), _ = outbox.claim(5)
    outbox.end(text.id, Sent("again", "429", after_s=120))
    clock.now += 119
    assert outbox.claim(5) == ([], [])
    clock.now += 2
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
    put(open_outbox(same_id=True))
    open_outbox(name="a", same_id=True).claim(5)
    other = open_outbox(name="b", same_id=True)
    assert other.recover() == [] and other.claim(5) == ([], [])
    clock.now += LEASE_S + 1
    assert len(other.claim(5)[0]) == 1


def test_an_owner_who_wants_no_calls_gets_no_text(open_outbox, clock, tmp_path):
    outbox = open_outbox()
    outbox._change(lambda session, now: session.merge(NoCalls(owner="mark", since=now)))
    assert not put(outbox, to="owner", owner="mark")


def test_a_text_that_is_not_needed_any_more_is_not_sent(open_outbox):
    outbox = open_outbox()
    put(outbox)
    outbox.withdraw("outcome case-1")
    assert outbox.claim(5) == ([], [])
