"""Free speech is written down by a worker of its own: bounded, given up in time, and never for plates."""

import asyncio
import os
import time
from pathlib import Path

import numpy as np
import pytest

from asr import hear
from asr.engines import whisper
from asr.engines.whisper import WhisperRecognizer, check_installed, stretches
from asr.free_speech.transcriber import Transcriber, TranscriberBusy
from asr.grammars.grammar import Grammar
from asr.recognizer import AsrError, GrammarError, ModelMissing

needs_whisper = pytest.mark.skipif(not (whisper.FOLDER / "model.bin").exists(),
                                   reason="run `make setup` first")
COUNTING = {"engine": "recognizer_fakes:CountingRecognizer", "options": {}}
SAID = Path(__file__).parents[2] / "flows" / "prompts" / "pieces"
NOISE = (np.random.default_rng(1).normal(0, 900, 64000)).astype("<i2").tobytes()


@pytest.fixture(scope="module")
def recognizer():
    return WhisperRecognizer()


def finish(recognizer, pcm, grammar=None):
    stream = recognizer.start(grammar, 8000)
    stream.feed(pcm)
    return stream.finish()


def longest_prompt():
    """The bot's own voice, several seconds of it."""
    return hear.read_8k(max(SAID.rglob("*.flac"), key=lambda path: path.stat().st_size))


@needs_whisper
def test_a_sentence_is_written_down_with_its_time(recognizer):
    result = finish(recognizer, bytes(16000) + longest_prompt(), Grammar.load("free"))
    assert len(result.best.text) > 4
    assert result.best.probability is None
    assert 500 < result.best.words[0].start_ms < result.best.words[-1].end_ms


@needs_whisper
@pytest.mark.parametrize("pcm", [b"", b"\0", bytes(64000), NOISE, b"\xff\x7f" * 8000])
def test_what_is_no_speech_is_rejected_soon(recognizer, pcm):
    began = time.monotonic()
    assert finish(recognizer, pcm).rejected
    assert time.monotonic() - began < 10


@needs_whisper
def test_noise_that_is_taken_for_speech_makes_no_long_text(recognizer):
    text = recognizer.written(np.random.default_rng(2).normal(0, .1, 16000 * 18).astype(np.float32))
    assert len(text) < 30


@needs_whisper
def test_a_plate_is_refused(recognizer):
    with pytest.raises(GrammarError, match="`plate` is no free speech"):
        recognizer.start(Grammar.load("plate"))


@needs_whisper
def test_a_file_heard_with_the_free_grammar_is_written_down():
    assert hear.hear_file(max(SAID.rglob("*.flac"), key=lambda path: path.stat().st_size), "free").best.text


@needs_whisper
async def test_the_worker_gives_way_to_calls_and_writes_down():
    async with Transcriber() as transcriber:
        pid = transcriber._pool.pids[0]
        assert os.getpriority(os.PRIO_PROCESS, pid) >= 15
        transcript = await transcriber.transcribe(longest_prompt())
        assert transcript.text and transcript.segments
        assert (await transcriber.transcribe(bytes(16000))).text == ""


def test_without_the_weights_it_says_what_to_do(tmp_path):
    with pytest.raises(ModelMissing, match="model.bin is missing: free speech needs it; run `make setup`"):
        WhisperRecognizer(tmp_path)


def test_without_the_package_it_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "model.bin").touch()
    monkeypatch.setitem(__import__("sys").modules, "ctranslate2", None)
    with pytest.raises(ModelMissing, match="needs the package ctranslate2"):
        check_installed(tmp_path)


@needs_whisper
def test_damaged_weights_are_told(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"no weights")
    with pytest.raises(ModelMissing, match="does not hold Whisper's weights"):
        WhisperRecognizer(tmp_path)


async def test_recordings_are_written_down_one_after_another_and_too_many_are_refused():
    async with Transcriber(queue=3, **COUNTING) as transcriber:
        waiting = [asyncio.ensure_future(transcriber.transcribe(bytes(size))) for size in (2, 4, 6)]
        await asyncio.sleep(0)
        with pytest.raises(TranscriberBusy, match="3 recordings wait"):
            await transcriber.transcribe(b"")
        assert [(await each).text for each in waiting] == ["2", "4", "6"]
        assert (await transcriber.transcribe(bytes(8))).text == "8"


async def test_what_takes_too_long_is_given_up_and_the_next_is_served():
    async with Transcriber(budget_s=5, **COUNTING) as transcriber:
        with pytest.raises(AsrError, match="took longer than 5 s"):
            await transcriber.transcribe(b"slow")
        await asyncio.sleep(1)
        assert (await transcriber.transcribe(bytes(8))).text == "8"


def test_speech_is_cut_at_pauses_and_where_it_is_long():
    assert stretches([], 0) == []
    assert stretches([.9] * 3, 96) == []                      # a click
    assert stretches([0] * 20 + [.9] * 20 + [0] * 30 + [.9] * 20, 2880) == [(240, 1680), (1840, 2880)]
    (_, end_ms), (start_ms, _) = stretches([.9] * 1000, 32000)
    assert end_ms == start_ms                                 # nothing is heard twice
    assert stretches([0] * 10 + [.9] * 20 + [0] * 5, 1120) == [(0, 1120)]
