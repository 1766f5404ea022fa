"""Sequences of a grammar: places filled from classes of things, such as a plate's serial or a number.

    sequence:
      classes: {D: digit, L: letter}            # one character each: a rule with values
      patterns: {DDDDD: 0.6, LDDDD: 0.4}         # or `of: D` with `lengths: 5-8`, all alike
      repeats: {两个: 2, 三个: 3}                 # 三个八 fills three places
      repeat_weight: 0.1                         # how often a run that can be said so is
      between: pause                             # a rule said between places, worth nothing
      between_weight: 0.01

Weights are probabilities: what leaves a state sums to 1. Where a value may end or go on, its last
place is laid twice, once for each, so that the search weighs "that was all" against "more follows".
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asr.grammars.templates import Builder

KEYS = ("classes", "patterns", "of", "lengths", "repeats", "repeat_weight", "between",
        "between_weight")
LONGEST = 30


@dataclass(frozen=True)
class _Step:
    """One way to fill the next ``run`` places of ``stem`` alike, and where that leads."""

    stem: str
    cls: str
    run: int
    goal: int
    share: float


class Sequence:
    """Lays one sequence between two states of a builder."""

    def __init__(self, builder: Builder, rule: str, body: dict, start: int, end: int):
        self._builder, self._rule, self._body = builder, rule, body
        for key in body:
            if key not in KEYS:
                raise builder.error(rule, f"a sequence has no `{key}`; it knows {', '.join(KEYS)}")
        self._classes = body.get("classes", {})
        self._ends, self._going = self._counted(self._patterns())
        self._states = {stem: builder.state() for stem in self._going}
        self._end = end
        self._start = start

    def lay(self, log_weight: float) -> None:
        self._builder.move(self._start, self._states[""], log_weight)
        between = float(self._body.get("between_weight", 0.0)) if "between" in self._body else 0.0
        for stem in self._going:
            self._lay_from(stem, between if stem else 0.0)

    def _lay_from(self, stem: str, between: float) -> None:
        singles = [step for cls in self._classes for step in self._steps(stem, cls, 1)]
        runs = [(words, step) for words, run, weight in self._repeats() for cls in self._classes
                for step in self._steps(stem, cls, run, weight)]
        state, left = self._states[stem], 1.0 - between - sum(step.share for _, step in runs)
        for step in singles:
            self._builder.rule(self._classes[step.cls], state, step.goal,
                               math.log(left * step.share))
        by_words: dict[str, list[_Step]] = defaultdict(list)
        for words, step in runs:
            by_words[words].append(step)
        for words, steps in by_words.items():
            self._lay_run(state, words, steps)
        if between:
            self._builder.rule(self._body["between"], state, state, math.log(between), mute=True)

    def _lay_run(self, state: int, words: str, steps: list[_Step]) -> None:
        """三个, and only then which thing: the words are shared by all things."""
        total = sum(step.share for step in steps)
        said = self._builder.state()
        self._builder.phrase(words, state, said, math.log(total), self._rule)
        for step in steps:
            self._builder.rule(self._classes[step.cls], said, step.goal,
                               math.log(step.share / total), times=step.run)

    def _steps(self, stem: str, cls: str, run: int, weight: float = 1.0) -> list[_Step]:
        longer = stem + cls * run
        mass = self._going[stem]
        steps = []
        if longer in self._ends:
            steps.append(_Step(stem, cls, run, self._end, weight * self._ends[longer] / mass))
        if longer in self._going:
            steps.append(_Step(stem, cls, run, self._states[longer],
                               weight * self._going[longer] / mass))
        return steps

    def _repeats(self) -> list[tuple[str, int, float]]:
        repeats = self._body.get("repeats", {})
        weight = float(self._body.get("repeat_weight", 0.0))
        return [(words, int(run), weight / len(repeats)) for words, run in repeats.items()] \
            if weight else []

    def _patterns(self) -> dict[str, float]:
        if "lengths" in self._body:
            return {self._body["of"] * length: 1.0 for length in self._lengths()}
        patterns = self._body.get("patterns", {})
        unknown = {place for pattern in patterns for place in pattern} - set(self._classes)
        if not patterns or unknown:
            raise self._builder.error(
                self._rule, f"patterns use {', '.join(sorted(unknown))}, which are no classes"
                if unknown else "a sequence needs `patterns`, or `of` and `lengths`")
        return {pattern: float(weight) for pattern, weight in patterns.items()}

    def _lengths(self) -> range:
        written = self._builder.filled(str(self._body["lengths"]))
        least, _, most = written.partition("-")
        try:
            lengths = range(int(least), int(most or least) + 1)
        except ValueError:
            lengths = range(0)
        if not lengths or lengths[0] < 1 or lengths[-1] > LONGEST or self._body.get("of") not in self._classes:
            raise self._builder.error(
                self._rule, f"length `{written}` must be a number or two, as in 11 or 5-8, of at "
                f"most {LONGEST}, and `of` one of the classes")
        return lengths

    def _counted(self, patterns: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
        """Probability of values that end as each pattern, and of those that go on beyond a stem."""
        total = sum(patterns.values())
        going: dict[str, float] = defaultdict(float)
        for pattern, weight in patterns.items():
            for size in range(len(pattern)):
                going[pattern[:size]] += weight / total
        return {pattern: weight / total for pattern, weight in patterns.items()}, going
