"""Whole dialogues about a plate, simulated: real n-bests of the recognizer, a register, a caller who answers.

A caller says a plate, hears one read back, says 对 or 不对, and says the plate again (another recording of
the same plate in the same voice). What is weighed, read back and denied goes through the functions that
calls go through; only the register is a set in memory. Nobody is dialled.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from asr.measure import interval
from asr.recognizer import Hypothesis, Result
from dialer.made_up import made_up_plates
from hotline.bench.hearing import Outcome
from hotline.read_back import MOST_SAID, plate_to_read, second_best, whole_plates
from plate_parser.evidence import combined
from plate_parser.match import Thresholds, decide
from plate_parser.variants import likely_variants

DENIALS = 3
"""So many plates denied, and a person takes over."""
VARIANTS = 300

Heard = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Caller:
    """`said`: an n-best (plate, probability) for each time that the plate is said, () for one not heard."""

    plate: str
    voice: str
    said: tuple[Heard, ...]


@dataclass(frozen=True)
class Dialogue:
    """How it ended. `called`: the registered plate whose owner is called, "" for a person; `others`: how many
    plates of other owners were read back; `turns`: how often the plate was said; `first`: what was read back
    first, if anything."""

    called: str
    others: int
    turns: int
    first: str


def callers_of(outcomes: Iterable[Outcome]) -> list[Caller]:
    """One caller for each plate that a speaker says two times or more, takes in the set's order."""
    said: dict[tuple[str, str], list[Heard]] = {}
    for outcome in outcomes:
        key = outcome.row.clip.speaker, outcome.row.expected
        said.setdefault(key, []).append(_plates(outcome))
    return [Caller(plate, voice, tuple(takes)) for (voice, plate), takes in said.items() if len(takes) > 1]


def simulate(caller: Caller, registered: Collection[str], thresholds: Thresholds, slip: float,
             rng: random.Random) -> Dialogue:
    """One call. `slip`: how likely the caller says 对 to a plate that is not the one."""
    turns: list[Heard] = []
    denied: set[str] = set()
    others, first, most = 0, "", min(MOST_SAID, len(caller.said))
    for said in caller.said[:most]:
        turns.append(said)
        heard = combined(turns, denied)
        plate = _to_read(heard, denied, registered, thresholds, last=bool(denied) or len(turns) == most)
        while plate:
            first = first or plate
            others += plate != caller.plate and plate in registered
            if plate == caller.plate or rng.random() < slip:
                return Dialogue(plate if plate in registered else "", others, len(turns), first)
            denied.add(plate)
            if len(denied) == DENIALS:
                return Dialogue("", others, len(turns), first)
            plate = second_best(heard, denied)
    return Dialogue("", others, len(turns), first)


def measure_policy(callers: Sequence[Caller], size: int, thresholds: Thresholds, *, slip: float, registers: int,
                   seed: int, advance: Callable[[], None] = lambda: None) -> dict[str, object]:
    """Each caller against `registers` made-up registers of `size`, once registered and once a stranger.

    `wrong_called_expected` counts each other owner's plate that was read back as `slip` of a call: it
    varies less than the few slips that were drawn. Shares are 0…1.
    """
    rng, known, strangers = random.Random(seed), [], []
    for number in range(registers):
        register = set(made_up_plates(size, seed=seed + number))
        for caller in callers:
            register.add(caller.plate)
            known.append((caller, simulate(caller, register, thresholds, slip, rng)))
            register.discard(caller.plate)
            strangers.append((caller, simulate(caller, register, thresholds, slip, rng)))
            advance()
    right = sum(d.called == c.plate for c, d in known)
    return {
        "callers": len(callers), "voices": sorted({caller.voice for caller in callers}), "register": size,
        "registers": registers, "slip": slip, "dialogues": len(known),
        "right": _share(right, known), "right_interval": interval(right, len(known)),
        "right_first": _share(sum(d.first == c.plate for c, d in known), known),
        "said_once": _share(sum(d.turns == 1 for _, d in known), known),
        "person": _share(sum(not d.called for _, d in known), known),
        **_wrong("wrong", known, slip), **_wrong("stranger", strangers, slip),
    }


def policy_text(figures: dict[str, Any]) -> str:
    """The figures for a reader."""
    low, high = figures["right_interval"]
    return (f"{figures['callers']} callers of {len(figures['voices'])} voices, {figures['registers']} registers of "
            f"{figures['register']} plates, 对 to {figures['slip']:.1%} of wrong plates\n"
            f"right owner without a person {figures['right']:.1%} ({low:.1%} to {high:.1%}), read back first "
            f"{figures['right_first']:.1%}, plate said once {figures['said_once']:.1%}, to a person {figures['person']:.1%}\n"
            f"another owner's plate read back {figures['wrong_offered']:.2%}, called {figures['wrong_called']:.2%} "
            f"(expected {figures['wrong_called_expected']:.3%})\n"
            f"strangers: another's plate read back {figures['stranger_offered']:.2%}, called {figures['stranger_called']:.2%} "
            f"(expected {figures['stranger_called_expected']:.3%})")


def _wrong(name: str, ended: list[tuple[Caller, Dialogue]], slip: float) -> dict[str, object]:
    return {
        f"{name}_offered": _share(sum(d.others > 0 for _, d in ended), ended),
        f"{name}_called": _share(sum(bool(d.called) and d.called != c.plate for c, d in ended), ended),
        f"{name}_called_expected": round(slip * sum(d.others for _, d in ended) / len(ended), 6) if ended else None,
    }


def _share(count: int, of: list) -> float | None:
    return round(count / len(of), 4) if of else None


def _to_read(heard: list[tuple[str, float]], denied: set[str], registered: Collection[str],
             thresholds: Thresholds, last: bool) -> str:
    if not heard:
        return ""
    variants = [(plate, p) for plate, p in likely_variants(heard, VARIANTS) if plate not in denied]
    decision = decide(variants, {plate for plate, _ in variants if plate in registered}, thresholds)
    return plate_to_read(decision, heard, denied, last=last)


def _plates(outcome: Outcome) -> Heard:
    if outcome.heard.rejected:
        return ()
    listed = tuple(Hypothesis("", value, probability) for value, probability in outcome.heard.values)
    return tuple(whole_plates(Result(listed, False, 0), ()))
