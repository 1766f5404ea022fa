"""The product's own recognizer: Whisper-base's encoder (int8 ONNX), a small head, a grammar search."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.ear import frontend
from asr.ear.acoustic import AcousticModel
from asr.grammars import templates
from asr.grammars.grammar import Grammar
from asr.listening.recent_pcm import RecentPcm
from asr.recognizer import (
    RATES,
    REJECTED,
    Capabilities,
    Hypothesis,
    Partial,
    Recognizer,
    Result,
    Stream,
    Word,
)
from asr.search.decoder import Decoded, decode
from asr.search.decoder import Path as Said

SETTINGS = Path(__file__).resolve().parent.parent / "models" / "decoding.json"
FRAME_MS = 40                      # of the head's output
LEAST_SPEECH_MS = 120
PARTIAL_MS = 600                   # feed() tells what was heard so far whenever so much more is there
WHOLE_NATS = 6.0                   # how much worse a whole value may be and still be preferred


@dataclass(frozen=True)
class Settings:
    """Fitted on recordings that are neither trained on nor measured on (``asr/models/README.md``)."""

    temperature: float = 2.0       # log scores are divided by it
    reject_per_unit: float = 1.6   # nats a unit that the grammar may cost beyond free units
    reject_short: float = 3.8      # nats a unit of doubt, of one or two: a cough costs a yes little
    unknown: float = 0.02          # probability kept for what is not in the list
    beam: int = 1000
    garbage: float = 1.2
    unit_bonus: float = 0.0        # nats a unit: quick doubles and short letters are lost, not made up

    @classmethod
    @functools.cache
    def load(cls) -> Settings:
        return cls(**json.loads(SETTINGS.read_text("utf-8"))) if SETTINGS.exists() else cls()


class EmbeddedRecognizer(Recognizer):
    """Loads the model once; raises ModelMissing where set-up has not been done."""

    capabilities = Capabilities("embedded", probabilities=True, streaming=True)

    def __init__(self, model: AcousticModel | None = None, settings: Settings | None = None):
        self.model = model or AcousticModel.load()
        self.settings = settings or Settings.load()

    def start(self, grammar: Grammar, rate: int = 8000) -> Stream:
        return EmbeddedStream(self, grammar, rate)


class EmbeddedStream(Stream):
    """Keeps the audio and decodes all of it for a partial, at look() and finish().

    The encoder hears a whole stretch at once (what comes later changes what was before), so audio
    that comes after a look() is decoded with all before it; without any, finish() costs nothing.
    """

    def __init__(self, recognizer: EmbeddedRecognizer, grammar: Grammar, rate: int):
        if rate not in RATES:
            raise ValueError(f"speech is fed at 8000 or 16000 Hz, not {rate}.")
        self._recognizer, self._grammar, self._rate = recognizer, grammar, rate
        self._pcm = RecentPcm(rate)
        self._heard: tuple[Result, Result] | None = None
        self._untold = 0                # bytes since the last partial

    def feed(self, pcm: bytes) -> Partial | None:
        if pcm:
            self._pcm.feed(pcm)
            self._heard = None
            self._untold += len(pcm)
        if self._untold < PARTIAL_MS * self._rate // 1000 * 2:
            return None
        self._untold = 0
        best = self.look().best
        return Partial(best.text, best.value) if best else None

    def look(self) -> Result:
        return self._decoded()[0]

    def finish(self) -> Result:
        return self._decoded()[1]

    def settled(self) -> Result:
        return self._decoded()[1]

    def _decoded(self) -> tuple[Result, Result]:
        if self._heard is None:
            self._heard = self._decode()
        return self._heard

    def _decode(self) -> tuple[Result, Result]:
        samples = frontend.from_pcm(bytes(self._pcm))
        if len(samples) < LEAST_SPEECH_MS * self._rate // 1000 or np.abs(samples).max() < 1e-3:
            return REJECTED, REJECTED
        log_probs = self._recognizer.model.log_probs(samples, self._rate)
        settings = self._recognizer.settings
        decoded = decode(self._grammar.graph, log_probs, beam=settings.beam,
                         garbage=settings.garbage)
        return to_results(decoded, self._grammar, settings, speech_ms(log_probs))


def speech_ms(log_probs: np.ndarray) -> int:
    """From the first unit heard to the last, ms."""
    heard = np.flatnonzero(log_probs[:, 0] < math.log(0.5))
    return int(heard[-1] - heard[0] + 1) * FRAME_MS if len(heard) else 0


def to_result(decoded: Decoded, grammar: Grammar, settings: Settings, speech: int,
              final: bool) -> Result:
    """Scores to probabilities and to a verdict: were these words of the grammar at all."""
    return to_results(decoded, grammar, settings, speech)[final]


def to_results(decoded: Decoded, grammar: Grammar, settings: Settings,
               speech: int) -> tuple[Result, Result]:
    """As ``to_result``: while more may come, and when nothing will (whole values are preferred)."""
    paths = [path for path in decoded.paths if grammar.may_mean(path.value)]
    if not paths or not decoded.units:
        return Result((), True, speech), Result((), True, speech)
    rejected = cost_per_unit(decoded, paths[0].log_score) > settings.reject_per_unit
    scores = np.array([score(path, settings.unit_bonus) for path in paths])
    order = np.argsort(-scores, kind="stable")
    paths, scores = [paths[index] for index in order], scores[order]

    def result(of: list[Said], scored: np.ndarray) -> Result:
        hypotheses = _hypotheses(of, shares(scored, settings), grammar)
        return Result(hypotheses, rejected or of[0].doubt > settings.reject_short, speech)
    listed = whole = result(paths, scores)
    complete = np.array([path.complete for path in paths])
    if complete.any() and scores[complete][0] > scores[0] - WHOLE_NATS:
        whole = result([path for path in paths if path.complete], scores[complete])
    return listed, whole


def shares(scores: np.ndarray, settings: Settings) -> list[float]:
    """Probabilities of what is scored, best first: all but ``unknown`` is theirs."""
    found = np.exp((scores - scores[0]) / settings.temperature)
    return (found * ((1.0 - settings.unknown) / found.sum())).tolist()


def score(path: Said, unit_bonus: float) -> float:
    """What a path is ranked by, nats."""
    return path.log_score + unit_bonus * len(path.steps)


def cost_per_unit(decoded: Decoded, log_score: float) -> float:
    """Nats a unit that the grammar's best costs beyond free units; few units count as more."""
    return (decoded.free - log_score) / (decoded.units + 2)


def _hypotheses(paths: list[Said], shares: list[float], grammar: Grammar) -> tuple[Hypothesis, ...]:
    """Hypotheses share their words: there are many times fewer of these, to make and to send."""
    text, unit, words = grammar.graph.text, grammar.graph.unit, {}

    def word(step: tuple[int, int]) -> Word | None:
        if step not in words:
            node, frame = step
            words[step] = None if unit[node] == templates.GARBAGE else Word(
                text[node], frame * FRAME_MS, (frame + 1) * FRAME_MS)
        return words[step]

    made = []
    for path, share in zip(paths, shares, strict=True):
        said = tuple(filter(None, map(word, path.steps)))
        made.append(Hypothesis("".join([each.text for each in said]), path.value, share, said,
                               path.complete))
    return tuple(made)
