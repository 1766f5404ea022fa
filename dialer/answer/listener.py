"""Listens in on a call to an owner until it is known who or what is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import TypeVar

from asr.pool import RecognizerPool
from asr.recognizer import AsrError
from dialer.answer.judge import Judge
from dialer.answer.second_ear import SecondEar
from dialer.answer.verdict import Verdict
from dialer.answer.words import GRAMMAR
from ivr.call import Call

BEEP_WAIT_S = 20.0
T = TypeVar("T")


class AnswerListener:
    """Judges every frame of `call` from now on; use as an async context.

    `tell` is called with each new verdict. Nothing of the call waits for it: words are looked at
    beside, one look at a time, and a recognizer that fails leaves the tones. `second`: writes down what is
    said, by which more machines are told; without it the words that are spotted must do.
    """

    def __init__(self, call: Call, ears: RecognizerPool, tell: Callable[[Verdict], None],
                 second: SecondEar | None = None):
        self._call, self._ears, self._tell, self._second = call, ears, tell, second
        self.judge = Judge()
        self._machine = asyncio.Event()
        self._quiet = asyncio.Event()
        self._looking: asyncio.Task | None = None
        self._writing: asyncio.Task | None = None
        self._told: Verdict | None = None

    async def __aenter__(self) -> AnswerListener:
        self._call.taps.append(self._frame)
        if self._second:
            self._second.warm()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._call.taps.remove(self._frame)
        for task in (self._looking, self._writing):
            if task:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def answered(self) -> None:
        """The call was answered: what a network said before is over."""
        self.judge.answered()
        self._machine.clear()
        self._quiet.clear()

    def hung_up(self) -> Verdict | None:
        """The call ended before it was answered: the last verdict, with what was still being weighed."""
        self._note(self.judge.hung_up())
        return self.judge.verdict

    async def machine(self) -> Verdict:
        """Return once a machine was found; never, where there is none."""
        await self._machine.wait()
        return self.judge.verdict

    async def unless_machine(self, work: Coroutine[None, None, T]) -> T | Verdict:
        """What `work` returns, or the verdict on a machine that was found first: `work` is then cancelled."""
        working, machine = asyncio.ensure_future(work), asyncio.ensure_future(self.machine())
        try:
            await asyncio.wait({working, machine}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else machine.result()
        finally:
            working.cancel()
            machine.cancel()
            await asyncio.gather(working, machine, return_exceptions=True)

    async def may_speak(self) -> None:
        """Return when a voicemail has beeped or a machine has paused, at the latest after BEEP_WAIT_S."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), BEEP_WAIT_S)

    def _frame(self, received: bytes, sent: bytes) -> None:
        judge = self.judge
        judge.writes = self._second is not None and self._second.ready
        self._note(judge.feed(received, sent))
        if judge.may_speak:
            self._quiet.set()
        if self._looking is None and (pcm := judge.due()) is not None:
            self._looking = asyncio.ensure_future(self._look(pcm, judge.early))
        if self._writing is None and (pcm := judge.due_text()) is not None:
            self._writing = asyncio.ensure_future(self._write(pcm, judge.early))

    async def _look(self, pcm: bytes, early: bool) -> None:
        try:
            stream = self._ears.open(GRAMMAR, 8000)
            stream.feed(pcm)
            result = await stream.look()
            if early == self.judge.early:  # else the call was answered meanwhile
                self._note(self.judge.take(result))
        except AsrError:
            pass  # an engine that has no such grammar: tones and pace remain
        finally:
            self._looking = None

    async def _write(self, pcm: bytes, early: bool) -> None:
        try:
            text = await self._second.written(pcm)
            if early == self.judge.early:
                self._note(self.judge.take_text(text))
        finally:
            self._writing = None

    def _note(self, verdict: Verdict | None) -> None:
        if verdict is None or verdict is self._told:
            return
        if self._told is None or (verdict.kind, verdict.early) != (self._told.kind, self._told.early):
            self._tell(verdict)
        self._told = verdict
        if verdict.final:
            self._machine.set()
