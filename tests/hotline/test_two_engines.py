"""Two services on one PostgreSQL: one is killed while the owner's phone rings, the other goes on with its work."""

import asyncio
import shutil

import psycopg
from house import eventually
from service import ask_for_the_car, owners_phone, serving, settle

TAKE_OVER_S, RING_S = 5, 6


def share(world, database: str) -> None:
    """Let the service of `world` work on a database that others share."""
    with (world.folder / "ivr.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[database]\nurl = "{database}"\ntake_over_s = {TAKE_OVER_S}\n')


def attempts(database: str) -> list[tuple[int, str, str]]:
    """(seq, outcome, engine) of every attempt."""
    with psycopg.connect(database) as connection:
        return connection.execute("SELECT seq, outcome, engine FROM owner_attempt ORDER BY seq").fetchall()


def states(database: str) -> list[str]:
    """What became of the requests."""
    with psycopg.connect(database) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM owner_request")]


async def test_an_engine_that_is_killed_is_followed_by_the_other_and_the_owner_rings_once_for_each_attempt(
    words, tmp_path, postgres
):
    database = postgres.new_database()
    one, other = (settle(tmp_path / name, attempts=2, ring_s=RING_S) for name in ("one", "other"))
    share(one, database)
    share(other, database)
    async with owners_phone(one, tmp_path, *["no-answer"] * 3) as owner, serving(one) as first:
        shutil.rmtree(other.folder / "vault")
        shutil.copytree(one.folder / "vault", other.folder / "vault")  # the same register and keys, as on two machines

        def rung() -> int:
            return sum(event["event"] == "incoming" for event in owner.reported)

        async with serving(other) as second, first.call("13600000061") as (caller, case):
            await ask_for_the_car(words, first, caller)
            await eventually(lambda: rung() == 1, 60)
            [(_, _, ringing)] = await asyncio.to_thread(attempts, database)
            mark = (one.folder / "data" / "engine.id").read_text().strip()
            killed, lives = (first, second) if ringing.endswith(mark) else (second, first)
            killed.process.kill()
            await killed.exited()
            if killed is first:
                assert (await lives.logged("interrupted_case"))["case"] == case
            await eventually(lambda: rung() == 2, 60)
            await eventually(lambda: len(attempts(database)) == 2 and attempts(database)[1][1], 60)
            await eventually(lambda: states(database) == ["done"])  # nobody will ring any more
            told = lives.story(case)
    spent = attempts(database)
    assert [(seq, outcome) for seq, outcome, _ in spent] == [(1, "lost"), (2, "no-answer")]
    assert spent[0][2] != spent[1][2] and rung() == 2
    assert [event["seq"] for event in told["events"] if event["kind"] == "attempt"] == [1, 2], "one log, two engines"
