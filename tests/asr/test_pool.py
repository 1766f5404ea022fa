"""A worker may die at any time: its stream gets a rejected answer, the next one is served."""

import asyncio
import os
import signal

import pytest

from asr.pool import RecognizerPool
from asr.recognizer import AsrError, GrammarError

COUNTING = "recognizer_fakes:CountingRecognizer"


async def answer(pool, pcm=b"\0" * 320):
    stream = pool.open("yes_no")
    stream.feed(pcm)
    return await asyncio.wait_for(stream.finish(), 20)


async def test_streams_are_answered_each_with_its_own_audio():
    async with RecognizerPool(2, engine=COUNTING) as pool:
        results = await asyncio.gather(*(answer(pool, b"\0" * size) for size in (2, 400_000, 6)))
        assert [result.hypotheses[0].value for result in results] == ["2", "400000", "6"]


async def test_a_look_leaves_the_stream_open():
    async with RecognizerPool(1, engine=COUNTING) as pool:
        stream = pool.open("yes_no")
        stream.feed(b"\0" * 10)
        assert (await stream.look()).hypotheses[0].value == "10"
        stream.feed(b"\0" * 10)
        assert (await stream.finish()).hypotheses[0].value == "20"


async def test_a_killed_worker_costs_one_answer_and_is_replaced():
    async with RecognizerPool(1, engine=COUNTING) as pool:
        asking = asyncio.ensure_future(answer(pool, b"slow"))
        await asyncio.sleep(0.3)
        os.kill(pool.pids[0], signal.SIGKILL)
        assert (await asking).rejected
        assert (await answer(pool)).hypotheses[0].value == "320"
        assert pool.restarts == 1


async def test_a_worker_killed_between_streams_is_replaced():
    async with RecognizerPool(1, engine=COUNTING) as pool:
        os.kill(pool.pids[0], signal.SIGKILL)
        await asyncio.sleep(0.1)
        await answer(pool)
        assert not (await answer(pool)).rejected


async def test_a_worker_that_hangs_is_given_up():
    async with RecognizerPool(1, engine=COUNTING, answer_timeout_s=1.5) as pool:
        assert (await answer(pool, b"slow")).rejected
        assert not (await answer(pool)).rejected


async def test_a_caller_who_stops_waiting_does_not_leave_an_answer_for_the_next():
    async with RecognizerPool(1, engine=COUNTING) as pool:
        asking = asyncio.ensure_future(answer(pool, b"slow"))
        await asyncio.sleep(0.2)
        asking.cancel()
        assert (await answer(pool)).hypotheses[0].value == "320"


async def test_an_unknown_grammar_is_refused_at_once():
    async with RecognizerPool(1, engine=COUNTING) as pool:
        with pytest.raises(GrammarError):
            pool.open("nothing")


async def test_an_engine_that_cannot_start_says_why():
    with pytest.raises(AsrError, match="model is missing"):
        await RecognizerPool(1, engine="recognizer_fakes:broken").start()
