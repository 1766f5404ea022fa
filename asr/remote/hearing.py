"""A recognizer server with the embedded recognizer behind it: a turn is heard whatever the server does.

The turn's audio is kept here. Where the server cannot be reached, breaks off, is late or talks nonsense,
the same turn is decoded by the embedded workers, and later turns leave the server alone for a while.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from asr.grammars.grammar import FOLDER, Grammar, ready_made
from asr.listening.recent_pcm import RecentPcm
from asr.pool import AsyncStream, RecognizerPool
from asr.recognizer import REJECTED, Result
from asr.remote.server import Server
from asr.remote.session import RemoteTrouble, Session
from asr.search.text_match import match_text

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0


class RemoteHearing:
    """Opens streams like a RecognizerPool."""

    def __init__(self, server: Server, embedded: RecognizerPool, grammars: Path = FOLDER,
                 clock: Callable[[], float] = time.monotonic):
        """Raises AsrError for settings that cannot work. ``clock`` in seconds."""
        server.check()
        self.server, self.embedded, self.health = server, embedded, Health(server.shown, clock)
        self._folder, self._grammars = grammars, {}
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> RemoteHearing:
        await self.start()
        return self

    async def __aexit__(self, *_error) -> None:
        await self.close()

    async def start(self) -> None:
        """Starts the embedded workers; a server that is away is no reason not to start."""
        self._http = aiohttp.ClientSession()
        try:
            await asyncio.gather(self.embedded.start(), asyncio.to_thread(self._make_ready))
        except BaseException:
            await self._http.close()
            raise

    async def close(self) -> None:
        if self._http:
            await self._http.close()
        await self.embedded.close()

    def open(self, grammar_name: str, rate: int = 8000, folder: Path | None = None) -> RemoteStream:
        """A stream for a grammar by name, of another ``folder`` where one is given; raises GrammarError."""
        known = f"{folder}:{grammar_name}" if folder else grammar_name
        if known not in self._grammars:
            self._grammars[known] = Grammar.load(grammar_name, folder or self._folder)
        return RemoteStream(self, self._grammars[known], rate)

    def session(self, grammar: Grammar, rate: int) -> Session:
        """A new utterance on the wire."""
        return self.server.session(self._http, grammar, rate)

    def _make_ready(self) -> None:
        """Grammars compiled and phrases listed now, so that no caller waits for it."""
        for name, grammar in ready_made(self._folder).items():
            self.server.dialect(grammar, 8000)
            self._grammars[name] = grammar


class RemoteStream:
    """One stretch of speech: with the server, or from its failure on with the embedded recognizer."""

    def __init__(self, hearing: RemoteHearing, grammar: Grammar, rate: int):
        self._hearing, self._grammar, self._rate = hearing, grammar, rate
        self._pcm = RecentPcm(rate)
        self._session: Session | None = None
        self._result: Result | None = None     # of the first `_decoded` bytes
        self._fed, self._decoded = 0, -1
        self._embedded: AsyncStream | Deaf | None = None
        self._answering = False
        if not hearing.health.may_try():
            self._embedded = self._open_embedded()

    def feed(self, pcm: bytes) -> None:
        """16-bit little endian mono, any amount. Never waits."""
        self._pcm.feed(pcm)
        self._fed += len(pcm)
        if self._session and self._session.failed:
            self._fall_back(self._session.why)
        elif self._embedded:
            self._embedded.feed(pcm)
        elif not self._answering:
            self._send(pcm)

    async def look(self) -> Result:
        """Decodes what is there; the stream goes on."""
        return await self._answer(final=False)

    async def finish(self) -> Result:
        """Decodes all of it."""
        return await self._answer(final=True)

    def _send(self, pcm: bytes) -> None:
        """To the utterance that is open, else all audio so far to a new one."""
        if self._session is None or self._session.abandoned:
            self._session = self._hearing.session(self._grammar, self._rate)
            pcm = bytes(self._pcm)
        self._session.feed(pcm)

    async def _answer(self, final: bool) -> Result:
        if self._embedded is None and self._decoded != self._fed:
            fed = self._fed
            self._result = await self._from_server()
            self._decoded = fed
        if self._embedded is None:
            return self._result
        return await (self._embedded.finish() if final else self._embedded.look())

    async def _from_server(self) -> Result | None:
        """None where the embedded recognizer has taken over."""
        self._answering = True
        if self._session is None or self._session.abandoned:
            self._send(b"")
        session, self._session = self._session, None
        try:
            async with asyncio.timeout(self._hearing.server.answer_timeout_s):
                texts = await session.finish()
        except TimeoutError:
            self._fall_back(f"no answer within {self._hearing.server.answer_timeout_s:g} s")
        except RemoteTrouble as trouble:
            self._fall_back(str(trouble))
        else:
            self._hearing.health.worked()
            return await asyncio.to_thread(match_text, self._grammar, *texts)
        finally:
            self._answering = False
        return None

    def _fall_back(self, why: str) -> None:
        """All audio so far, and what comes, to the embedded recognizer."""
        self._hearing.health.failed(why)
        self._session = None
        self._embedded = self._open_embedded()
        self._embedded.feed(bytes(self._pcm))

    def _open_embedded(self) -> AsyncStream | Deaf:
        if self._grammar.free:
            return Deaf()
        return self._hearing.embedded.open(self._grammar.name, self._rate)


class Deaf:
    """Where the embedded recognizer cannot help: it hears no free speech. The caller is asked again."""

    def feed(self, pcm: bytes) -> None:
        pass

    async def look(self) -> Result:
        return REJECTED

    finish = look


class Health:
    """Whether a server is to be tried; says once that it is away and once that it is back."""

    def __init__(self, shown: str, clock: Callable[[], float]):
        self._shown, self._clock = shown, clock
        self._pause_s, self._retry_at = 0.0, 0.0
        self._trying = False

    def may_try(self) -> bool:
        """While it is away, one stream after each pause tries it."""
        if not self._pause_s:
            return True
        if self._clock() < self._retry_at:
            return False
        self._trying, self._retry_at = True, self._clock() + self._pause_s
        return True

    def failed(self, why: str) -> None:
        if not self._pause_s:
            log.warning("the recognizer server %s fails (%s): the embedded recognizer hears until it "
                        "answers again", self._shown, why)
            self._pause_s = FIRST_PAUSE_S
        elif self._trying:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        else:                              # another stream of those that were open when it went
            return
        self._trying, self._retry_at = False, self._clock() + self._pause_s

    def worked(self) -> None:
        if self._pause_s:
            log.warning("the recognizer server %s answers again", self._shown)
        self._pause_s = 0.0
