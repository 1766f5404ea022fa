"""An engine put to the test: it is loaded or reached, and hears a short recording."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from asr.engines.choice import SERVERS, EngineChoice, make_hearing
from asr.grammars.grammar import FOLDER, Grammar
from asr.hear import read_8k
from asr.recognizer import AsrError, Result
from asr.remote.session import RemoteTrouble
from asr.search.text_match import match_text

RECORDING = Path(__file__).resolve().parent.parent / "data" / "check.flac"
SAID = "赣E83627"
GRAMMAR = "plate"


@dataclass(frozen=True)
class Trial:
    """``ready_ms``: to load the model or reach the server; ``heard_ms``: from the end of the audio."""

    heard: str
    text: str
    ready_ms: int
    heard_ms: int
    audio_ms: int

    @property
    def right(self) -> bool:
        return self.heard == SAID


async def try_engine(choice: EngineChoice, grammars: Path = FOLDER) -> Trial:
    """Raises AsrError, in one sentence, where the engine cannot be used."""
    pcm = await asyncio.to_thread(read_8k, RECORDING)
    run = _ask_server if choice.engine in SERVERS else _ask_worker
    result, ready_ms, heard_ms = await run(choice, grammars, pcm)
    best = result.best
    text = result.hypotheses[0].text if result.hypotheses else ""
    return Trial(best.value if best else "", text, ready_ms, heard_ms, len(pcm) // 16)


async def _ask_worker(choice: EngineChoice, grammars: Path, pcm: bytes) -> tuple[Result, int, int]:
    began = time.monotonic()
    async with make_hearing(choice, 1, grammars) as hearing:
        ready_ms = _since(began)
        stream = hearing.open(GRAMMAR)
        stream.feed(pcm)
        began = time.monotonic()
        return await stream.finish(), ready_ms, _since(began)


async def _ask_server(choice: EngineChoice, grammars: Path, pcm: bytes) -> tuple[Result, int, int]:
    """The server alone, without the embedded recognizer behind it."""
    server = choice.server
    server.check()
    grammar = Grammar.load(GRAMMAR, grammars)
    await asyncio.to_thread(server.dialect, grammar, 8000)
    began = time.monotonic()
    async with aiohttp.ClientSession() as http:
        session = server.session(http, grammar, 8000)
        try:
            await session.connected()
            ready_ms = _since(began)
            session.feed(pcm)
            began = time.monotonic()
            async with asyncio.timeout(server.answer_timeout_s):
                texts = await session.finish()
        except RemoteTrouble as trouble:
            raise AsrError(f"The {server.kind} server {server.shown} cannot be used: {trouble}.") from trouble
        except TimeoutError:
            raise AsrError(f"The {server.kind} server {server.shown} gave no answer within "
                           f"{server.answer_timeout_s:g} s.") from None
    return match_text(grammar, *texts), ready_ms, _since(began)


def _since(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
