"""Numbers, plates and letters become what a person would say."""

import pytest

from tts.errors import UnreadableText
from tts.phonemes import fallback_pinyin, phonemes, plate_groups, quantity, spoken_number


@pytest.mark.parametrize(
    ("digits", "said"),
    [("12345", "一二三四五"), ("110", "幺幺零"), ("10", "十"), ("25", "二十五"), ("07", "零七"),
     ("13970012345", "幺三九七零零幺二三四五")],
)  # fmt: skip
def test_numbers_are_written_out(digits, said):
    assert spoken_number(digits) == said


def test_quantities():
    assert [quantity(n) for n in (0, 2, 11, 20, 60)] == ["零", "二", "十一", "二十", "六十"]


def test_a_plate_is_cut_where_a_person_rests():
    assert plate_groups("赣KA1234") == ["赣K", "A1", "234"]
    assert plate_groups("赣K·D12345") == ["赣K", "D12", "345"]


def test_a_plate_says_yao_and_its_letters():
    assert fallback_pinyin("赣KA1234") == "gan4 kei4 , ei1 yao1 , er4 san1 si4 ,"
    assert "kˈA" in phonemes("赣KA1234") and "kʰei↘" in phonemes("赣KA1234", "chinese")


def test_the_few_english_words_are_said_as_words_and_other_latin_as_letters():
    assert phonemes("For English, press zero.") == "fɔɹ ˈɪŋɡlɪʃ, pɹˈɛs zˈɪɹO ."
    assert fallback_pinyin("Please hold").split() == "pu5 li4 si5 hou4 de5".split()
    assert phonemes("HOLDE") == phonemes("H O L D E")


def test_no_combining_mark_is_left():
    assert "\u032f" not in phonemes("您好，这里是挪车热线，有人被挡住了。")


def test_an_unreadable_character_is_named():
    with pytest.raises(UnreadableText, match="あ"):
        phonemes("あ")
