"""How often what is no plate is taken for one: recordings cut into turns as in a call, each heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asr.grammars.grammar import Grammar
from asr.hear import LINE_RATE, read_recording
from asr.line.simulation import Conditions, over_the_line
from asr.listening.endpointing import BLOCK_MS, Endpointer
from asr.listening.vad import VoiceActivity
from asr.recognizer import Recognizer

PRE_ROLL_MS = 400
QUIET_MS = 700
LONGEST_MS = 12_000
_LONGEST_FILE_S = 3600.0
_BYTES_PER_MS = LINE_RATE * 2 // 1000


@dataclass
class FalseAlarms:
    """What was made of one recording: its turns, and the probabilities at which some were taken for a value
    (None from a recognizer without probabilities)."""

    file: str
    seconds: float
    turns: int = 0
    taken: list[float | None] = field(default_factory=list)


def false_alarms(path: Path, recognizer: Recognizer, grammar: Grammar, line: str = "alaw") -> FalseAlarms:
    """Hear a recording (at most an hour of it) turn by turn. Raises AsrError for what is no recording."""
    recording = read_recording(path, longest_s=_LONGEST_FILE_S)
    pcm = over_the_line(recording.samples, recording.rate, Conditions(line), 0)
    found = FalseAlarms(path.name, round(recording.heard_s, 1))
    for spoken in turns(pcm):
        found.turns += 1
        stream = recognizer.start(grammar, LINE_RATE)
        stream.feed(spoken)
        result = stream.finish()
        whole = [each for each in result.hypotheses if each.complete]
        if not result.rejected and whole:
            found.taken.append(whole[0].probability)
    return found


def turns(pcm: bytes) -> Iterator[bytes]:
    """Each stretch of 8 kHz PCM that a call would take for a turn; the last may end with the recording."""
    ear, began_ms = Endpointer(), 0
    for probability in VoiceActivity(LINE_RATE).feed(pcm):
        ear.feed(probability)
        if ear.heard_speech and (ear.quiet_ms >= QUIET_MS or ear.speech_ms >= LONGEST_MS):
            yield _turn(pcm, ear, began_ms)
            ear, began_ms = Endpointer(), began_ms + ear.now_ms
    if ear.heard_speech:
        yield _turn(pcm, ear, began_ms)


def _turn(pcm: bytes, ear: Endpointer, began_ms: int) -> bytes:
    lead_ms = max(0, (ear.speech_began_ms - PRE_ROLL_MS) // BLOCK_MS * BLOCK_MS)
    return pcm[(began_ms + lead_ms) * _BYTES_PER_MS: (began_ms + ear.now_ms) * _BYTES_PER_MS]
