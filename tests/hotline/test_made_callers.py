"""Callers made of recorded ones are heard as those were, character by character."""

import random

import pytest

from hotline.bench.made_callers import aligned, donors_of, made_callers
from hotline.bench.policy import Caller
from plate_parser.rules import dialable

LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "0123456789"


def _heard_well(plate: str, voice: str) -> Caller:
    """A caller whose Es are heard as 1 with 0.8 whenever they are said."""
    likely = plate[:2] + plate[2:].replace("E", "1")
    return Caller(plate, voice, (((likely, 0.8), (plate, 0.2)) if likely != plate else ((plate, 0.9),),) * 3)


RECORDED = [_heard_well(f"赣K{letter}{digits}", voice) for voice in ("anna", "bert")
            for letter in LETTERS for digits in ("0123", "4567", "8901") for digits in (digits + digits[0],) if letter != "E"]
RECORDED += [_heard_well("赣KE2345", "anna")]


@pytest.mark.parametrize("said, heard, parts", [
    ("赣K12345", "赣K12845", ["赣", "K", "1", "2", "8", "4", "5"]),
    ("赣K12234", "赣K1234", ["赣", "K", "1", "", "2", "3", "4"]),
    ("赣K1234D", "赣K12334D", ["赣", "K", "1", "2", "33", "4", "D"]),
])
def test_each_character_has_what_it_was_heard_as_lost_and_doubled_ones_too(said, heard, parts):
    assert aligned(said, heard) == parts


def test_a_character_that_is_heard_as_another_in_the_recordings_is_so_in_made_callers_each_time():
    made = list(made_callers(RECORDED, 400, random.Random(2)))
    with_e = [caller for caller in made if "E" in caller.plate[2:]]
    without = [caller for caller in made if "E" not in caller.plate]
    assert with_e and without
    assert all(said[0][0] == caller.plate for caller in without for said in caller.said)
    assert all(said[0][0] == caller.plate[:2] + caller.plate[2:].replace("E", "1") and 0.5 < said[0][1] < 0.85
               for caller in with_e if caller.plate.count("E") == 1 and dialable(caller.plate[:2] + caller.plate[2:].replace("E", "1"))
               for said in caller.said)


def test_made_callers_are_the_same_for_the_same_seed_and_of_recorded_voices():
    once, again = (list(made_callers(RECORDED, 20, random.Random(5))) for _ in range(2))
    assert once == again and {caller.voice for caller in once} <= {"anna", "bert"}
    assert all(dialable(caller.plate) for caller in once)


def test_a_turn_that_was_not_heard_lends_nothing():
    donors = donors_of([Caller("赣K12345", "anna", ((("赣K12345", 0.9),), ()))])
    assert [len(takes) for takes in donors["1", 2, "anna"]] == [1]
