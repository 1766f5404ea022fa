"""What every recognizer engine promises: a grammar and audio in, hypotheses out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asr.grammars.grammar import Grammar


RATES = (8000, 16000)
"""What streams and voice activity can be fed at, Hz."""


class AsrError(Exception):
    """Something that hearing needs is missing or wrong; the message says what to do."""


class ModelMissing(AsrError):
    """A model file is not where it should be, or is not the file it should be."""


class GrammarError(AsrError):
    """A grammar file does not say what it must; the message names the file and the rule."""


@dataclass(frozen=True)
class Capabilities:
    """``probabilities``: are hypotheses' probabilities calibrated; ``streaming``: does feed() answer."""

    name: str
    probabilities: bool
    streaming: bool


@dataclass(frozen=True)
class Word:
    """A word of a hypothesis, with its times from the start of the stream."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Hypothesis:
    """``text`` what was said, ``value`` its meaning, ``probability`` None where an engine has none.

    ``complete``: the value is a whole one (every place of a plate is there), so a listener may
    stop waiting sooner.
    """

    text: str
    value: str
    probability: float | None
    words: tuple[Word, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Result:
    """Best first; probabilities sum to at most 1. ``rejected``: nothing of the grammar was said."""

    hypotheses: tuple[Hypothesis, ...]
    rejected: bool
    speech_ms: int

    @property
    def best(self) -> Hypothesis | None:
        return self.hypotheses[0] if self.hypotheses and not self.rejected else None


REJECTED = Result((), True, 0)


@dataclass(frozen=True)
class Partial:
    """The likeliest reading so far; it may change."""

    text: str
    value: str


class Stream(ABC):
    """One stretch of speech. PCM is 16-bit signed little endian mono at the rate given to start()."""

    @abstractmethod
    def feed(self, pcm: bytes) -> Partial | None:
        """Takes any amount of audio; a partial where the engine streams."""

    @abstractmethod
    def look(self) -> Result:
        """Decodes what is there; the stream goes on."""

    @abstractmethod
    def finish(self) -> Result:
        """Decodes all of it and closes the stream."""

    def settled(self) -> Result | None:
        """After a look(): what finish() would give if nothing more is said; None if only it can tell."""
        return None


class Recognizer(ABC):
    """An engine. Instances are not shared between threads."""

    capabilities: Capabilities

    @abstractmethod
    def start(self, grammar: Grammar, rate: int = 8000) -> Stream:
        """A new stream that listens for ``grammar``; ``rate`` in Hz, 8000 or 16000."""
