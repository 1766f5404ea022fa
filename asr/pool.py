"""Recognizer worker processes, seen from asyncio. A worker that dies is replaced; no stream hangs.

One worker decodes one stream at a time, in the order of asking; audio stays in the asking process until
it is to be decoded, so a lost worker costs one answer (rejected), not the stream. Streams that end
together are not batched: on one core that gains nothing (``asr/ear/acoustic.py`` has the figures). What
does: a worker that looks also says what the end would be if nothing more came, and a finish after
quiet alone is answered with that, at once. More cores are for more workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Coroutine, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from asr.grammars.grammar import FOLDER, Grammar, ready_made
from asr.listening.endpointing import SPEECH_OFF
from asr.listening.recent_pcm import RecentPcm
from asr.listening.vad import VoiceActivity
from asr.recognizer import RATES, REJECTED, AsrError, Recognizer, Result

log = logging.getLogger(__name__)
EMBEDDED = "asr.engines.embedded:EmbeddedRecognizer"
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 10.0
_QUIET_LIMIT_S = 2                 # longer quiet is decoded: that costs no more than listening to it
_LEAD_IN_MS = 96


class RecognizerPool:
    """``async with RecognizerPool(workers=2) as pool: stream = pool.open("plate")``."""

    def __init__(self, workers: int = 1, grammars: Path = FOLDER, engine: str = EMBEDDED,
                 answer_timeout_s: float = ANSWER_TIMEOUT_S,
                 options: Mapping[str, object] | None = None):
        """``engine`` is ``module:factory`` of a Recognizer, imported in the workers and called
        with ``options``."""
        self._grammars, self._timeout_s = grammars, answer_timeout_s
        self._workers = [_Worker(engine, grammars, options or {}) for _ in range(workers)]
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._known: set[str] = set()      # grammars that can be read
        self._tasks: set[asyncio.Task] = set()
        self.restarts = 0

    async def __aenter__(self) -> RecognizerPool:
        await self.start()
        return self

    async def __aexit__(self, *_error) -> None:
        await self.close()

    async def start(self) -> None:
        """Starts the workers; raises AsrError (the worker's own words) where one cannot."""
        try:
            known = await asyncio.gather(*(worker.start() for worker in self._workers))
        except BaseException:
            await self.close()
            raise
        self._known.update(*known)
        for worker in self._workers:
            self._idle.put_nowait(worker)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    def open(self, grammar_name: str, rate: int = 8000, folder: Path | None = None) -> AsyncStream:
        """A stream for a grammar by name (``plate``, ``yes_no+wait``), of another ``folder`` where
        one is given; raises GrammarError."""
        file = grammar_name.partition("+")[0]
        known = f"{folder}:{file}" if folder else file
        if known not in self._known:
            Grammar.load(file, folder or self._grammars)
            self._known.add(known)
        return AsyncStream(self, (grammar_name, folder) if folder else grammar_name, rate)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that live."""
        return tuple(worker.pid for worker in self._workers if worker.pid)

    async def decode(self, grammar_name: str, rate: int, pcm: bytes, final: bool) -> Result:
        """One answer of one worker; rejected where none came in time or the worker died."""
        return (await self.answer(grammar_name, rate, pcm, final))[0]

    async def answer(self, grammar_name: str, rate: int, pcm: bytes,
                     final: bool) -> tuple[Result, Result | None]:
        """As ``decode``, and after a look what a finish would give if nothing more is said."""
        try:
            async with asyncio.timeout(self._timeout_s):
                worker = await self._idle.get()
                asking = self._spawn(self._ask(worker, (grammar_name, rate, pcm, final)))
                # Shielded: nobody may want the answer now, but the next asker must not get it.
                result = await asyncio.shield(asking)
        except TimeoutError:
            return REJECTED, None
        if isinstance(result, AsrError):
            raise result
        return result

    async def _ask(self, worker: _Worker, request: tuple) -> tuple[Result, Result | None] | AsrError:
        """Whoever still waits for the answer: afterwards the worker is idle or started again."""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await worker.ask(request)
        except asyncio.CancelledError:     # the pool closes
            return REJECTED, None
        except Exception as error:
            log.warning("a recognizer worker gave no answer (%s): starting another", _words(error))
            self._spawn(self._restart(worker))
            return REJECTED, None
        self._idle.put_nowait(worker)
        return answer

    async def _restart(self, worker: _Worker) -> None:
        wait_s = 0.1
        while True:
            await worker.stop()
            try:
                await worker.start()
                break
            except (AsrError, EOFError, OSError) as error:
                log.error("a recognizer worker does not start (%s): trying again", _words(error))
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, 5.0)
        self.restarts += 1
        self._idle.put_nowait(worker)

    def _spawn(self, work: Coroutine) -> asyncio.Task:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


class AsyncStream:
    """One stretch of speech on its way to a worker."""

    def __init__(self, pool: RecognizerPool, grammar_name: str | tuple[str, Path], rate: int):
        self._pool, self._grammar_name, self._rate = pool, grammar_name, rate
        self._pcm = RecentPcm(rate)
        self._fed = 0                      # bytes
        self._settled: tuple[int, Result] | None = None

    def feed(self, pcm: bytes) -> None:
        """16-bit little endian mono, any amount."""
        self._pcm.feed(pcm)
        self._fed += len(pcm)

    async def look(self) -> Result:
        """Decodes what is there; the stream goes on."""
        fed = self._fed
        result, settled = await self._pool.answer(self._grammar_name, self._rate, bytes(self._pcm),
                                                  False)
        self._settled = (fed, settled) if settled else None
        return result

    async def finish(self) -> Result:
        """Decodes all of it, unless the last look did and only quiet followed.

        A stream may be finished again after a rejected answer.
        """
        if self._settled and self._quiet_since(self._settled[0]):
            return self._settled[1]
        return await self._pool.decode(self._grammar_name, self._rate, bytes(self._pcm), True)

    def _quiet_since(self, fed: int) -> bool:
        """Whether voice activity finds no speech in what was fed after so many bytes."""
        later = self._fed - fed
        if not later:
            return True
        pcm = bytes(self._pcm)
        if later > min(len(pcm), _QUIET_LIMIT_S * self._rate * 2) or self._rate not in RATES:
            return False
        before = pcm[: len(pcm) - later][-_LEAD_IN_MS * self._rate // 1000 * 2:]
        vad = VoiceActivity(self._rate)
        vad.feed(before)                   # it knows a sound by what was before it
        return max(vad.feed(pcm[len(pcm) - later:]), default=0.0) < SPEECH_OFF


class _Worker:
    def __init__(self, engine: str, grammars: Path, options: Mapping[str, object]):
        self._engine, self._grammars, self._options = engine, grammars, options
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.is_alive() else None

    async def start(self) -> frozenset[str]:
        """Returns the names of the grammars that it has made ready."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=serve, daemon=True,
                                  args=(theirs, self._engine, self._grammars, self._options))
        try:
            with one_thread_each():
                process.start()
        finally:
            theirs.close()
        self._process = process
        try:
            ready = await asyncio.wait_for(self._receive(), START_TIMEOUT_S)
        except (EOFError, TimeoutError) as error:
            await asyncio.to_thread(process.join, 1)
            raise AsrError(_not_ready(process.exitcode, self._options.get("model", "its model"))) from error
        if isinstance(ready, Exception):
            raise ready
        return ready

    async def ask(self, request: tuple) -> tuple[Result, Result | None] | AsrError:
        # Sent from a thread: a pipe holds 64 KiB, a long stream is 400 KiB.
        await asyncio.get_running_loop().run_in_executor(None, self._pipe.send, request)
        return await self._receive()

    async def _receive(self):
        loop, pipe = asyncio.get_running_loop(), self._pipe
        readable = loop.create_future()
        loop.add_reader(pipe.fileno(), lambda: readable.done() or readable.set_result(None))
        try:
            await readable
        finally:
            if not pipe.closed:
                loop.remove_reader(pipe.fileno())
        return pipe.recv()

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()
            await asyncio.to_thread(process.join, 1)
        if self._pipe:
            self._pipe.close()


def _not_ready(exit_code: int | None, model: object) -> str:
    if exit_code in (-signal.SIGTERM, -signal.SIGKILL, -signal.SIGINT):
        return (f"A recognizer worker was ended by {signal.Signals(-exit_code).name} while it loaded {model}: "
                "the service was being stopped, or the machine has too little memory.")
    return (f"A recognizer worker ended, or was not ready in time, while it loaded {model}: what it wrote is on "
            "standard error; most often the model is damaged or of another kind.")


@contextlib.contextmanager
def one_thread_each():
    """For a process started now: its matrix products take one core, as workers share them."""
    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def serve(pipe: Connection, engine: str, folder: Path,
          options: Mapping[str, object]) -> None:
    """The worker: (grammar, rate, pcm, final) in, results or AsrError out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    module, factory = engine.split(":")
    try:
        recognizer: Recognizer = getattr(importlib.import_module(module), factory)(**options)
    except AsrError as error:
        pipe.send(error)
        return
    grammars = ready_made(folder)
    with contextlib.suppress(EOFError, OSError):       # whoever asked has ended
        pipe.send(frozenset(grammars))
        while True:
            name, rate, pcm, final = pipe.recv()
            try:
                if name not in grammars:
                    grammars[name] = Grammar.load(*name) if isinstance(name, tuple) else Grammar.load(name, folder)
                pipe.send(_answer(recognizer, grammars[name], rate, pcm, final))
            except AsrError as error:
                pipe.send(error)


def _answer(recognizer: Recognizer, grammar: Grammar, rate: int, pcm: bytes,
            final: bool) -> tuple[Result, Result | None]:
    stream = recognizer.start(grammar, rate)
    stream.feed(pcm)
    return (stream.finish(), None) if final else (stream.look(), stream.settled())
