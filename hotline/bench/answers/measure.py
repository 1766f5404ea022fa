"""Every clip through the judge that calls have, with the recognizer's delay: verdicts, and when."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from asr.engines.embedded import EmbeddedRecognizer
from asr.engines.whisper import WhisperRecognizer
from asr.grammars.grammar import Grammar
from asr.recognizer import Recognizer, Result
from dialer.answer.judge import Judge
from dialer.answer.verdict import OUTCOMES, PERSON, Verdict
from dialer.answer.words import GRAMMAR
from hotline.bench.answers.clips import Clip, Part, clips, count

FRAME_BYTES = 320
LOOK_FRAMES = 10
"""A look's result comes so many frames (200 ms) after its audio: a busy worker's delay."""
TEXT_FRAMES = 60
"""And what was written down so many (1.2 s)."""
NO_VERDICT = "nothing"


@dataclass(frozen=True)
class Told:
    """A clip and what it was taken for."""

    clip: Clip
    verdict: Verdict | None

    @property
    def kind(self) -> str:
        """After the answer, no verdict is a person."""
        return self.verdict.kind if self.verdict else NO_VERDICT if self.clip.early else PERSON

    @property
    def right(self) -> bool:
        return self.kind == self.clip.kind


def tell(clip: Clip, recognizer: Recognizer, grammar: Grammar, sent: bytes = b"", *,
         writer: Recognizer | None = None) -> Told:
    """One clip, frame by frame, as in a call; `sent` is what the bot says from the first frame on. `writer`
    writes free speech down; None where a call would have only the words that are spotted."""
    judge = Judge(early=clip.early, writes=writer is not None)
    looks, texts = _Late(LOOK_FRAMES, judge.take), _Late(TEXT_FRAMES, judge.take_text)
    for number, at in enumerate(range(0, len(clip.pcm_8k) - FRAME_BYTES + 1, FRAME_BYTES)):
        judge.feed(clip.pcm_8k[at: at + FRAME_BYTES], sent[at: at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0"))
        if looks.free and (pcm := judge.due()):
            looks.put(number, _heard(recognizer, grammar, pcm))
        if writer and texts.free and (pcm := judge.due_text()):
            best = _heard(writer, None, pcm).best
            texts.put(number, best.text if best else "")
        looks.pass_on(number)
        texts.pass_on(number)
        if judge.over:
            break
    return Told(clip, judge.hung_up() if clip.early else judge.verdict)


class _Late:
    """One answer at a time, which `take` gets so many frames after it was asked for."""

    def __init__(self, frames: int, take: Callable[[Any], object]) -> None:
        self._frames, self._take, self._waiting = frames, take, None

    @property
    def free(self) -> bool:
        return self._waiting is None

    def put(self, number: int, answer: Any) -> None:
        self._waiting = number + self._frames, answer

    def pass_on(self, number: int) -> None:
        if self._waiting and self._waiting[0] <= number:
            answer, self._waiting = self._waiting[1], None
            self._take(answer)


def _heard(recognizer: Recognizer, grammar: Grammar | None, pcm: bytes) -> Result:
    stream = recognizer.start(grammar, 8000)
    stream.feed(pcm)
    return stream.look()


def measure_answers(part: Part, seed: int, advance: Callable[[int], None], limit: int | None = None,
                    texts: bool = True) -> dict[str, Any]:
    """The figures of a part. `advance` is called with the number of clips, then 0 after each. `texts`: whether
    free speech is written down. Raises ModelMissing where that is not installed."""
    recognizer, grammar = EmbeddedRecognizer(), Grammar.load(GRAMMAR)
    writer = WhisperRecognizer() if texts else None
    total = count(part, seed)
    step = max(1, total // limit) if limit else 1
    advance(math.ceil(total / step))
    told = []
    for number, clip in enumerate(clips(part, seed)):
        if number % step == 0:
            told.append(tell(clip, recognizer, grammar, writer=writer))
            advance(0)
    return figures(told)


def figures(told: Sequence[Told]) -> dict[str, Any]:
    """`right`, `accuracy` with its 95 % interval, `persons_stopped`, `confusion` and times to a verdict."""
    right = sum(each.right for each in told)
    persons = [each for each in told if each.clip.kind == PERSON]
    stopped = sum(each.kind in OUTCOMES for each in persons)
    confusion: dict[str, Counter] = defaultdict(Counter)
    times: dict[str, list[int]] = defaultdict(list)
    voices: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for each in told:
        confusion[each.clip.kind][each.kind] += 1
        if each.right and each.verdict:
            times[each.clip.kind].append(each.verdict.at_ms)
        if each.clip.voice:
            voices[each.clip.voice][0] += each.right
            voices[each.clip.voice][1] += 1
    return {
        "clips": len(told), "right": right, "accuracy": round(right / max(1, len(told)), 4),
        "interval": [round(share, 4) for share in wilson(right, len(told))],
        "persons": len(persons), "persons_stopped": stopped,
        "persons_stopped_interval": [round(share, 4) for share in wilson(stopped, len(persons))],
        "confusion": {kind: dict(row) for kind, row in confusion.items()},
        "median_ms": {kind: median(found) for kind, found in times.items()},
        "slowest_ms": {kind: max(found) for kind, found in times.items()},
        "by_voice": dict(voices),
        "wrong": [_wrong(each) for each in told if not each.right],
    }


def _wrong(told: Told) -> dict[str, Any]:
    clip, verdict = told.clip, told.verdict
    return {"clip": clip.name, "is": clip.kind, "taken_for": told.kind, "early": clip.early, "voice": clip.voice,
            "text": clip.text, "reasons": list(verdict.reasons) if verdict else []}


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's)."""
    if not total:
        return 0.0, 1.0
    share, spread = hits / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / total / 4) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
