"""A recognizer server as its operator names it: which kind, where, and what it is told of a grammar."""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from asr.grammars.grammar import Grammar
from asr.grammars.phrase_list import characters, phrases
from asr.recognizer import AsrError
from asr.remote.dialects import FUNASR_RATE, Dialect, FunasrDialect, VoskDialect
from asr.remote.session import Session

MOST_HOTWORDS = 200


@dataclass(frozen=True)
class Server:
    """``kind``: funasr or vosk-server. ``certificate``: PEM of a server that no known authority vouches for."""

    kind: str
    url: str
    certificate: Path | None = None
    connect_timeout_s: float = 2.0
    answer_timeout_s: float = 2.0

    @property
    def shown(self) -> str:
        """The address without a password."""
        return str(URL(self.url).with_user(None))

    def check(self) -> None:
        """Raises AsrError for what cannot be an address or a certificate."""
        try:
            url = URL(self.url)
        except ValueError:
            url = URL()
        if url.scheme not in ("ws", "wss") or not url.host:
            raise AsrError(f"{self.url!r} is no address of a recognizer server: write [hearing] url like "
                           "\"ws://10.0.0.5:2700\" (wss:// where it is encrypted).")
        if self.certificate:
            self.connect()

    @functools.cache
    def connect(self) -> dict[str, object]:
        """Arguments for ``ws_connect``. A given certificate is the only one trusted; its name is not compared."""
        if not self.certificate:
            return {}
        try:
            context = ssl.create_default_context(cafile=self.certificate)
        except OSError as error:
            raise AsrError(f"{self.certificate} is no certificate that can be read (PEM): copy the "
                           "server's.") from error
        context.check_hostname = False
        return {"ssl": context}

    def wire_rate(self, rate: int) -> int:
        """What audio of ``rate`` Hz is sent at."""
        return FUNASR_RATE if self.kind == "funasr" else rate

    def dialect(self, grammar: Grammar, rate: int) -> Dialect:
        """A new utterance, told what may be said. Slow (0.3 s) the first time for a grammar."""
        if self.kind == "funasr":
            return FunasrDialect(hotwords(grammar))
        return VoskDialect(spaced_phrases(grammar), rate)

    def session(self, http: aiohttp.ClientSession, grammar: Grammar, rate: int) -> Session:
        """A new utterance on the wire."""
        return Session(http, self.url, lambda: self.dialect(grammar, rate), rate, self.wire_rate(rate),
                       connect_timeout_s=self.connect_timeout_s, connect=self.connect())


@functools.lru_cache(maxsize=64)
def spaced_phrases(grammar: Grammar) -> list[str]:
    """For vosk-server, whose vocabulary is not known here and which drops words that it lacks:
    phrases as single characters, and each short one as a word."""
    listed = phrases(grammar)
    spaced = [" ".join(phrase) for phrase in listed]
    letters = [letter.lower() for letter in characters(grammar) if letter.isascii()]
    return list(dict.fromkeys([*spaced, *(phrase for phrase in listed if len(phrase) <= 4),
                               *characters(grammar), *letters]))


@functools.lru_cache(maxsize=64)
def hotwords(grammar: Grammar) -> list[str]:
    """For FunASR: the phrases of a small grammar; of a large one, which are mere examples, its characters."""
    listed = phrases(grammar)
    if len(listed) > MOST_HOTWORDS:
        listed = [one for one in characters(grammar) if not one.isascii() and one not in "零一二三四五六七八九十"]
    return listed[:MOST_HOTWORDS]
