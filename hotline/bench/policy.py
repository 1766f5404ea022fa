"""Whole dialogues about a plate, simulated: real n-bests of the recognizer, a register, a caller who answers.

A caller says a plate, is asked which of two characters it is or hears one read back, says 对 or 不对, and says the
plate again (another recording of the same plate in the same voice). What is weighed, read back and denied goes through the functions that
calls go through; only the register is a set in memory. Nobody is dialled.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from asr.measure.figures import interval
from asr.recognizer import Hypothesis, Result
from dialer.register.made_up import made_up_plates
from hotline.bench.hearing import Outcome
from hotline.move_car.read_back import (
    MOST_SAID,
    SURE_CHOICE,
    SURE_OTHERWISE,
    differing_place,
    first_of_two,
    plate_to_read,
    second_best,
    whole_plates,
)
from plate_parser.evidence import combined
from plate_parser.match import Thresholds, decide
from plate_parser.variants import likely_variants

DENIALS = 3
"""So many plates denied, and a person takes over."""
VARIANTS = 300
MOST_ASKED = 5
"""Times that one of two characters is asked for; then the whole plate is said again."""

Heard = tuple[tuple[str, float], ...]
Answer = tuple[float, float, bool] | None
"""What an answer to 是1，还是E was heard as: probability of the one that was meant, of the other, and whether it
was taken for "neither"; None for one not heard."""
ASSUMED: Sequence[Answer] = ((0.97, 0.01, False),) * 97 + ((0.01, 0.97, False),) * 3
"""Where no answers were recorded: three of a hundred are surely misunderstood."""


@dataclass(frozen=True)
class Caller:
    """`said`: an n-best (plate, probability) for each time that the plate is said, () for one not heard."""

    plate: str
    voice: str
    said: tuple[Heard, ...]


@dataclass(frozen=True)
class Dialogue:
    """How it ended. `called`: the registered plate whose owner is called, "" for a person; `others`: how many
    plates of other owners were read back; `offered`: how many of these the register brought up, where another
    plate was what was heard best; `turns`: how often the plate was said; `asked`: how often one of two characters
    was asked for; `first`: what was read back first, if anything."""

    called: str = ""
    others: int = 0
    offered: int = 0
    turns: int = 0
    asked: int = 0
    first: str = ""


def callers_of(outcomes: Iterable[Outcome]) -> list[Caller]:
    """One caller for each plate that a speaker says two times or more, takes in the set's order."""
    said: dict[tuple[str, str], list[Heard]] = {}
    for outcome in outcomes:
        key = outcome.row.clip.speaker, outcome.row.expected
        said.setdefault(key, []).append(_plates(outcome))
    return [Caller(plate, voice, tuple(takes)) for (voice, plate), takes in said.items() if len(takes) > 1]


def answers_of(outcomes: Iterable[Outcome]) -> list[Answer]:
    """How answers to which(one=…;other=…) were heard, as asr.training.which_answers makes them."""
    found: list[Answer] = []
    for outcome in outcomes:
        two = re.search("one=(.);other=(.)", outcome.row.grammar.name)
        if two and outcome.row.expected in two.groups():
            shares = dict(outcome.heard.values)
            meant, other = (shares.get(symbol, 0.0) for symbol in sorted(two.groups(), key=outcome.row.expected.__ne__))
            best, share = outcome.heard.values[0] if outcome.heard.values else ("", 0.0)
            neither = best not in two.groups() and share >= SURE_OTHERWISE
            asked_again = outcome.heard.rejected or best not in two.groups() and not neither
            found.append(None if asked_again else (meant, other, neither))
    return found


def simulate(caller: Caller, registered: Collection[str], thresholds: Thresholds, slip: float,
             rng: random.Random, answers: Sequence[Answer] = ASSUMED) -> Dialogue:
    """One call. `slip`: how likely the caller says 对 to a plate that is not the one."""
    return _Call(caller, registered, thresholds, slip, rng, answers).held()


class _Call:
    """One simulated call, as far as the plate goes."""

    def __init__(self, caller: Caller, registered: Collection[str], thresholds: Thresholds, slip: float,
                 rng: random.Random, answers: Sequence[Answer] = ASSUMED) -> None:
        self._caller, self._registered, self._thresholds = caller, registered, thresholds
        self._slip, self._rng, self._answers = slip, rng, answers
        self._denied: set[str] = set()
        self._rounds = 0
        self._told = Dialogue()

    def held(self) -> Dialogue:
        most = min(MOST_SAID, len(self._caller.said))
        for turn in range(1, most + 1):
            self._told = replace(self._told, turns=turn)
            heard = combined(self._caller.said[:turn], self._denied)
            plate = self._to_read(heard, last=bool(self._denied) or turn == most)
            while plate:
                if self._confirmed(plate, heard):
                    return replace(self._told, called=plate if plate in self._registered else "")
                plate = "" if self._over else second_best(heard, self._denied)
            if self._over:
                break
        return self._told

    @property
    def _over(self) -> bool:
        return self._rounds >= DENIALS

    def _to_read(self, heard: list[tuple[str, float]], last: bool) -> str:
        """The plate that is read back: what was chosen of two, or what the register and the hearing make likely."""
        if not heard:
            return ""
        variants = [(plate, p) for plate, p in likely_variants(heard, VARIANTS) if plate not in self._denied]
        decision = decide(variants, {plate for plate, _ in variants if plate in self._registered}, self._thresholds)
        pair = [plate for plate in decision.alternatives if plate not in self._denied] if decision.kind == "ask" else []
        if len(pair) == 2 and (place := differing_place(*pair)) is not None and self._told.asked < MOST_ASKED:
            return self._chosen(pair, place, decision.probability)
        return plate_to_read(decision, heard, self._denied, last=last)

    def _chosen(self, pair: list[str], place: int, prior: float) -> str:
        """One of two, by the character that the caller says; "" where it is neither, or is not understood.

        `prior`: of the first of the pair. Callers speak here; in calls, the second time, they may press a key.
        """
        own, heard = self._caller.plate, []
        neither = 0
        meant = next((n for n, plate in enumerate(pair) if len(own) == len(plate) and own[place] == plate[place]), None)
        while self._told.asked < MOST_ASKED:
            self._told = replace(self._told, asked=self._told.asked + 1)
            answer = self._rng.choice(self._answers)
            if answer is None:
                continue
            if meant is None or answer[2]:
                neither += 1
                if neither == 1:
                    continue
                self._denied.update(pair)
                self._rounds += 1
                return ""
            heard.append(answer[:2] if meant == 0 else answer[1::-1])
            first = first_of_two(prior, heard)
            if max(first, 1.0 - first) >= SURE_CHOICE:
                return pair[first < 0.5]
        return ""

    def _confirmed(self, plate: str, heard: list[tuple[str, float]]) -> bool:
        """Whether the caller says 对 to what is read back."""
        other = plate != self._caller.plate and plate in self._registered
        told = self._told
        self._told = replace(told, first=told.first or plate, others=told.others + other,
                             offered=told.offered + (other and plate != heard[0][0]))
        if plate == self._caller.plate or self._rng.random() < self._slip:
            return True
        self._denied.add(plate)
        self._rounds += 1
        return False


def measure_policy(callers: Sequence[Caller], size: int, thresholds: Thresholds, *, slip: float, registers: int,
                   seed: int, answers: Sequence[Answer] = ASSUMED, advance: Callable[[], None] = lambda: None) -> dict[str, object]:
    """Each caller against `registers` made-up registers of `size`, once registered and once a stranger.

    `wrong_called_expected` counts each other owner's plate that was read back as `slip` of a call: it
    varies less than the few slips that were drawn. Shares are 0…1.
    """
    rng, known, strangers = random.Random(seed), [], []
    for number in range(registers):
        register = set(made_up_plates(size, seed=seed + number))
        for caller in callers:
            taken = caller.plate in register
            register.add(caller.plate)
            known.append((caller, simulate(caller, register, thresholds, slip, rng, answers)))
            register.discard(caller.plate)
            strangers.append((caller, simulate(caller, register, thresholds, slip, rng, answers)))
            if taken:
                register.add(caller.plate)
            advance()
    right = sum(d.called == c.plate for c, d in known)
    return {
        "callers": len(callers), "voices": sorted({caller.voice for caller in callers}), "register": size,
        "registers": registers, "slip": slip, "dialogues": len(known),
        "right": _share(right, known), "right_interval": interval(right, len(known)),
        "right_first": _share(sum(d.first == c.plate for c, d in known), known),
        "said_once": _share(sum(d.turns == 1 for _, d in known), known),
        "asked": _share(sum(d.asked > 0 for _, d in known), known),
        "person": _share(sum(not d.called for _, d in known), known),
        **_wrong("wrong", known, slip), **_wrong("stranger", strangers, slip),
    }


def policy_text(figures: dict[str, Any]) -> str:
    """The figures for a reader."""
    low, high = figures["right_interval"]
    return (f"{figures['callers']} callers of {len(figures['voices'])} voices, {figures['registers']} registers of "
            f"{figures['register']} plates, 对 to {figures['slip']:.1%} of wrong plates\n"
            f"right owner without a person {figures['right']:.1%} ({low:.1%} to {high:.1%}), read back first "
            f"{figures['right_first']:.1%}, plate said once {figures['said_once']:.1%}, asked which of two characters {figures['asked']:.1%}, to a person {figures['person']:.1%}\n"
            f"another owner's plate read back {figures['wrong_read_back']:.2%} (not what was heard best, but brought up by the "
            f"register: {figures['wrong_offered']:.2%}), called {figures['wrong_called']:.2%} "
            f"(expected {figures['wrong_called_expected']:.3%})\n"
            f"strangers: another's plate read back {figures['stranger_read_back']:.2%} (brought up "
            f"{figures['stranger_offered']:.2%}), called {figures['stranger_called']:.2%} "
            f"(expected {figures['stranger_called_expected']:.3%})")


def _wrong(name: str, ended: list[tuple[Caller, Dialogue]], slip: float) -> dict[str, object]:
    return {
        f"{name}_read_back": _share(sum(d.others > 0 for _, d in ended), ended),
        f"{name}_offered": _share(sum(d.offered > 0 for _, d in ended), ended),
        f"{name}_called": _share(sum(bool(d.called) and d.called != c.plate for c, d in ended), ended),
        f"{name}_called_expected": round(slip * sum(d.others for _, d in ended) / len(ended), 6) if ended else None,
    }


def _share(count: int, of: list) -> float | None:
    return round(count / len(of), 4) if of else None


def _plates(outcome: Outcome) -> Heard:
    if outcome.heard.rejected:
        return ()
    listed = tuple(Hypothesis("", value, probability) for value, probability in outcome.heard.values)
    return tuple(whole_plates(Result(listed, False, 0), ()))
