"""A caller who dials again is known by the number and the open request: did the car move?"""

import asyncio

import pytest
import pytest_asyncio
from house import BREATH_S, House, question_s, whole_call
from voices import MOVED, PLATE

from dialer.queue.attempt_queue import Request
from hotline.demo.people import YES, Cast
from hotline.move_car.case_again import how_far

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
CALLER = "13800000071"
NOW = 1_000_000.0
REMIND_S = 300


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(words, tmp_path_factory):
    """An engine that would remind the owner."""
    async with House(tmp_path_factory.mktemp("house"), words, ring_s=25, owner_remind_s=REMIND_S, owner_attempts=2) as house:
        yield house


async def test_the_word_that_the_car_moved_closes_the_case_and_cancels_the_reminder(house):
    first = await whole_call(house, CALLER, Cast(PLATE, "ordinary", "coming"))
    assert await first.ended() == ("coming", "")
    assert house.engine.owners.queue.of_case(first.id).state == "waiting", "a reminder is due later"
    async with house.call(CALLER) as (phone, second):
        asked = await second.wait("said", prompt="did_it_move")
        await asyncio.sleep(BREATH_S)
        await phone.say(house.words[MOVED])
        assert await second.ended() == ("moved", "")
    assert PLATE in asked.details["text"]
    assert house.engine.owners.queue.of_case(first.id).state == "cancelled"
    await house.engine.store.flushed()
    assert house.engine.store.case(first.id).outcome == "moved"
    assert first.find("settled").details["told_in"] == second.id


async def test_who_said_that_it_moved_is_not_asked_again(house):
    async with house.call(CALLER) as (_, third):
        await third.wait("said", prompt="welcome")


async def test_the_ringing_stops_when_the_caller_on_hold_says_that_the_car_is_gone(house):
    async with house.owner("no-answer") as owner, house.call("13800000072") as (phone, case):
        for prompt, words in (("welcome", PLATE), ("readback", YES)):
            said = await case.wait("said", prompt=prompt)
            await asyncio.sleep(question_s(said.details))
            await phone.say(house.words[words])
        await case.wait("ringing", "owner")
        await phone.say(house.words[MOVED])
        asked = await case.wait("said", prompt="gone_ask")
        await asyncio.sleep(question_s(asked.details))
        await phone.say(house.words[YES])
        assert await case.ended() == ("moved", "")
        await case.wait("stopped_ringing", "owner")
        await owner.wait("ended")
    assert [each.outcome for each in house.engine.owners.queue.attempts(
        house.engine.owners.queue.of_case(case.id).id)] == ["withdrawn"]


def request(outcome: str, *, state: str = "done", answered: str = "", minutes: str = "", ago_s: float = 0) -> Request:
    due_at = NOW - ago_s + REMIND_S + (int(minutes) * 60 if minutes else 0)
    return Request(state=state, outcome=outcome, answered=answered, minutes=minutes, ended_at=NOW - ago_s, due_at=due_at)


@pytest.mark.parametrize("state, answered", [("done", ""), ("waiting", "later")])
@pytest.mark.parametrize("minutes, ago_s, told", [
    ("20", 300, ("promised", "15")), ("20", 1199, ("promised", "1")), ("20", 1201, ("again", "")),
    ("", 299, ("promised", "6")),
])
async def test_a_promise_stands_until_its_minutes_are_over(state, answered, minutes, ago_s, told):
    asked = request("later", state=state, answered=answered, minutes=minutes, ago_s=ago_s)
    assert how_far(asked, NOW, lambda minutes: REMIND_S + (int(minutes) * 60 if minutes else 0)) == told


@pytest.mark.parametrize("outcome, state, branch", [
    ("coming", "done", "promised"), ("busy", "waiting", "goes-on"), ("", "calling", "goes-on"),
    ("refuses", "done", "declined"), ("no-calls", "done", "declined"), ("no-answer", "done", "again"), ("quiet", "done", "again"),
])
async def test_a_caller_hears_what_became_of_the_request(outcome, state, branch):
    assert how_far(request(outcome, state=state), NOW, lambda _: REMIND_S)[0] == branch
