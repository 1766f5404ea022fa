"""What a caller says after "不对" leads to the plate that was meant."""

import pytest

from asr.recognizer import Hypothesis, Result
from hotline.move_car.read_back import corrected_plates, second_best

READ, OTHER = "赣K12345", "赣K1234E"


def said(*values: tuple[str, float]) -> Result:
    return Result(tuple(Hypothesis("", value, share, (), True) for value, share in values), False, 900)


@pytest.mark.parametrize(("value", "meant"), [
    ("at:3=8", "赣K82345"),          # 第三位是八, counted from the province
    ("at:2=E", "赣E12345"),          # 第二位是 E
    ("swap:5=E", "赣K1234E"),        # 不是五是 E
    ("end:888", "赣K12888"),
    ("赣A54321", "赣A54321"),         # the whole plate once more
])
def test_a_correction_gives_the_plate_that_was_meant(value, meant):
    plates = corrected_plates(said((value, 0.9)), READ, [(READ, 0.8)], {READ})
    assert plates[0][0] == meant
    assert sum(share for _, share in plates) <= 1


def test_the_plate_denied_is_never_offered_again():
    plates = corrected_plates(said((READ, 0.8), ("at:3=8", 0.2)), READ, [(READ, 0.8)], {READ})
    assert [plate for plate, _ in plates] and READ not in dict(plates)


def test_an_answer_that_corrects_nothing_gives_no_plate():
    assert corrected_plates(said(("yes", 0.6), ("赣K12", 0.4)), READ, [(READ, 0.8)], {READ}) == []


def test_the_second_best_is_offered_only_where_it_is_close():
    assert second_best([(READ, 0.5), (OTHER, 0.4)], {READ}) == OTHER
    assert second_best([(READ, 0.8), (OTHER, 0.1)], {READ}) == ""
