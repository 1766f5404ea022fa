"""Recordings without a plate, heard turn by turn: how many turns are taken for one."""

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from asr.grammars.grammar import Grammar
from asr.hear import recognizer_for
from asr.measure.false_alarms import FalseAlarms, false_alarms
from asr.recognizer import AsrError
from hotline.bench.register import SURE
from hotline.errors import CannotRun

SOUNDS = {".wav", ".flac", ".ogg", ".opus", ".aiff", ".al", ".alaw", ".ul", ".ulaw"}


def measure_false_plates(
    places: Sequence[Path], grammar_name: str, line: str, progress: Progress
) -> dict[str, object]:
    """`minutes` heard, `turns` in them, `taken` for a value of the grammar, `share` of the turns, `sure`
    (at 95 % or more), the same by file, and `not_used`: a sentence for each file that could not be heard.
    Raises `CannotRun` where no recording can be."""
    files = [file for place in places for file in _sounds(place)]
    if not files:
        raise CannotRun(f"{places[0]} holds no recording; give WAV, FLAC, Ogg or .alaw files, or a folder of them")
    grammar = Grammar.load(grammar_name)
    recognizer = recognizer_for(grammar)
    found, not_used = [], []
    for file in progress.track(files, description="hearing"):
        try:
            found.append(false_alarms(file, recognizer, grammar, line))
        except AsrError as error:
            not_used.append(str(error))
    if not found:
        raise CannotRun(not_used[0])
    whole = _row(found)
    return {**whole, "share": round(whole["taken"] / max(1, whole["turns"]), 4),
            "by_file": {each.file: _row([each]) for each in found}, "not_used": not_used}


def _row(found: list[FalseAlarms]) -> dict[str, float]:
    return {
        "minutes": round(sum(each.seconds for each in found) / 60, 1),
        "turns": sum(each.turns for each in found),
        "taken": sum(len(each.taken) for each in found),
        "sure": sum(probability is None or probability >= SURE for each in found for probability in each.taken),
    }


def _sounds(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.suffix.lower() in SOUNDS)
