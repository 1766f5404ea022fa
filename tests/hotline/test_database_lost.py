"""A PostgreSQL that is not there when the engine starts, and that dies in mid-call: callers are served, nothing is
lost, and an owner's number is neither in its tables nor in what is kept beside it."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from house import BREATH_S, House, ask_for_the_car, eventually, phone
from voices import PLATE

from hotline.demo.made_up_vault import make_vault

sys.path.append(str(Path(__file__).resolve().parents[1] / "dialer"))
from traces import forms, held_in  # noqa: E402

OWNER = "94856348"
"""Without a digit that can be spoken in two ways."""


@asynccontextmanager
async def a_call(house: House, caller: str):
    """A caller's phone with its call up, and the call's case, which no database need know."""
    known = set(house.cases)
    script = {"mode": "call", "uri": house.world.hotline_uri, "user": caller, "steps": [{"obey": {}}]}
    async with phone(script, house.recording(caller)) as callers_phone:
        [case_id] = await eventually(lambda: set(house.cases) - known)
        await callers_phone.wait("answered")
        yield callers_phone, house.cases[case_id]


async def kept_whole(house: House, case) -> None:
    """The database is back and has the case as it was."""
    def kept() -> bool:
        if house.engine.store.reach.lost:
            return False
        row = house.engine.store.case(case.id)
        return bool(row and row.outcome)

    await eventually(kept)
    assert [entry.kind for entry, _ in house.engine.store.events(case.id)] == [entry.kind for entry in case.entries]
    assert not (house.world.folder / "unstored.jsonl").exists()


async def test_callers_are_served_without_a_database_and_all_is_kept_when_it_is_back(words, tmp_path, postgres, caplog):
    caplog.set_level("INFO")
    database = postgres.new_database()
    postgres.stop()
    house = House(tmp_path / "site", words, database_url=database)
    make_vault(house.world.folder / "vault", house.world.owner_port, pinned={PLATE: f"000{OWNER}"})
    async with house, house.seat():
        try:
            async with a_call(house, "13700000051") as (callers_phone, case):
                await ask_for_the_car(house, callers_phone, case)
                assert await case.ended() == ("person", "trouble")  # no owner's call could be kept, so none is promised
        finally:
            postgres.start()
        await kept_whole(house, case)
        assert house.engine.owners.queue.of_case(case.id) is None and not case.find("dialled")

        async with house.owner("coming") as owner, a_call(house, "13700000052") as (callers_phone, case):
            await ask_for_the_car(house, callers_phone, case)
            await case.wait("said", "owner", prompt="owner_greeting")
            postgres.stop()
            try:
                await asyncio.sleep(BREATH_S)
                await owner.say(words["好的，我马上来。"])
                assert (await case.wait("answer", "owner")).details["outcome"] == "coming"
                assert await case.ended() == ("person", "trouble")  # rather a person than to wait in the dark
                unstored = (house.world.folder / "unstored.jsonl").read_bytes()
                assert held_in(unstored, [b"coming"]) and not held_in(unstored, forms(OWNER))
            finally:
                postgres.start()
            await kept_whole(house, case)
            queue = house.engine.owners.queue
            request = queue.of_case(case.id)
            await eventually(lambda: [attempt.outcome for attempt in queue.attempts(request.id)] == ["coming"])
            assert sum(event["event"] == "incoming" for event in owner.reported) == 1, "rung once"
    tables = postgres.dump(database)
    assert held_in(tables, [PLATE.encode()]) and not held_in(tables, forms(OWNER))
    told = [record.message for record in caplog.records if record.message.startswith("database_")]
    assert told == ["database_lost", "database_back"] * 2
    assert not [record for record in caplog.records if record.exc_info], "one sentence, no traceback"
