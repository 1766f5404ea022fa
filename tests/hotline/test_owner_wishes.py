"""Owners who want something else than to say when they come: a person, to know who calls, to be left in peace."""

import sqlite3

import pytest
import pytest_asyncio
from house import House, whole_call
from voices import PLATE

from hotline.demo.people import Cast

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
IN_ORDER = ("asks-who", "person", "no-calls", "coming")
"""The last one calls about the car of an owner who just asked for peace."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wishes(house: House):
    """The logs of calls that follow one another, by what the owner does."""
    async with house.seat():
        return {owner: await whole_call(house, f"1370000{number:04d}", Cast(PLATE, "ordinary", owner))
                for number, owner in enumerate(IN_ORDER)}


async def test_an_owner_who_asks_who_calls_is_told_and_comes(wishes):
    assert await wishes["asks-who"].ended() == ("coming", "")
    assert wishes["asks-who"].find("said", "owner", prompt="owner_who")


async def test_an_owner_who_asks_for_a_person_talks_to_a_seat_and_so_does_the_caller(wishes):
    log = wishes["person"]
    assert await log.ended() == ("person", "owner-asked")
    talks = [entry.side for entry in log.entries if entry.kind == "seat_answered"]
    assert talks == ["owner", "caller"]
    assert log.find("answer", "owner").details["outcome"] == "person"


async def test_an_owner_who_wants_no_calls_is_thanked_and_the_caller_hears_why_a_person_takes_over(wishes):
    log = wishes["no-calls"]
    assert await log.ended() == ("person", "no-calls")
    assert log.find("said", "owner", prompt="owner_noted_no_calls")
    assert log.find("said", "caller", prompt="owner_no_calls")


async def test_that_owner_is_not_rung_for_the_next_caller_who_hears_why(wishes, house):
    log = wishes["coming"]
    assert await log.ended() == ("person", "no-calls")
    assert not log.find("dialled", "owner") and log.find("said", "caller", prompt="owner_no_calls")
    with sqlite3.connect(house.world.folder / "cases.db") as database:
        last = database.execute("SELECT outcome FROM owner_attempt ORDER BY begun_at DESC").fetchone()
    assert last == ("no-calls",)
