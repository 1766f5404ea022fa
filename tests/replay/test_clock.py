"""Virtual time: waiting costs nothing, and what can never end says so."""

import asyncio
import time

import pytest

from ivr.replay.clock import Stuck, run


def test_an_hour_of_waiting_passes_at_once():
    async def wait() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run(wait()) == pytest.approx(3600)
    assert time.monotonic() - began < 30


def test_the_clock_stands_still_while_a_thread_works():
    async def work() -> float:
        await asyncio.to_thread(time.sleep, 0.05)
        return asyncio.get_running_loop().time()

    assert [run(work()) for _ in range(20)] == [0.0] * 20


def test_waiting_for_what_never_comes_is_said():
    with pytest.raises(Stuck, match="never come"):
        run(asyncio.Event().wait())


def test_going_round_without_time_passing_is_said():
    async def circle() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="circle"):
        run(circle())
