"""A worker may die at any time: its stream gets a rejected answer, the next one is served."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from asr.grammars.grammar import Grammar
from asr.hear import read_8k
from asr.pool import RecognizerPool
from asr.recognizer import AsrError, GrammarError

PIECES = Path(__file__).parents[2] / "flows" / "prompts" / "pieces"
QUIET = np.random.default_rng(1).integers(-30, 30, 4000).astype("<i2").tobytes()
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
    async with RecognizerPool(1, engine=COUNTING, answer_timeout_s=6) as pool:
        assert (await answer(pool, b"slow")).rejected
        async with asyncio.timeout(60):                # another is started meanwhile
            while (await answer(pool)).rejected:
                pass


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


async def test_a_worker_that_is_told_to_end_while_it_loads_blames_no_model():
    pool = RecognizerPool(1, engine=COUNTING)
    starting = asyncio.ensure_future(pool.start())
    while not pool.pids:
        await asyncio.sleep(0.01)
    os.kill(pool.pids[0], signal.SIGTERM)
    with pytest.raises(AsrError, match="was ended by SIGTERM .* being stopped"):
        await starting


async def test_while_the_only_worker_cannot_start_answers_are_rejected_in_time(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("FAKE_WORKER_FAILS", str(tmp_path / "fails"))
    async with RecognizerPool(1, engine="recognizer_fakes:fails_on_demand", answer_timeout_s=4) as pool:
        (tmp_path / "fails").touch()
        os.kill(pool.pids[0], signal.SIGKILL)
        assert (await answer(pool)).rejected
        assert (await answer(pool)).rejected
        assert "gave no answer" in caplog.text
        async with asyncio.timeout(20):
            while "does not start (AsrError: the model is gone)" not in caplog.text:
                await asyncio.sleep(0.1)
        (tmp_path / "fails").unlink()
        async with asyncio.timeout(20):
            while not pool.restarts:
                await asyncio.sleep(0.1)
        assert not (await answer(pool)).rejected


async def test_callers_who_give_up_in_the_queue_cost_no_worker():
    async with RecognizerPool(1, engine=COUNTING) as pool:
        waiting = [asyncio.ensure_future(answer(pool)) for _ in range(5)]
        for asking in waiting:
            await asyncio.sleep(0)
            asking.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert not (await answer(pool)).rejected


async def test_a_started_pool_opens_streams_without_reading_grammars(monkeypatch):
    async with RecognizerPool(1, engine=COUNTING) as pool:
        monkeypatch.delattr(Grammar, "load")
        assert not (await answer(pool)).rejected
        pool.open("plate+person")


async def test_closing_a_pool_that_was_not_started_does_no_harm():
    await RecognizerPool(1, engine=COUNTING).close()


async def value_after_a_look(later):
    async with RecognizerPool(1, engine="recognizer_fakes:SettlingRecognizer") as pool:
        stream = pool.open("yes_no")
        stream.feed(QUIET)
        assert (await stream.look()).hypotheses[0].value == "look"
        stream.feed(later)
        return (await stream.finish()).hypotheses[0].value


async def test_a_finish_after_a_look_and_nothing_but_quiet_is_answered_at_once():
    assert await value_after_a_look(b"") == "settled"
    assert await value_after_a_look(QUIET) == "settled"


async def test_a_finish_after_more_speech_decodes_it():
    assert await value_after_a_look(speech()) == "finish"


async def test_a_finish_after_long_quiet_decodes_it():
    assert await value_after_a_look(QUIET * 8) == "finish"


async def test_a_finish_without_a_look_decodes():
    async with RecognizerPool(1, engine="recognizer_fakes:SettlingRecognizer") as pool:
        assert (await answer(pool)).hypotheses[0].value == "finish"


def speech():
    """A second of the bot's own voice."""
    piece = max(PIECES.rglob("*.flac"), key=lambda path: path.stat().st_size)
    return read_8k(piece)[:16000]
