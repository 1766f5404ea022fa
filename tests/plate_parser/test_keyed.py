"""Plates on a telephone's keys."""

import random

import pytest

from plate_parser.keyed import Keyed, WrongKeys, keys_of, pressed
from plate_parser.rules import data, dialable, provinces


def plates(keys: str, head: str = "") -> list[str]:
    return [plate for plate, _ in pressed(Keyed(head), keys).plates()]


@pytest.mark.parametrize(("keys", "plate"), [
    ("365212345", "赣K12345"), ("3652211234", "赣KA1234"), ("502100000", "渝A00000"),
    ("36523112345", "赣KD12345"), ("36521234531", "赣K12345D"), ("1121885" "21" "9", "京A885A9"),
])
def test_a_plate_keyed_whole_is_among_its_readings(keys, plate):
    assert plate in plates(keys) and keys_of(plate) == keys


def test_digits_alone_can_only_be_read_in_one_way():
    assert plates("3652" "10203") == ["赣K10203"]


def test_a_green_plate_is_likelier_than_one_with_two_letters():
    assert plates("3652" "3112345")[0] == "赣KD12345"


def test_the_rest_of_a_plate_is_keyed_after_its_beginning_was_said():
    assert plates("01234", head="赣K") == ["赣K01234"]
    assert plates("5201234", head="赣") == ["赣K01234"]


@pytest.mark.parametrize(("keys", "wants"), [("", "province"), ("3", "region"), ("36", "letter"), ("365", "letter"), ("3652", "serial")])
def test_what_is_still_wanted_is_known_after_every_key(keys, wants):
    assert pressed(Keyed(), keys).wants == wants


@pytest.mark.parametrize(("keys", "kept"), [("99", ""), ("38", ""), ("3641", "赣G"), ("3643", "赣"), ("361", "赣"), ("0", "")])
def test_keys_that_stand_for_nothing_lose_only_themselves(keys, kept):
    try:
        so_far = pressed(Keyed(), keys)
    except WrongKeys as wrong:
        so_far = wrong.so_far
        assert str(wrong).startswith("keys ")
    assert so_far.head == kept and not so_far.pending


def test_every_province_has_a_code_and_a_region_has_at_most_nine():
    codes = data("keys")["province"]
    assert set(codes.values()) == set(provinces()) and len(set(codes.values())) == len(codes)
    assert all(len(code) == 2 and code[0] in "123456" for code in codes)


def test_every_plate_that_may_be_dialled_is_found_among_the_readings_of_its_keys():
    rng, first, tried = random.Random(3), 0, 0
    while tried < 3000:
        plate = rng.choice("赣京粤渝") + rng.choice("ABKMZ") + "".join(
            rng.choice("0123456789" if rng.random() < 0.85 else "ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.choice((5, 6))))
        if not dialable(plate):
            continue
        tried += 1
        listed = pressed(Keyed(), keys_of(plate)).plates()
        assert plate in dict(listed) and sum(dict(listed).values()) == pytest.approx(1)
        first += listed[0][0] == plate
    assert first > 0.6 * tried


def test_too_many_keys_are_no_plate_and_cost_no_time():
    assert plates("3652" + "21" * 20) == []
