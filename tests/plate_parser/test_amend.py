"""A change that a caller asks for, made to the plates that may have been meant."""

import pytest

from plate_parser.amend import AmendError, amended, beyond
from plate_parser.rules import classify

ONE = [("赣KE2345", 1.0)]


def best(change, *plates):
    """The likeliest plate after a change to plates of falling probability."""
    heard = [(plate, 0.5 ** place / 2) for place, plate in enumerate(plates)]
    found = amended(change, heard)
    return found[0][0] if found else None


@pytest.mark.parametrize("change, plate, wanted", [
    ("swap:E=1", "赣KE2345", "赣K12345"),
    ("swap_back:1=E", "赣KE2345", "赣K12345"),
    ("swap:甘=赣", "甘KE2345", "赣KE2345"),
    ("at:3=5", "赣K12345", "赣K52345"),
    ("at:1=皖", "赣K12345", "皖K12345"),
    ("at:8=D", "赣K12345", "赣K12345D"),
    ("last:2=7", "赣K12345", "赣K12375"),
    ("end:678", "赣K12345", "赣K12678"),
    ("end:5", "赣K12346", "赣K12345"),
    ("start:皖", "赣K12345", "皖K12345"),
    ("start:赣A", "赣K12345", "赣A12345"),
    ("letter:B", "赣KE2345", "赣KB2345"),
    ("drop:2", "赣KD123425", "赣KD12345"),
    ("drop:8", "赣K123485", "赣K12345"),
    ("赣A88888", "赣K12345", "赣A88888"),
])
def test_a_change_is_made(change, plate, wanted):
    assert best(change, plate) == wanted


def test_a_character_that_was_missed_is_put_in_every_place():
    found = dict(amended("add:5", [("赣K1234", 1.0)]))
    assert set(found) == {"赣K51234", "赣K15234", "赣K12534", "赣K12354", "赣K12345"}
    assert sum(found.values()) == pytest.approx(1)


def test_a_place_may_be_counted_from_the_province_or_in_the_serial():
    found = dict(amended("at:3=9", [("赣K12345", 1.0)]))
    assert found == pytest.approx({"赣K92345": 0.7, "赣K12945": 0.3})


def test_two_of_the_wrong_character_leave_open_which():
    assert dict(amended("swap:7=1", [("赣K72745", 1.0)])) == pytest.approx({"赣K12745": 0.5, "赣K72145": 0.5})


def test_the_second_best_is_taken_where_the_change_does_not_fit_the_best():
    assert best("swap:D=B", "赣K12345", "赣KD2345") == "赣KB2345"


def test_a_reading_that_has_what_is_wanted_is_kept_as_unlikely():
    found = amended("swap:E=1", [("赣KE2345", 0.6), ("赣K12345", 0.3), ("赣KF2345", 0.1)])
    assert found[0][0] == "赣K12345" and found[0][1] > 0.59
    assert "赣KF2345" not in dict(found)


def test_only_legal_plates_come_out_with_no_more_probability_than_went_in():
    heard = [("赣KE2345", 0.5), ("赣K12345", 0.2)]
    for change in ("swap:2=O", "end:ABC", "start:X", "letter:I", "add:5", "drop:9", "last:9=5", "at:0=5", "end:1234567"):
        found = amended(change, heard)
        assert all(classify(plate) for plate, _ in found)
        assert sum(share for _, share in found) <= 0.7 + 1e-9


def test_nothing_heard_before_leaves_only_a_whole_plate():
    assert amended("end:5", []) == []
    assert amended("赣A88888", []) == [("赣A88888", 1.0)]


@pytest.mark.parametrize("change", ["", "nonsense", "swop:E=1", "swap:E", "swap:=1", "at:x=5", "at:3=", "end:5=6", "end:"])
def test_what_is_no_change_is_refused_in_a_sentence(change):
    with pytest.raises(AmendError, match="change|lacks|place"):
        amended(change, ONE)


@pytest.mark.parametrize("change, so", [
    ("at:12=6", True), ("at:8=6", True), ("last:9=6", True), ("at:8=D", False), ("at:7=6", False), ("end:6", False), ("赣K12345", False),
])
def test_a_place_that_the_plate_does_not_have_is_known(change, so):
    assert beyond(change, "赣K12345") == so
