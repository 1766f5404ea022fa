"""What people say and type, and the plate they mean."""

import random
from pathlib import Path

import pytest

from plate_parser import rules
from plate_parser.parse import plates_in

ODD_FORMS = Path(__file__).with_name("odd_forms.tsv")
"""Corrections, fillers, names of characters, homophones, counts, typed forms, all classes: text and plate."""


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("赣K一二三四五", "赣K12345"),
        ("赣Ｋ·１２３４５", "赣K12345"),
        ("我的车牌是赣k12345挡住我了", "赣K12345"),
        ("江西的赣K，嗯，那个三个八，幺两", "赣K88812"),
        ("江西赣 A B C 的 C 洞拐勾幺幺", "赣C07911"),
        ("北京的京A 点 12345", "京A12345"),
        ("江西K杠一二三四五", "赣K12345"),
        ("感开一二三四五", "赣K12345"),
        ("赣K O I 2 3 4", "赣K01234"),
        ("赣KD一二三四五", "赣KD12345"),
        ("赣K12345D", "赣K12345D"),
        ("赣K12345，不对，是12346", "赣K12346"),
        ("赣K一二三，不对，二四五六", "赣K12456"),
        ("赣KB1234，不是B是D", "赣KD1234"),
        ("赣K12345，说错了，赣A54321", "赣A54321"),
        ("赣K一二三四五，哦不，四六", "赣K12346"),
        ("赣A一二三四警", "赣A1234警"),
        ("武警赣1234X", "WJ赣1234X"),
    ],
)
def test_the_plate_meant_comes_first(text, plate):
    assert plates_in(text)[0].plate == plate


def test_of_what_people_say_oddly_the_plate_meant_comes_first():
    said = [line.split("\t") for line in ODD_FORMS.read_text("utf-8").splitlines()[1:]]
    found = {text: next((row.plate for row in plates_in(text)), "") for text, _ in said}
    assert found == dict(said)


def test_two_readings_of_one_sound_are_both_given():
    found = {p.plate: p.probability for p in plates_in("甘K12345")}
    assert set(found) == {"甘K12345", "赣K12345"}
    assert sum(found.values()) <= 1.0 + 1e-9


@pytest.mark.parametrize("text", ["", "你好，我要投诉", "电话13800138000", "不对不对", "赣K", "赣K不对"])
def test_a_text_without_a_plate_gives_none(text):
    assert plates_in(text) == []


def test_a_caller_who_leaves_out_the_province_means_home():
    assert plates_in("开一二三四五") == []
    assert plates_in("开一二三四五", home="赣K")[0].plate == "赣K12345"


_DIGITS = {
    "0": "0０零〇洞", "1": "1１一幺", "2": "2２二两", "3": "3３三", "4": "4４四",
    "5": "5５五", "6": "6６六", "7": "7７七拐", "8": "8８八", "9": "9９九勾",
}  # fmt: skip
_BETWEEN = ["", "", "", "", " ", "，", "嗯", "那个", "、", "啊", "点", "杠"]


def _random_plate(rng: random.Random) -> str:
    head = rng.choice(list(rules.provinces())) + rng.choice("ABCDEFGHJKLM")
    kind = rng.random()
    serial = "".join(rng.choice("0123456789") for _ in range(5))
    if kind < 0.5:
        if rng.random() < 0.5:
            at = rng.randrange(5)
            serial = serial[:at] + rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") + serial[at + 1 :]
        return head + serial
    if kind < 0.8:
        return head + rng.choice("DABCEFGHJK") + serial
    return head + serial + rng.choice("DF")


def _spoken(plate: str, rng: random.Random) -> str:
    name = rng.choice(rules.provinces()[plate[0]]["names"])
    said = rng.choice([plate[0], f"{name}的{plate[0]}", f"{name}{plate[0]}", name])
    at = 1
    while at < len(plate):
        said += rng.choice(_BETWEEN)
        run = 1
        while plate[at : at + run + 1] == plate[at] * (run + 1) and run < 5:
            run += 1
        form = rng.choice(_DIGITS.get(plate[at], plate[at] + plate[at].lower()))
        if run > 1 and rng.random() < 0.7 and not said[-1].isdigit():
            said += f"{'零一两三四五'[run]}个{form}"
            at += run
        else:
            said += form
            at += 1
    return said


@pytest.mark.parametrize("seed", range(4))
def test_every_way_to_say_a_plate_leads_back_to_it(seed):
    rng = random.Random(seed)
    wrong = []
    for _ in range(750):
        plate = _random_plate(rng)
        text = f"{rng.choice(['', '喂你好，', '我的车牌是', '有辆车'])}{_spoken(plate, rng)}{rng.choice(['', '。', '，挡住我了', '，谢谢'])}"
        found = plates_in(text)
        if not found or found[0].plate != plate:
            wrong.append((plate, text, found[:2]))
    assert not wrong, [(plate, text, [p.plate for p in found]) for plate, text, found in wrong[:9]]


@pytest.mark.parametrize("seed", range(2))
def test_any_text_at_all_gives_legal_plates_and_probabilities(seed):
    rng = random.Random(seed)
    words = list("赣甘K开D一二三四五六12345678的是嗯，。不对个十点OI警港使") + ["不是", "那个", "江西", "三个", "民航"]
    for _ in range(1000):
        text = "".join(rng.choice(words) for _ in range(rng.randrange(20)))
        found = plates_in(text)
        assert all(rules.classify(p.plate).name == p.plate_class for p in found), text
        assert sum(p.probability for p in found) <= 1.0 + 1e-9, text
