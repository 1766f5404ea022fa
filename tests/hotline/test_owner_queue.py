"""The queue of owners' calls in a whole service: tried again by what happened, and never twice after a crash."""

import asyncio
import sqlite3

from house import BREATH_S, eventually
from service import ask_for_the_car, owners_phone, serving, settle


def attempts(world) -> list[tuple[int, str]]:
    """(seq, outcome) of every attempt on disk."""
    with sqlite3.connect(world.folder / "data" / "cases.db") as database:
        return database.execute("SELECT seq, outcome FROM owner_attempt ORDER BY seq").fetchall()


def state(world) -> str:
    """What became of the request."""
    with sqlite3.connect(world.folder / "data" / "cases.db") as database:
        return database.execute("SELECT state FROM owner_request").fetchone()[0]


async def test_an_engine_killed_while_the_owners_phone_rings_goes_on_and_rings_once_for_each_attempt(words, tmp_path):
    world = settle(tmp_path / "site", attempts=2, ring_s=6)

    async with owners_phone(world, tmp_path, "no-answer", "no-answer", "no-answer") as owner:
        def rung() -> int:
            return sum(event["event"] == "incoming" for event in owner.reported)

        async with serving(world) as service, service.call("13600000041") as (caller, _):
            await ask_for_the_car(words, service, caller)
            await service.logged("ringing")
            service.process.kill()
            await service.exited()
        assert rung() == 1 and attempts(world) == [(1, "")]
        await eventually(lambda: any(event["event"] == "ended" for event in owner.reported))
        async with serving(world) as service:
            await service.logged("owner_request_goes_on")
            await eventually(lambda: rung() == 2, 60)
            await eventually(lambda: len(attempts(world)) == 2 and attempts(world)[1][1], 60)
            await eventually(lambda: state(world) == "done")  # nobody will ring any more
    assert [outcome for _, outcome in attempts(world)] == ["lost", "no-answer"]
    assert rung() == 2, "the budget of two attempts was spent, and no attempt rang twice"


async def test_a_busy_owner_is_tried_again_while_the_caller_holds_and_hears_of_it(words, tmp_path):
    world = settle(tmp_path / "site", attempts=2)
    async with owners_phone(world, tmp_path, "busy", {"after_s": 0.3}) as owner, serving(world) as service, \
            service.call("13600000042") as (caller, case):
        await ask_for_the_car(words, service, caller)
        await service.logged("said", prompt="owner_again_busy")
        await service.logged("said", prompt="owner_greeting")
        await asyncio.sleep(BREATH_S)
        await owner.say(words["好的，我马上来。"])
        await service.logged("closed", outcome="coming")
        assert service.story(case)["outcome"] == "coming"
    assert [outcome for _, outcome in attempts(world)] == ["busy", "coming"]
