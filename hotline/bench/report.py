"""Runs a hearing measurement from a folder to its report."""

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from asr.line.simulation import Conditions
from asr.measure.engine import model_id, recognizer_of
from asr.measure.figures import figures
from asr.measure.measuring_set import read_set
from hotline.bench.hearing import Outcome, Row, hear_rows, rows, spoken_plates
from hotline.bench.register import measure_register

RESULTS = Path("var") / "bench"


@dataclass(frozen=True)
class HearingTask:
    """What `ivr bench hear` was asked for."""

    folder: Path
    conditions: Conditions = Conditions()
    grammar: str = "plate"
    limit: int | None = None
    register: int | None = None
    results: Path | None = None
    afresh: bool = False
    model: Path | None = None

    @property
    def results_file(self) -> Path:
        """Where results are kept: the same file for the same folder."""
        whole = self.folder.resolve()
        mark = hashlib.sha256(str(whole).encode()).hexdigest()[:8]
        return self.results or RESULTS / f"hear-{whole.stem}-{mark}.jsonl"


def measure_hearing(task: HearingTask, console: Console) -> dict[str, Any]:
    """The report, as its JSON has it; progress is shown on `console`.

    Raises `CannotRun` or `AsrError` where nothing can be measured.
    """
    found = read_set(task.folder)
    listed = rows(found, task.grammar, task.limit)
    recognizer, model = recognizer_of(task.model), model_id(task.model)
    outcomes, known = _heard(task, listed, recognizer, model, found.problems, console)
    report = figures([outcome.judged for outcome in outcomes])
    report |= {
        "set": str(task.folder), "conditions": str(task.conditions), "grammar": task.grammar, "model": model,
        "made_at": datetime.now().astimezone().isoformat(timespec="minutes"),
        "results": str(task.results_file), "results_known": known,
        "problems": found.problems, "misses": [miss for o in outcomes if (miss := _miss(o))],
    }
    if task.register is not None:
        plates = spoken_plates(outcomes)
        with _progress(console) as progress:
            bar = progress.add_task("matching with the register", total=len(plates))
            report["register"] = measure_register(plates, task.register, lambda: progress.advance(bar))
    return report


def heard_plates(task: HearingTask, console: Console) -> list[Outcome]:
    """The outcomes of plates that may be looked up. Raises as `measure_hearing`."""
    return spoken_plates(heard_all(task, console))


def heard_all(task: HearingTask, console: Console) -> list[Outcome]:
    """The outcomes of all rows. Raises as `measure_hearing`."""
    found = read_set(task.folder)
    recognizer, model = recognizer_of(task.model), model_id(task.model)
    outcomes, _ = _heard(task, rows(found, task.grammar, task.limit), recognizer, model, found.problems, console)
    return outcomes


def _heard(
    task: HearingTask, listed: list[Row], recognizer, model: str, problems: list[str], console: Console
) -> tuple[list[Outcome], int]:
    outcomes: list[Outcome] = []
    known = 0

    def count(taken: int) -> None:
        nonlocal known
        known = taken

    with _progress(console) as progress:
        bar = progress.add_task("hearing", total=len(listed))
        try:
            for outcome in hear_rows(listed, recognizer, model, task.conditions, task.results_file,
                                     afresh=task.afresh, advance=count):
                progress.advance(bar)
                if isinstance(outcome, str):
                    problems.append(outcome)
                else:
                    outcomes.append(outcome)
        except KeyboardInterrupt:
            console.print(f"interrupted after {len(outcomes)} of {len(listed)}: the same command goes on from there "
                          f"({task.results_file})", highlight=False, markup=False)
            raise
    return outcomes, known


def _miss(outcome: Outcome) -> dict[str, Any] | None:
    """What was not heard right; `expected` None: it was to be rejected and was not."""
    judged = outcome.judged
    if judged.within(1) or judged.expected is None and not judged.best:
        return None
    values = [value for value, _ in judged.heard]
    rank = values.index(judged.expected) + 1 if judged.expected in values else None
    return {"file": judged.file, "speaker": judged.speaker, "expected": judged.expected, "heard": judged.best, "rank": rank}


@contextmanager
def _progress(console: Console):
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
