"""Parts that die in mid-call: nobody is left alone, no case is lost, the next call works."""

import asyncio
import os
import signal
import time

import pytest
from house import BREATH_S, ask_for_the_car, descendants, eventually
from voices import PLATE

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACK_S = 2.0


async def test_a_killed_sip_worker_is_back_and_the_case_says_interrupted(house):
    async with house.call("13700000001") as (_, case):
        await case.wait("said", prompt="welcome")
        worker = callers_worker()
        os.kill(worker, signal.SIGKILL)
        killed = time.monotonic()
        assert await case.ended() == ("interrupted", "")
        await eventually(lambda: house.engine.line.port and not house.engine.line.closed.is_set(), 20)
        assert time.monotonic() - killed <= BACK_S
    assert callers_worker() != worker
    await the_next_call_works(house, "13700000002")


async def test_a_caller_whose_vault_dies_is_handed_to_a_seat(house):
    async with house.seat(), house.owner("no-answer"), house.call("13700000003") as (callers_phone, case):
        await ask_for_the_car(house, callers_phone, case)
        await case.wait("ringing", "owner")
        [vault] = descendants(os.getpid(), "dialer.vault")
        os.kill(vault, signal.SIGKILL)
        assert await case.ended() == ("person", "trouble")
        assert case.find("said", "caller", prompt="system_trouble")
    await the_next_call_works(house, "13700000004")


async def the_next_call_works(house, caller: str) -> None:
    """As far as reading a plate back, which needs the line, the recognizer and the vault."""
    async with house.call(caller) as (callers_phone, case):
        await case.wait("said", prompt="welcome")
        await asyncio.sleep(BREATH_S)
        await callers_phone.say(house.words[PLATE])
        assert (await case.wait("matched")).details["plate"] == PLATE
        await callers_phone.hang_up()
        assert await case.ended() == ("caller-hung-up", "")


def callers_worker() -> int:
    """The callers' SIP worker: the one that is no child of the vault."""
    ours = set(descendants(os.getpid(), "ivr.sip.worker"))
    [vault] = descendants(os.getpid(), "dialer.vault")
    [worker] = ours - set(descendants(vault, "ivr.sip.worker"))
    return worker
