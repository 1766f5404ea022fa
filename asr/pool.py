"""Recognizer worker processes, seen from asyncio. A worker that dies is replaced; no stream hangs.

One worker decodes one stream at a time; audio stays in the asking process until it is to be decoded,
so a lost worker costs one answer (rejected), not the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from asr.grammar import FOLDER, Grammar
from asr.recognizer import REJECTED, AsrError, Recognizer, Result

EMBEDDED = "asr.engines.embedded:EmbeddedRecognizer"
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 10.0
LONGEST_S = 25.0                   # of one stream; what is older is forgotten


class RecognizerPool:
    """``async with RecognizerPool(workers=2) as pool: stream = pool.open("plate")``."""

    def __init__(self, workers: int = 1, grammars: Path = FOLDER, engine: str = EMBEDDED,
                 answer_timeout_s: float = ANSWER_TIMEOUT_S):
        """``engine`` is ``module:factory`` of a Recognizer, imported in the workers."""
        self._grammars, self._timeout_s = grammars, answer_timeout_s
        self._workers = [_Worker(engine, grammars) for _ in range(workers)]
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._tending: set[asyncio.Task] = set()
        self.restarts = 0

    async def __aenter__(self) -> RecognizerPool:
        await self.start()
        return self

    async def __aexit__(self, *_error) -> None:
        await self.close()

    async def start(self) -> None:
        """Starts the workers; raises AsrError (the worker's own words) where one cannot."""
        try:
            await asyncio.gather(*(worker.start() for worker in self._workers))
        except BaseException:
            await self.close()
            raise
        for worker in self._workers:
            self._idle.put_nowait(worker)

    async def close(self) -> None:
        for task in self._tending:
            task.cancel()
        for worker in self._workers:
            worker.stop()

    def open(self, grammar_name: str, rate: int = 8000) -> AsyncStream:
        """A stream for a grammar by name (``plate``, ``yes_no+wait``); raises GrammarError."""
        Grammar.load(grammar_name, self._grammars)
        return AsyncStream(self, grammar_name, rate)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that live."""
        return tuple(worker.pid for worker in self._workers if worker.pid)

    async def decode(self, grammar_name: str, rate: int, pcm: bytes, final: bool) -> Result:
        """One answer of one worker; rejected where the worker died or took too long."""
        worker = await self._idle.get()
        asking = asyncio.ensure_future(worker.ask((grammar_name, rate, pcm, final)))
        asking.add_done_callback(lambda done: self._release(worker, done))
        try:
            # Shielded: nobody may want the answer any more, but the next asker must not get it.
            result = await asyncio.wait_for(asyncio.shield(asking), self._timeout_s)
        except TimeoutError:               # an OSError too, so it comes first
            asking.cancel()
            return REJECTED
        except (EOFError, OSError):
            return REJECTED
        if isinstance(result, AsrError):
            raise result
        return result

    def _release(self, worker: _Worker, asked: asyncio.Future) -> None:
        if asked.cancelled() or asked.exception():
            self._tend(worker)
        else:
            self._idle.put_nowait(worker)

    def _tend(self, worker: _Worker) -> None:
        task = asyncio.ensure_future(self._restart(worker))
        self._tending.add(task)
        task.add_done_callback(self._tending.discard)

    async def _restart(self, worker: _Worker) -> None:
        wait_s = 0.1
        while True:
            worker.stop()
            with contextlib.suppress(AsrError, EOFError, OSError, TimeoutError):
                await worker.start()
                self.restarts += 1
                self._idle.put_nowait(worker)
                return
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, 5.0)


class AsyncStream:
    """One stretch of speech on its way to a worker."""

    def __init__(self, pool: RecognizerPool, grammar_name: str, rate: int):
        self._pool, self._grammar_name, self._rate = pool, grammar_name, rate
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> None:
        """16-bit little endian mono, any amount."""
        self._pcm += pcm
        longest = int(LONGEST_S * self._rate) * 2
        if len(self._pcm) > longest:
            del self._pcm[: len(self._pcm) - longest]

    async def look(self) -> Result:
        """Decodes what is there; the stream goes on."""
        return await self._pool.decode(self._grammar_name, self._rate, bytes(self._pcm), False)

    async def finish(self) -> Result:
        """Decodes all of it. A stream may be finished again after a rejected answer."""
        return await self._pool.decode(self._grammar_name, self._rate, bytes(self._pcm), True)


class _Worker:
    def __init__(self, engine: str, grammars: Path):
        self._engine, self._grammars = engine, grammars
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.is_alive() else None

    async def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._engine, self._grammars),
                                        daemon=True)
        with one_thread_each():
            self._process.start()
        theirs.close()
        ready = await asyncio.wait_for(self._receive(), START_TIMEOUT_S)
        if isinstance(ready, Exception):
            raise ready

    async def ask(self, request: tuple) -> Result | AsrError:
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

    def stop(self) -> None:
        if self._process and self._process.is_alive():
            self._process.kill()
        if self._process:
            self._process.join(1)
        if self._pipe:
            self._pipe.close()


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


def serve(pipe: Connection, engine: str, folder: Path) -> None:
    """The worker: (grammar, rate, pcm, final) in, Result or AsrError out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    module, factory = engine.split(":")
    try:
        recognizer: Recognizer = getattr(importlib.import_module(module), factory)()
    except AsrError as error:
        pipe.send(error)
        return
    pipe.send("ready")
    grammars: dict[str, Grammar] = {}
    with contextlib.suppress(EOFError, OSError):
        while True:
            name, rate, pcm, final = pipe.recv()
            try:
                if name not in grammars:
                    grammars[name] = Grammar.load(name, folder)
                pipe.send(_answer(recognizer, grammars[name], rate, pcm, final))
            except AsrError as error:
                pipe.send(error)


def _answer(recognizer: Recognizer, grammar: Grammar, rate: int, pcm: bytes, final: bool) -> Result:
    stream = recognizer.start(grammar, rate)
    stream.feed(pcm)
    return stream.finish() if final else stream.look()
