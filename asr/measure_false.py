"""How often what is no plate is taken for one: recordings cut into turns as in a call, each heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asr.endpointing import BLOCK_MS, Endpointer
from asr.grammar import Grammar
from asr.hear import LINE_RATE, read_recording
from asr.line_simulation import Conditions, over_the_line
from asr.recognizer import Recognizer
from asr.vad import VoiceActivity

PRE_ROLL_MS = 400
QUIET_MS = 700
LONGEST_MS = 12_000
SURE = 0.95
_LONGEST_FILE_S = 3600.0
_BLOCK_BYTES = LINE_RATE * BLOCK_MS // 1000 * 2


@dataclass
class FalseAlarms:
    """What was made of one recording. ``taken``: (start in s, value, probability) of turns not rejected."""

    file: str
    seconds: float
    turns: int = 0
    taken: list[tuple[float, str, float | None]] = field(default_factory=list)

    @property
    def sure(self) -> int:
        return sum(probability is None or probability >= SURE for _, _, probability in self.taken)


def false_alarms(path: Path, recognizer: Recognizer, grammar: Grammar, line: str = "alaw") -> FalseAlarms:
    """Hear a recording (at most an hour of it) turn by turn. Raises AsrError for what is no recording."""
    recording = read_recording(path, longest_s=_LONGEST_FILE_S)
    pcm = over_the_line(recording.samples, recording.rate, Conditions(line, None, 0.0), 0)
    found = FalseAlarms(path.name, round(len(pcm) / 2 / LINE_RATE, 1))
    for start_s, spoken in turns(pcm):
        found.turns += 1
        stream = recognizer.start(grammar, LINE_RATE)
        stream.feed(spoken)
        result = stream.finish()
        whole = [each for each in result.hypotheses if each.complete]
        if not result.rejected and whole:
            found.taken.append((round(start_s, 1), whole[0].value, whole[0].probability))
    return found


def turns(pcm: bytes) -> Iterator[tuple[float, bytes]]:
    """(start in s, 8 kHz PCM) of each stretch of sound that a call would take for a turn."""
    vad, ear, began = VoiceActivity(LINE_RATE), Endpointer(), 0
    for number in range(len(pcm) // _BLOCK_BYTES):
        for probability in vad.feed(pcm[number * _BLOCK_BYTES: (number + 1) * _BLOCK_BYTES]):
            ear.feed(probability)
        if ear.heard_speech and (ear.quiet_ms >= QUIET_MS or ear.speech_ms >= LONGEST_MS):
            first = max(began, began + (ear.speech_began_ms - PRE_ROLL_MS) // BLOCK_MS * _BLOCK_BYTES)
            yield first / 2 / LINE_RATE, pcm[first: (number + 1) * _BLOCK_BYTES]
            ear, began = Endpointer(), (number + 1) * _BLOCK_BYTES
