"""An engine on a PostgreSQL that others share, over SIP and a text gateway: what another engine hears silences its
ring; clocks that are set and a database that fails neither double nor lose a call-back or a text."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from gateway_program import gateway_program, write_settings
from house import House, eventually, phone
from voices import PLATE

from dialer.database.pulse import Pulse
from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.attempts import AttemptPolicy
from hotline.cases.casebook import Casebook, OpenCase
from hotline.demo.world import free_udp_ports
from hotline.owners.desk import OwnerDesk
from hotline.storage.database import connected, database_url

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
MOBILE = "13600000061"
JUMPS = timedelta(days=1), timedelta(hours=-1)


class Clock:
    """The time of day, which a test may set."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now().astimezone() + self.ahead


class Site:
    """The engine, its database, its gateway, and what becomes of one case after the other."""

    def __init__(self, folder: Path, database: str, gateway, clock: Clock):
        self.folder, self.database, self.gateway, self.clock = folder, database, gateway, clock
        (self.caller_port,) = free_udp_ports(1)
        self.house = House(
            folder / "house", None, ring_s=25, clock=clock, database_url=database,
            text_gateway=write_settings(folder, gateway.port),
            call_back_dial=f"sip:{{number}}@127.0.0.1:{self.caller_port}", call_back_tries=2, call_back_wait_s=1,
            call_back_ring_s=3)

    async def ask(self, caller: str = MOBILE):
        """A case whose owner is to be called, and its request."""
        engine = self.house.engine
        case = OpenCase.opened(engine.store, "telephone", caller, [self.house._hear])
        case.set_plate(PLATE)
        case.note("caller", "opened")
        match = await engine.desk.vault.match(case.id, [(PLATE, 0.99)], caller=caller)
        return self.house.cases[case.id], await engine.owners.ask(case.id, match)

    async def promise_word_of_a_busy_owner(self):
        """A case whose caller is to be called back: nobody was reached."""
        async with self._phone("owner", self.house.world.owner_port, "busy"):
            case, request = await self.ask()
            await asyncio.to_thread(self.house.engine.desk.promises.make, case.id, request.id, "call")
            await case.wait("unreached", "owner")
        return case

    def called_back(self, *answers: object):
        return self._phone("caller", self.caller_port, *answers)

    def owner(self, *answers: object):
        return self._phone("owner", self.house.world.owner_port, *answers)

    def promise(self, case):
        return self.house.engine.desk.promises.of_case(case.id)

    async def texts_of(self, case) -> list[str]:
        """What the caller's phone got about this case, once the promise has come to its end."""
        await eventually(lambda: self.promise(case).ended_at)
        return [each["content"] for each in await self.gateway.delivered() if each["to"] == MOBILE]

    def _phone(self, name: str, port: int, *answers: object):
        script = {"mode": "wait", "port": port, "answer": list(answers), "wait_timeout_s": 200, "steps": [{"obey": {}}]}
        return phone(script, self.house.recording(name))


def rung(phone) -> int:
    return sum(event["event"] == "incoming" for event in phone.reported)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory, postgres):
    folder = tmp_path_factory.mktemp("site")
    async with gateway_program() as gateway:
        site = Site(folder, postgres.new_database(), gateway, Clock())
        async with site.house:
            yield site


async def test_a_phone_falls_silent_when_another_engine_hears_that_the_car_has_moved(running):
    queue = AttemptQueue(connected(database_url(running.database, Path())), AttemptPolicy(), running.clock, pulse=Pulse("other"))
    other = OwnerDesk(lambda: None, queue, Casebook(running.house.engine.store, []))
    async with running.owner("no-answer") as owner:
        case, request = await running.ask()
        await case.wait("ringing", "owner")
        await other.withdraw(case.id, "the caller says that the car has moved")
        await case.wait("stopped_ringing", "owner")
        await owner.wait("ended")
    await eventually(lambda: [each.outcome for each in queue.attempts(request.id)] == ["withdrawn"])
    assert queue.request(request.id).state == "cancelled"


async def test_a_clock_that_jumps_neither_doubles_nor_loses_a_call_back_or_a_text(running):
    await running.gateway.behave(503)
    async with running.called_back("busy", "busy", "busy") as rings:
        case = await running.promise_word_of_a_busy_owner()
        for jump in JUMPS:
            await eventually(lambda: rung(rings) == 1 + JUMPS.index(jump))
            running.clock.ahead += jump                      # while a try is under way, and while the next waits
        await case.wait("text_delayed", to="caller")
        running.clock.ahead += JUMPS[0]                      # while the text waits
        assert len(await running.texts_of(case)) == 1
        assert rung(rings) == 2
    assert (running.promise(case).state, running.promise(case).spent) == ("kept", 2)


async def test_a_call_back_whose_end_the_database_does_not_take_is_ended_when_it_does(running):
    told_before = len(await running.gateway.delivered())
    unseen = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    async with running.called_back("no-answer", "busy") as rings:
        case = await running.promise_word_of_a_busy_owner()
        await case.wait("call_back")
        await rings.wait("incoming")
        await asyncio.to_thread(rename, running.database, "caller_promise", "away")
        await case.wait("unreached", "caller")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(rename, running.database, "away", "caller_promise")
        assert len(await running.texts_of(case)) == told_before + 1
        assert rung(rings) == 2
    assert (running.promise(case).state, running.promise(case).spent) == ("kept", 2) and not unseen


def rename(database: str, table: str, name: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {name}")
