"""A trunk that answers 503 for an hour, a vault that is silent when a call is due: nothing is spent, the caller is
told, and when they are back the owner is rung once."""

import asyncio
import os
import re
import signal
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from house import BREATH_S, House, ask_for_the_car, descendants, eventually, phone

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_S = 3600


class Unavailable(asyncio.DatagramProtocol):
    """A trunk that answers every INVITE with 503 (RFC 3261 §21.5.4) and counts them by their Call-ID."""

    def __init__(self):
        self.calls: set[str] = set()

    def connection_made(self, transport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, sender) -> None:
        text = data.decode(errors="replace")
        if not text.startswith("INVITE "):
            return
        kept = {name: re.findall(rf"^{name}:.*$", text, re.M | re.I) for name in ("Via", "From", "To", "Call-ID", "CSeq")}
        self.calls.add(kept["Call-ID"][0].strip())
        lines = [line.strip() for found in kept.values() for line in found]
        lines = [line + ";tag=down" if line.lower().startswith("to:") else line for line in lines]
        answer = "\r\n".join(["SIP/2.0 503 Service Unavailable", *lines, "Content-Length: 0", "", ""])
        self._transport.sendto(answer.encode(), sender)


@asynccontextmanager
async def trunk_down(port: int):
    transport, trunk = await asyncio.get_running_loop().create_datagram_endpoint(Unavailable, local_addr=("127.0.0.1", port))
    try:
        yield trunk
    finally:
        transport.close()


class QueueTime:
    """The queue's seconds, which a test moves on."""

    def __init__(self, queue):
        self._queue, self._own, self.passed_s = queue, queue.time, 0.0
        queue.time = lambda: self._own() + self.passed_s

    async def next_attempt(self, request_id: int) -> None:
        """On to when the request is due, and to the end of the attempt that is made then."""
        before = len(self._queue.attempts(request_id))
        self.passed_s += max(0.0, self._queue.request(request_id).due_at - self._queue.time())
        await eventually(lambda: len(tried := self._queue.attempts(request_id)) > before and tried[-1].outcome)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(words, tmp_path_factory):
    async with House(tmp_path_factory.mktemp("site"), words, owner_keep_trying_s=2 * HOUR_S, owner_attempts=3) as house:
        yield house


async def test_while_the_trunk_is_down_nothing_is_spent_and_when_it_is_back_the_owner_is_rung_once(house):
    queue = house.engine.owners.queue
    async with trunk_down(house.world.owner_port) as trunk:
        async with a_call_for_the_car(house, "13700000071") as (caller, case):
            await case.wait("said", prompt="system_trouble")  # honest: nobody rings
            await caller.hang_up()
            await case.ended()
        request = queue.of_case(case.id).id
        hour = QueueTime(queue)
        while hour.passed_s < HOUR_S:
            await hour.next_attempt(request)
        tried = queue.attempts(request)
        assert len(trunk.calls) == len(tried) <= 12 and {attempt.outcome for attempt in tried} == {"failed"}
        waits = [after.begun_at - before.begun_at for before, after in zip(tried, tried[1:], strict=False)]
        doubled = [30, 60, 120, 240, 480] + [600] * 9
        assert all(wait >= least for wait, least in zip(waits, doubled, strict=False))
        assert queue.request(request).spent == 0 and queue.request(request).state == "waiting"
    async with owner_who_comes(house, case) as owner:
        await hour.next_attempt(request)
        hour.passed_s += HOUR_S
        await asyncio.sleep(1.5)  # nothing is due any more
        assert sum(event["event"] == "incoming" for event in owner.reported) == 1
    done = queue.request(request)
    assert (done.state, done.outcome, done.spent) == ("done", "coming", 1)


async def test_an_attempt_that_is_due_while_the_vault_is_silent_is_made_when_it_answers_again(house):
    queue = house.engine.owners.queue
    async with house.owner("busy"), a_call_for_the_car(house, "13700000072") as (caller, case):
        await case.wait("unreached", "owner", outcome="busy")
        await caller.hang_up()
        await case.ended()
    request, time = queue.of_case(case.id).id, QueueTime(queue)
    [vault] = descendants(os.getpid(), "dialer.vault")
    os.kill(vault, signal.SIGSTOP)
    try:
        time.passed_s += 60
        await case.wait("vault_unavailable", "owner")
        await eventually(lambda: queue.request(request).due_at > queue.time())
        assert [attempt.outcome for attempt in queue.attempts(request)] == ["busy"] and queue.request(request).spent == 1
    finally:
        os.kill(vault, signal.SIGCONT)
    async with owner_who_comes(house, case) as owner:
        await time.next_attempt(request)
        assert sum(event["event"] == "incoming" for event in owner.reported) == 1
    assert [attempt.outcome for attempt in queue.attempts(request)] == ["busy", "coming"]


@asynccontextmanager
async def a_call_for_the_car(house, number: str):
    """A caller who asks for the car; their phone and their case."""
    async with house.call(number) as (caller, case):
        await ask_for_the_car(house, caller, case)
        yield caller, case


@asynccontextmanager
async def owner_who_comes(house, case):
    """The owner's phone, answered as often as it rings; the first time the owner will come."""
    async def come() -> None:
        await case.wait("said", "owner")
        await asyncio.sleep(BREATH_S)
        await owner.say(house.words["好的，我马上来。"])

    script = {"mode": "wait", "port": house.world.owner_port, "answer": [{"after_s": 0.2}] * 2, "wait_timeout_s": 60,
              "steps": [{"obey": {}}]}
    async with phone(script, house.recording("owner")) as owner, asyncio.TaskGroup() as group:
        group.create_task(come())
        yield owner
