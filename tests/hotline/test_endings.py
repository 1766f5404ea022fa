"""Every way in which a caller's wish can end, each a whole call over SIP with spoken words."""

import asyncio

import pytest
import pytest_asyncio
from house import House, whole_call
from voices import PLATE

from hotline.demo.people import CALLERS, OWNER_EXPECTED, Cast
from hotline.demo.people import OWNERS as ALL_OWNERS

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),  # eleven whole calls, as long as calls are
]

OWNERS = [name for name in ALL_OWNERS if name not in OWNER_EXPECTED]
UNREACHED = ("no-answer", "busy", "off")
PERSON_WANTED = [name for name in CALLERS if name != "ordinary"]
AT_ONCE = 1
"""Callers who speak to owners: two at once would ask for one car, and get one call between them."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endings(house: House):
    """Callers of every kind, some at the same time; their cases' logs by kind."""
    casts = {owner: Cast(PLATE, "ordinary", owner) for owner in OWNERS}
    casts |= {caller: Cast(PLATE, caller, "coming") for caller in PERSON_WANTED}
    lines, person = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(1)

    async def live(number: int, name: str):
        async with person if name in PERSON_WANTED else lines:
            return name, await whole_call(house, f"1390000{number:04d}", casts[name])

    async with house.seat():
        logs = await asyncio.gather(*(live(number, name) for number, name in enumerate(casts)))
    return dict(logs)


@pytest.mark.parametrize("owner", OWNERS)
async def test_what_the_owner_does_is_the_outcome(endings, owner):
    assert await endings[owner].ended() == (owner, "")
    assert endings[owner].find("matched", "caller").details["plate"] == PLATE


@pytest.mark.parametrize("caller", PERSON_WANTED)
async def test_a_caller_who_needs_a_person_talks_to_one(endings, caller):
    assert await endings[caller].ended() == Cast(PLATE, caller, "coming").expected
    assert endings[caller].find("seat_answered") and not endings[caller].find("dialled", "owner")


async def test_the_caller_is_told_how_many_minutes_the_owner_needs(endings):
    assert endings["later"].find("answer", "owner").details["minutes"] == "10"
    assert "十分钟" in endings["later"].find("said", "caller", prompt="owner_later").details["text"]


@pytest.mark.parametrize("owner", OWNERS)
async def test_the_last_words_to_the_caller_fit_the_outcome(endings, owner):
    prompt = "owner_" + owner.replace("-", "_")
    said = [entry.details["prompt"] for entry in endings[owner].entries if (entry.side, entry.kind) == ("caller", "said")]
    assert said[-1] == prompt


@pytest.mark.parametrize("owner", UNREACHED)
async def test_an_owner_who_does_not_pick_up_hears_nothing(endings, owner):
    assert not endings[owner].find("said", "owner") and not endings[owner].find("answered", "owner")


async def test_each_case_keeps_its_events_in_order(endings, house):
    for log in endings.values():
        kept = [(entry.kind, entry.side) for entry, _ in house.engine.store.events(log.id)]
        assert kept == [(entry.kind, entry.side) for entry in log.entries]
        assert kept[0] == ("arrived", "caller") and kept[-1] == ("closed", "desk")
