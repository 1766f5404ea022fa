"""What each recording of a measuring set ought to be heard as, and how it was heard."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asr.grammars.grammar import Grammar
from asr.line.simulation import Conditions
from asr.measure.expect import plain, value_of
from asr.measure.figures import Judged
from asr.measure.measuring_set import Clip, MeasuringSet
from asr.measure.run import HeardClip, Results, Run
from asr.recognizer import AsrError, Recognizer
from hotline.errors import CannotRun
from plate_parser.parse import plates_in
from plate_parser.rules import classify, normalize

PLATE = "plate"


@dataclass(frozen=True)
class Row:
    """A clip, what it is listened to with, and the value that is right (None: it is to be rejected)."""

    clip: Clip
    grammar: Grammar
    expected: str | None


@dataclass(frozen=True)
class Outcome:
    """A row that was heard."""

    row: Row
    heard: HeardClip

    @property
    def judged(self) -> Judged:
        """For the figures. A hypothesis of the very text that was said has the right value."""
        said, clip, heard = plain(self.row.clip.text), self.row.clip, self.heard
        texts = (*heard.texts, *[""] * len(heard.values))
        free = self.row.grammar.free
        values = tuple(
            (self.row.expected if self.row.expected and said and plain(text) == said else plain(value) if free else value,
             probability)
            for (value, probability), text in zip(heard.values, texts)
        )
        return Judged(clip.file, clip.speaker, self.row.expected, values, heard.rejected, heard.audio_s,
                      heard.took_s, heard.peak_mb)


def rows(found: MeasuringSet, grammar_name: str, limit: int | None) -> list[Row]:
    """The set's rows, each with its grammar and what is right; unusable ones join `found.problems`.

    `limit` rows are taken evenly over the whole set, so that every speaker has a part.
    """
    clips = found.clips
    if limit and limit < len(clips):
        clips = [clips[number * len(clips) // limit] for number in range(limit)]
    grammars: dict[str, Grammar | AsrError] = {}
    made = []
    for clip in clips:
        name = clip.grammar or grammar_name
        if name not in grammars:
            grammars[name] = _loaded(name, asked=not clip.grammar)
        grammar = grammars[name]
        if isinstance(grammar, AsrError):
            found.problems.append(f"{clip.where}: {grammar}")
        elif clip.plate and classify(clip.plate) is None:
            found.problems.append(f"{clip.where}: {clip.plate} is no plate that can exist")
        else:
            made.append(Row(clip, grammar, expected(clip, grammar)))
    return made


def _loaded(name: str, asked: bool) -> Grammar | AsrError:
    """A grammar that a row names wrongly costs the row; one named on the command line, the run."""
    try:
        grammar = Grammar.load(name)
        _ = grammar.free or grammar.graph
    except AsrError as error:
        if asked:
            raise
        return error
    return grammar


def expected(clip: Clip, grammar: Grammar) -> str | None:
    """The value that the recognizer should give, None where nothing of the grammar was said."""
    if clip.value:
        return clip.value
    if grammar.name.partition("+")[0].partition("(")[0] == PLATE:
        if clip.plate:
            return normalize(clip.plate)
        if plates := plates_in(clip.text):
            return plates[0].plate
    if not clip.text or grammar.free:
        return plain(clip.text) or None
    return value_of(grammar, clip.text)


def hear_rows(
    listed: list[Row], recognizer: Recognizer, model: str, conditions: Conditions, results: Path,
    *, afresh: bool = False, advance: Callable[[int], None] = lambda known: None,
) -> Iterator[Outcome | str]:
    """Each row's outcome, or a sentence on why its file cannot be heard; `advance` is told after each
    how many results so far were taken from the results file."""
    if not listed:
        raise CannotRun("there is no recording to measure with: see ivr bench hear --help for the table")
    with Results(results) as kept:
        run = Run(recognizer, model, conditions, kept, afresh)
        for row, (clip, heard) in zip(listed, run.hear([(row.clip, row.grammar) for row in listed])):
            advance(run.known)
            yield f"{clip.where}: {heard}" if isinstance(heard, AsrError) else Outcome(row, heard)


def spoken_plates(outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes of plates that may be looked up."""
    return [o for o in outcomes if o.row.expected and (kind := classify(o.row.expected)) and kind.dial]
