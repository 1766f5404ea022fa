"""Hears a measuring set clip by clip and keeps each result, so that an interrupted run goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import resource
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.grammars.grammar import Grammar
from asr.hear import LINE_RATE
from asr.line.simulation import Conditions, over_the_line
from asr.measure.measuring_set import Clip, Reader, recording_of
from asr.recognizer import AsrError, Recognizer, Result

_TEXTS_KEPT = 10


@dataclass(frozen=True)
class HeardClip:
    """What the recognizer made of a clip. ``values`` are (value, probability), best first; ``texts`` the
    texts of the first ten. ``peak_mb``: the process's largest memory by then."""

    values: tuple[tuple[str, float | None], ...]
    texts: tuple[str, ...]
    rejected: bool
    audio_s: float
    took_s: float
    peak_mb: float

    @classmethod
    def of(cls, result: Result, audio_s: float, took_s: float) -> HeardClip:
        values = tuple((h.value, None if h.probability is None else float(f"{h.probability:.6g}"))
                       for h in result.hypotheses)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return cls(values, tuple(h.text for h in result.hypotheses[:_TEXTS_KEPT]), result.rejected,
                   round(audio_s, 3), round(took_s, 4), round(peak_mb, 1))


class Results:
    """The file that results are kept in: one JSON line each, named by everything that shapes it."""

    def __init__(self, path: Path):
        self.path = path
        self._known: dict[str, HeardClip] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+", encoding="utf-8")
            self._file.seek(0)
            lines = self._file.read().split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise AsrError(f"{path} cannot be used for results ({error}): name another file.") from error
        for line in lines:
            self._learn(line)
        if lines[-1]:              # torn: the next result begins a line of its own
            self._file.write("\n")

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def get(self, key: str) -> HeardClip | None:
        return self._known.get(key)

    def put(self, key: str, heard: HeardClip) -> None:
        self._known[key] = heard
        self._file.write(json.dumps({"key": key, **dataclasses.asdict(heard)}, ensure_ascii=False) + "\n")
        self._file.flush()

    def _learn(self, line: str) -> None:
        try:
            fields = json.loads(line)
            key = fields.pop("key")
            fields["values"] = tuple((value, probability) for value, probability in fields["values"])
            fields["texts"] = tuple(fields["texts"])
            self._known[key] = HeardClip(**fields)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass                   # the line that an interruption tore: its clip is heard again


class Run:
    """One set through one recognizer under one set of conditions."""

    def __init__(self, recognizer: Recognizer, model: str, conditions: Conditions, results: Results,
                 afresh: bool = False):
        """``model`` names recognizer and weights; ``afresh`` uses no kept result."""
        self._recognizer, self._model, self._conditions = recognizer, model, conditions
        self._results, self._afresh = results, afresh
        self._grammars: dict[str, str] = {}
        self.known = 0             # results that were there

    def hear(self, clips: list[tuple[Clip, Grammar]]) -> Iterator[tuple[Clip, HeardClip | AsrError]]:
        """Each clip with what was heard, or with what is wrong with its file."""
        with Reader() as reader:
            for clip, grammar in clips:
                try:
                    yield clip, self._one(clip, reader.content(clip), grammar)
                except AsrError as error:
                    yield clip, error

    def _one(self, clip: Clip, content: bytes, grammar: Grammar) -> HeardClip:
        sound = hashlib.sha256(content).hexdigest()[:24]
        if grammar.name not in self._grammars:
            self._grammars[grammar.name] = grammar_id(grammar)
        key = "|".join((sound, self._model, self._grammars[grammar.name], str(self._conditions)))
        known = None if self._afresh else self._results.get(key)
        if known:
            self.known += 1
            return known
        recording = recording_of(clip, content)
        pcm = over_the_line(recording.samples, recording.rate, self._conditions, zlib.crc32(sound.encode()))
        began = time.perf_counter()
        stream = self._recognizer.start(grammar, LINE_RATE)
        stream.feed(pcm)
        result = stream.finish()
        heard = HeardClip.of(result, len(pcm) / 2 / LINE_RATE, time.perf_counter() - began)
        self._results.put(key, heard)
        return heard


def grammar_id(grammar: Grammar) -> str:
    """The grammar's name and a digest of all that it accepts."""
    if grammar.free:
        return grammar.name
    graph, digest = grammar.graph, hashlib.sha256()
    for array in (graph.unit, graph.state, graph.first, graph.target, graph.output,
                  np.round(graph.log_weight, 4)):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update("\0".join((*graph.text, *graph.outputs)).encode())
    return f"{grammar.name}-{digest.hexdigest()[:12]}"
