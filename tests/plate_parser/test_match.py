"""From an n-best to a decision: neighbours, strangers and close pairs."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from hotline.move_car.read_back import plate_to_read
from plate_parser import rules
from plate_parser.evidence import combined
from plate_parser.match import Thresholds, decide
from plate_parser.variants import likely_variants

ROOT = Path(__file__).resolve().parents[2]


def test_what_was_heard_comes_first_and_its_neighbours_follow():
    variants = likely_variants([("赣kb1234", 0.9)])
    plates = [plate for plate, _ in variants]
    assert plates[0] == "赣KB1234"
    assert {"甘KB1234", "赣KD1234", "赣KP1234"} <= set(plates[:40])
    assert len(plates) == 300 == len(set(plates))
    assert 0.8 < sum(p for _, p in variants) <= 0.9


def test_variants_are_legal_and_may_be_looked_up():
    assert all(rules.dialable(plate) for plate, _ in likely_variants([("赣KD1234", 1.0)]))


def test_a_police_plate_has_no_variants():
    assert likely_variants([("赣A1234警", 0.8)]) == [("赣A1234警", 0.8)]


def test_an_illegal_reading_gives_its_legal_neighbours():
    plates = [plate for plate, _ in likely_variants([("赣KBEE34", 0.5)])]  # three letters
    assert "赣KBEE34" not in plates and "赣KB1E34" in plates


def test_a_place_that_was_not_heard_takes_every_symbol():
    plates = {plate for plate, _ in likely_variants([("赣K12?45", 1.0)])}
    assert {f"赣K12{symbol}45" for symbol in "0123456789ABCXYZ"} <= plates


def test_the_limit_holds_and_nothing_heard_gives_nothing():
    assert len(likely_variants([("赣K12345", 1.0)], limit=7)) == 7
    assert likely_variants([]) == []


def test_a_registered_plate_heard_well_is_a_match():
    decision = decide(likely_variants([("赣K12345", 0.9)]), {"赣K12345"})
    assert decision.kind == "match" and decision.plate == "赣K12345"
    assert decision.probability > 0.95


def test_the_register_settles_what_the_ear_could_not():
    heard = [("赣KB1234", 0.45), ("赣KD1234", 0.43), ("赣KP1234", 0.02)]
    decision = decide(likely_variants(heard), {"赣KD1234"})
    assert (decision.kind, decision.plate) == ("match", "赣KD1234")


def test_two_close_owners_are_asked_about():
    decision = decide(likely_variants([("赣KB1234", 0.5), ("赣KD1234", 0.4)]), {"赣KB1234", "赣KD1234"})
    assert decision.kind == "ask" and decision.plate is None
    assert decision.alternatives == ("赣KB1234", "赣KD1234")


def test_a_strangers_plate_does_not_become_its_registered_neighbour():
    decision = decide(likely_variants([("赣KB1234", 0.98)]), {"赣KD1234"})
    assert decision.kind == "none" and decision.plate is None
    assert "赣KD1234" not in (decision.held, *decision.alternatives), "nobody has named it"


def test_without_the_outside_term_the_neighbour_would_have_been_rung():
    variants = likely_variants([("赣KB1234", 0.98)])
    assert decide(variants, {"赣KD1234"}, Thresholds(outside=0.0)).kind == "match"


def test_a_registered_plate_too_weak_to_match_waits_until_the_plate_was_said_again():
    variants = [("赣KA1234", 0.5), ("赣KA1284", 0.3), ("赣KH1234", 0.03)]
    decision = decide(variants, {"赣KH1234"})
    assert decision.kind != "match" and decision.held == "赣KH1234" and decision.alternatives[0] == "赣KH1234"
    assert plate_to_read(decision, variants, (), last=False) == "赣KA1234"
    assert plate_to_read(decision, [("赣KH1234", 0.03)], (), last=False) == ""
    assert plate_to_read(decision, variants, (), last=True) == "赣KA1234", "nor is it then, while another was heard better"
    assert plate_to_read(decision, [("赣KH1234", 0.03)], (), last=True) == "赣KH1234"


def test_a_registered_plate_that_was_hardly_heard_is_not_read_back():
    decision = decide([("赣KA1234", 0.9), ("赣KH1234", 0.001)], {"赣KH1234"})
    assert decision.alternatives == ()


def test_what_is_said_twice_is_surer_than_what_is_said_once():
    once, again = [("赣KB1234", 0.5), ("赣KD1234", 0.4)], [("赣KP1234", 0.5), ("赣KD1234", 0.4)]
    both = combined([once, again])
    assert both[0][0] == "赣KD1234" and both[0][1] > 0.85
    assert abs(sum(p for _, p in both) - 0.9) < 1e-9


def test_what_was_denied_is_not_meant_whatever_was_heard():
    turns = [[("赣KB1234", 0.8), ("赣KD1234", 0.1)], [("赣KB1234", 0.7), ("赣KD1234", 0.2)]]
    assert combined(turns, {"赣KB1234"}) == [("赣KD1234", pytest.approx(0.9))]
    assert combined(turns[:1], {"赣KB1234"}) == [("赣KD1234", 0.1)]
    assert combined([]) == combined([[]]) == []


def test_a_plate_that_one_turn_missed_is_not_lost():
    turns = [[("赣KB1234", 0.6), ("赣KD1234", 0.3)], [("赣KE1234", 0.9)], [("赣KD1234", 0.9)]]
    assert combined(turns)[0][0] == "赣KD1234"


def test_nothing_heard_is_none():
    assert decide([], set()).kind == "none"
    assert decide([], set()).probability in (0.0, 1.0)


def _misheard(plate: str, rng: random.Random) -> list[tuple[str, float]]:
    """An n-best as an ear gives it: the truth somewhere in it, mass by confusion."""
    near = likely_variants([(plate, 1.0)], 40)
    picks = [(plate, 1.0)] + [(p, rng.random() * 0.5) for p, _ in rng.sample(near[1:], 6)]
    powers = [(p, w * rng.uniform(0.3, 1.0)) for p, w in picks]
    total = sum(w for _, w in powers)
    return sorted(((p, w / total) for p, w in powers), key=lambda item: -item[1])


def test_few_strangers_pass_and_most_owners_are_found():
    rng = random.Random(7)
    serial = lambda: "赣K" + "".join(rng.choice("0123456789") for _ in range(5))  # noqa: E731
    registered = {serial() for _ in range(3000)}  # 3 % of this letter's digit plates
    strangers = [p for p in (serial() for _ in range(300)) if p not in registered][:150]
    owners = rng.sample(sorted(registered), 150)
    passed = sum(
        decide(v, {p for p, _ in v} & registered).kind == "match"
        for v in (likely_variants(_misheard(plate, rng)) for plate in strangers)
    )
    found = sum(
        decide(v, {p for p, _ in v} & registered).plate == plate
        for plate, v in ((plate, likely_variants(_misheard(plate, rng))) for plate in owners)
    )
    assert passed <= 0.05 * len(strangers), passed
    assert found >= 0.8 * len(owners), found


def test_evidence_is_the_same_to_the_last_digit_in_every_process():
    """A replay is held against another one byte by byte; Python orders sets differently in each process."""
    heard = "[[(f'赣A{n:02}566', (0.1 + n % 7 / 3) / 31) for n in range(30)], [(f'赣A{n:02}566', (0.3 + n % 5 / 7) / 33) for n in range(30)]]"
    told = {subprocess.run([sys.executable, "-c", f"from plate_parser.evidence import combined; print(combined({heard}))"],
                           cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": str(seed)}, capture_output=True, text=True, check=True).stdout
            for seed in range(1, 5)}
    assert len(told) == 1
