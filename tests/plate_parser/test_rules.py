"""What counts as a legal plate, and of which class."""

import pytest

from plate_parser import rules


@pytest.mark.parametrize(
    ("plate", "name"),
    [
        ("赣K12345", "ordinary"),
        ("赣KA1B23", "ordinary"),
        ("赣ＫＤ1２345", "new_energy_small"),
        ("赣K·D12345", "new_energy_small"),
        ("赣KDF1234", "new_energy_small"),
        ("京AG12345", "new_energy_small"),
        ("京A12345F", "new_energy_large"),
        ("赣A1234警", "police"),
        ("赣K1234学", "learner"),
        ("赣K1234挂", "trailer"),
        ("赣K1234试", "trial"),
        ("赣K1234超", "oversize"),
        ("粤Z1234港", "hong_kong"),
        ("粤Z1234澳", "macao"),
        ("沪A1234领", "consulate"),
        ("使014578", "embassy"),
        ("赣S1234应急", "emergency"),
        ("WJ赣1234X", "armed_police"),
        ("民航A1234", "civil_aviation"),
        ("VA12345", "army"),
    ],
)
def test_each_class_is_recognised(plate, name):
    found = rules.classify(plate)
    assert found is not None and found.name == name
    assert found.dial == (name == "ordinary" or name.startswith("new_energy"))


@pytest.mark.parametrize(
    "plate", ["", "赣K1234", "赣KABC12", "赣KI2345", "赣KO2345", "赣K123456", "X12345", "赣I12345", "赣KL12345"]
)
def test_what_is_no_plate_has_no_class(plate):
    assert rules.classify(plate) is None


def test_an_unknown_letter_counts_less_and_rejects_nothing():
    assert rules.authority_weight("赣K12345") == 1.0
    assert 0 < rules.authority_weight("赣Z12345") < rules.authority_weight("豫V12345") < 1.0
    assert rules.classify("赣Z12345").name == "ordinary"


def test_every_province_has_its_letters_and_places():
    for province in rules.provinces():
        issuing = rules.authorities(province)
        assert set(issuing) <= set("ABCDEFGHJKLMNPQRSTUVWXYZ") and "A" in issuing, province
        assert set(rules.data("authorities")[province].get("unsure", "")) <= set(issuing), province
    assert rules.authority_place("粤B12345") == "深圳" and rules.authority_place("川A12345") == "成都"
    assert rules.authority_place("粤O12345") == "" and rules.authorities("X") == {}


def test_a_mask_keeps_the_ends_only():
    assert rules.mask("赣K12345") == "赣K***45"


def test_every_table_says_where_it_is_from_and_when():
    for name in ("classes", "provinces", "authorities", "readings", "confusions"):
        assert rules.data(name)["source"] and rules.data(name)["date"]
