"""What holds for every text and every plate, tried on texts and plates made up at random."""

import string
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from plate_parser import rules
from plate_parser.parse import plates_in

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
PROVINCES = "".join(rules.provinces())
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
WORDS = ["不是", "不对", "那个", "江西", "新余", "三个", "双", "民航", "的", "是", "第三位", "一百", "应急", "WJ", "A B C 的 C", "嗯", "，", "点"]
READINGS = {"0": "0零〇洞", "1": "1一幺壹", "2": "2二两贰", "3": "3三", "4": "4四", "5": "5五", "6": "6六陆", "7": "7七拐", "8": "8八", "9": "9九勾"}
TAILS = {"学": ["学", "教练"], "挂": ["挂", "挂车"], "港": ["港", "香港"], "澳": ["澳", "澳门"], "警": ["警"], "试": ["试"], "超": ["超"]}
BETWEEN = ["", "", "", " ", "，", "嗯", "那个", "、", "杠", "·"]

texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(list(PROVINCES + LETTERS + "零一二两三四五六七八九十幺拐洞勾0123456789个") + WORDS), max_size=60).map("".join),
)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


@st.composite
def plates(draw) -> str:
    """A legal plate of any class that is issued with a province and a letter."""
    head = draw(st.sampled_from(PROVINCES)) + draw(st.sampled_from("ABCDEFGHJKLM"))
    kind = draw(st.sampled_from(["ordinary", "small", "large", "tail"]))
    if kind == "small":
        return head + draw(st.sampled_from("DABCEFGHJK")) + draw(st.sampled_from(LETTERS + "0123456789")) + draw(digits(4))
    if kind == "large":
        return head + draw(digits(5)) + draw(st.sampled_from("DABCEFGHJK"))
    tail = draw(st.sampled_from("学挂警试超")) if kind == "tail" else ""
    serial = list(draw(digits(4 if tail else 5)))
    for place in draw(st.lists(st.integers(0, len(serial) - 1), max_size=2, unique=True)):
        serial[place] = draw(st.sampled_from(LETTERS))
    return head + "".join(serial) + tail


@st.composite
def renderings(draw) -> tuple[str, str]:
    """(plate, how somebody says or types it)."""
    plate = draw(plates())
    name = draw(st.sampled_from(rules.provinces()[plate[0]]["names"]))
    said = draw(st.sampled_from([plate[0], f"{name}的{plate[0]}", f"{name}{plate[0]}"]))
    at = 1
    while at < len(plate):
        char, between = plate[at], draw(st.sampled_from(BETWEEN))
        run = len(plate[at:]) - len(plate[at:].lstrip(char))
        if char in TAILS:
            said += draw(st.sampled_from(TAILS[char]))
        elif run == 3 and draw(st.booleans()):
            said, at = f"{said}{between}三个{draw(st.sampled_from(READINGS.get(char, char)))}", at + 2
        elif char in READINGS:
            said += between + draw(st.sampled_from(READINGS[char]))
        else:
            said += between + draw(st.sampled_from([char, char.lower(), f"字母{char}", f"大写的{char}"]))
        at += 1
    lead = draw(st.sampled_from(["", "喂你好，", "我的车牌是", "我要挪车，车号"]))
    return plate, lead + said + draw(st.sampled_from(["", "。", "，谢谢", "，挡住我了"]))


@QUICK
@given(texts, st.sampled_from(["", "赣", "赣K"]))
def test_any_text_gives_legal_plates_best_first_with_probabilities(text, home):
    found = plates_in(text, home=home)
    chances = [plate.probability for plate in found]
    assert all(rules.classify(plate.plate).name == plate.plate_class for plate in found)
    assert all(0 < chance <= 1 for chance in chances) and sum(chances) <= 1 + 1e-9
    assert chances == sorted(chances, reverse=True)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(renderings())
def test_any_way_to_say_a_plate_has_that_plate_best(case):
    plate, text = case
    found = plates_in(text)
    # 甘 and 赣, 桂 and 贵 sound alike; the one that is written still comes first.
    assert found and found[0].plate == plate, (text, found[:3])


@QUICK
@given(plates(), st.sampled_from("".join(sorted(set(string.punctuation) - set("!?;"))) + " 　·•—"))  # these end a sentence
def test_signs_between_the_characters_change_nothing(plate, sign):
    assert plates_in(sign.join(plate))[0].plate == plate


def test_no_text_is_so_long_or_so_odd_that_parsing_hangs():
    begun = time.process_time()
    for odd in ("不对", "赣嗯", "赣新余", "A ", "一个", "第", "三十", "的", "赣K12345不对", "二的", "A的", "赣K不是B是"):
        plates_in(odd * 20_000, home="赣K")
    assert time.process_time() - begun < 30
