"""What is said in training: plates in every reading, answers, other sentences; as phonemes and units."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from misaki.zh import ZHG2P
from pypinyin import Style, lazy_pinyin

from asr.grammars.units import LETTERS, SYLLABLES, unit_of

ENGLISH = dict(zip("ABCDEFGHJKLMNPQRSTUVWXYZ", (
    "ˈA bˈi sˈi dˈi ˈi ˈɛf ʤˈi ˈAʧ ʤˈA kˈA ˈɛl ˈɛm ˈɛn pˈi kjˈu ˈɑɹ ˈɛs tˈi jˈu vˈi dˈʌbᵊljˌu ˈɛks "
    "wˈI zˈi").split(), strict=True))
ASPIRATED = {"P": "pʰˈi", "T": "tʰˈi", "K": "kʰˈA"}
"""English letters as Mandarin's p, t and k: among Chinese syllables a plain p is spoken as a b."""
CHINESE = {
    "A": ["ei1", "ei4"], "B": ["bi4", "bi1"], "C": ["xi1", "sei1"], "D": ["di4"], "E": ["yi4", "yi1"],
    "F": ["ai2 fu5", "ai1 fu1"], "G": ["ji4", "ji1"], "H": ["ei2 chi5", "ai1 qu5"],
    "J": ["zhei4", "jie4"], "K": ["kei4", "kai1"], "L": ["ai2 lou5", "ai1 lou5"],
    "M": ["ai2 mu5", "ai1 mu5"], "N": ["en1", "en4"], "P": ["pi4", "pi1"], "Q": ["kʰjou↘", "kʰju↗"],
    "R": ["a4", "a2 er5"], "S": ["ai2 si5", "ai1 si5"], "T": ["ti4", "ti1"], "U": ["you1", "you4"],
    "V": ["wei1", "wei4"], "W": ["da2 bu5 liu5", "da2 bu5 you1"], "X": ["ai2 ke5 si5", "ai1 ke5 si5"],
    "Y": ["wai4", "wai1"], "Z": ["zei4", "zei1"],
}
PROVINCES = {
    "京": ("jing1", "bei3 jing1"), "津": ("jin1", "tian1 jin1"), "沪": ("hu4", "shang4 hai3"),
    "渝": ("yu2", "chong2 qing4"), "冀": ("ji4", "he2 bei3"), "豫": ("yu4", "he2 nan2"),
    "云": ("yun2", "yun2 nan2"), "辽": ("liao2", "liao2 ning2"), "黑": ("hei1", "hei1 long2 jiang1"),
    "湘": ("xiang1", "hu2 nan2"), "皖": ("wan3", "an1 hui1"), "鲁": ("lu3", "shan1 dong1"),
    "新": ("xin1", "xin1 jiang1"), "苏": ("su1", "jiang1 su1"), "浙": ("zhe4", "zhe4 jiang1"),
    "赣": ("gan4", "jiang1 xi1"), "鄂": ("e4", "hu2 bei3"), "桂": ("gui4", "guang3 xi1"),
    "甘": ("gan1", "gan1 su4"), "晋": ("jin4", "shan1 xi1"), "蒙": ("meng3", "nei4 meng2 gu3"),
    "陕": ("shan3", "shan3 xi1"), "吉": ("ji2", "ji2 lin2"), "闽": ("min3", "fu2 jian4"),
    "贵": ("gui4", "gui4 zhou1"), "粤": ("yue4", "guang3 dong1"), "青": ("qing1", "qing1 hai3"),
    "藏": ("zang4", "xi1 zang4"), "川": ("chuan1", "si4 chuan1"), "宁": ("ning2", "ning2 xia4"),
    "琼": ("qiong2", "hai3 nan2"),
}
DIGITS = {
    "0": [("ling2", .76), ("dong4", .24)], "1": [("yao1", .6), ("yi1", .4)],
    "2": [("er4", .82), ("liang3", .18)], "3": [("san1", 1)], "4": [("si4", 1)],
    "5": [("wu3", 1)], "6": [("liu4", 1)], "7": [("qi1", .82), ("guai3", .18)],
    "8": [("ba1", 1)], "9": [("jiu3", .86), ("gou1", .14)],
}
CONFUSABLE = ("BDEPTV", "17", "2R", "4", "69", "A8", "NM", "FS", "K", "E1", "CZ", "ZV", "T7", "VD")
WHICH_LEADS, WHICH_TAILS = ("是", "应该是", "嗯", "哦", "是字母"), ("啊", "吧", "的", "谢谢")


@dataclass(frozen=True)
class Spoken:
    phonemes: str
    units: tuple[str, ...]


@dataclass(frozen=True)
class Manner:
    """How somebody speaks: ``english``, how likely a letter is said the English way (0 to 1); ``aspirated``,
    whether P, T and K are then breathed as in Mandarin; ``habits``, names of HABITS."""

    english: float
    habits: tuple[str, ...] = ()
    aspirated: bool = False


class Sayer:
    """Collects tokens as one speaker says them."""

    def __init__(self, rng: random.Random, manner: Manner):
        self.rng, self.manner = rng, manner
        self.spelled = ENGLISH | ASPIRATED if manner.aspirated else ENGLISH
        self.phonemes: list[str] = []
        self.units: list[str] = []

    def syllables(self, text: str) -> None:
        for token in text.split():
            self.phonemes.append(ipa(with_habits(token, self.manner.habits)))
            self.units.append(unit_of(token))

    def letter(self, letter: str) -> None:
        if self.rng.random() < self.manner.english:
            self.phonemes.append(self.spelled[letter])
        else:
            form = self.rng.choice(CHINESE[letter])
            self.phonemes.append("".join(map(ipa, form.split())) if form[-1] in "12345" else form)
        self.units.append(letter)

    def digit(self, digit: str) -> None:
        readings, weights = zip(*DIGITS[digit], strict=True)
        self.syllables(self.rng.choices(readings, weights)[0])

    def body(self, serial: str) -> None:
        position = 0
        while position < len(serial):
            run = 1
            while position + run < len(serial) and serial[position + run] == serial[position]:
                run += 1
            if run >= 2 and self.rng.random() < .4:
                self.syllables({2: "liang3 ge5", 3: "san1 ge5", 4: "si4 ge5", 5: "wu3 ge5"}[min(run, 5)])
                position += min(run, 5) - 1
            character = serial[position]
            self.digit(character) if character.isdigit() else self.letter(character)
            position += 1
            if self.rng.random() < .1:
                self.pause()

    def pause(self) -> None:
        self.phonemes.append(self.rng.choice((",", ",", ".", ";")))

    def text(self, text: str) -> None:
        self.syllables(" ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True,
                                            errors="ignore", tone_sandhi=True)))

    def spoken(self) -> Spoken:
        joint = " " if self.rng.random() < .6 else ""
        return Spoken(joint.join(self.phonemes).replace(" ,", ","), tuple(self.units))


HABITS = {
    "flat": [(r"^(z|c|s)h", r"\1")],
    "l for n": [("^n(?=[aeiouv])", "l")],
    "n for l": [("^l(?=[aeiouv])", "n")],
    "in for ing": [("(?<=[ie])ng(?=\\d)", "n")],
    "ing for in": [("(?<=i)n(?=\\d)", "ng")],
    "an for ang": [("^(f|g|s|sh|z|zh|w|t)ang(?=\\d)", r"\1an")],
    "f for hu": [("^hu(?=[aeiou])", "f"), ("^hu(?=\\d)", "fu")],
}
"""What people from the south say instead, as substitutions in numbered pinyin."""


def some_habits(rng: random.Random) -> tuple[str, ...]:
    """None for four speakers of five, one to three for the fifth."""
    return tuple(rng.sample(sorted(HABITS), rng.choice((1, 1, 2, 3)))) if rng.random() < .2 else ()


def with_habits(token: str, habits: tuple[str, ...]) -> str:
    """A numbered syllable as such a speaker says it; as it was where that would be no syllable."""
    said = token
    for habit in habits:
        for pattern, instead in HABITS[habit]:
            said = re.sub(pattern, instead, said)
    return said if said[:-1] in SYLLABLES else token


def ipa(token: str) -> str:
    if token[-1] not in "12345":
        return token
    return ZHG2P.py2ipa(token).replace(chr(815), "")


def issued_serial(rng: random.Random) -> str:
    """Authority letter and serial as they are issued: at most two letters; one plate in four is green."""
    digits = "0123456789"
    if rng.random() < .25:
        serial = rng.choice("DDDFFABCEGHJK") + rng.choice(digits * 3 + LETTERS) + "".join(
            rng.choices(digits, k=4))
    else:
        serial = rng.choices(digits, k=5)
        for place in rng.sample(range(5), rng.choice((0, 1, 1, 1, 2, 2))):
            serial[place] = rng.choice(LETTERS)
        serial = "".join(serial)
    return rng.choice("ABCDEFGHJKLM" if rng.random() < .6 else LETTERS) + serial


def hard_serial(rng: random.Random) -> str:
    """Letters and digits that sound alike, or long runs of one digit; not always legal."""
    if rng.random() < .7:
        return rng.choice(LETTERS) + "".join(rng.choice(rng.choice(CONFUSABLE)) for _ in range(5))
    serial = "".join(rng.choices("0123456789", k=5))
    start = rng.randrange(3)
    run = rng.randint(2, 5 - start)
    return rng.choice(LETTERS) + serial[:start] + rng.choice("0123456789") * run + serial[start + run:]


def random_serial(rng: random.Random) -> str:
    """As issued for the most part, some with more letters for their sounds."""
    return issued_serial(rng) if rng.random() < .6 else hard_serial(rng)


def say_province(sayer: Sayer, province: str) -> None:
    short, name = PROVINCES[province]
    form = sayer.rng.random()
    if form < .62:
        sayer.syllables(short)
    elif form < .85:
        sayer.syllables(f"{name} de5 {short}")
    elif form < .93:
        sayer.syllables(f"{name} {short}")
    else:
        sayer.syllables(name)


LEADS = ("", "", "", "", "", "", "车牌号是", "车牌是", "是", "我的车牌号是", "那个车牌是", "嗯", "呃", "他的车牌号",
         "你好我要挪车车牌是", "不对是", "不是是", "应该是", "车号")
TAILS = ("", "", "", "", "", "", "", "的", "这个车", "谢谢", "对", "挡住我了", "的车")


def say_plate(rng: random.Random, manner: Manner, serial: str = "") -> Spoken:
    """A plate of any province as a caller may say it; ``serial`` with its authority letter first."""
    sayer = Sayer(rng, manner)
    sayer.text(rng.choice(LEADS))
    province = "赣" if rng.random() < .3 else rng.choice(list(PROVINCES))
    if rng.random() < .9:
        say_province(sayer, province)
    return _say_serial(sayer, serial or random_serial(rng))


def say_this_plate(rng: random.Random, manner: Manner, plate: str) -> Spoken:
    """``plate``, its province said, as a caller may say it."""
    sayer = Sayer(rng, manner)
    sayer.text(rng.choice(LEADS))
    say_province(sayer, plate[0])
    return _say_serial(sayer, plate[1:])


def _say_serial(sayer: Sayer, serial: str) -> Spoken:
    """From the authority letter on, and what may follow a plate."""
    sayer.letter(serial[0])
    if sayer.rng.random() < .08:
        sayer.text("点")
    elif sayer.rng.random() < .3:
        sayer.pause()
    sayer.body(serial[1:])
    sayer.text(sayer.rng.choice(TAILS))
    return sayer.spoken()


def say_which(rng: random.Random, manner: Manner, meant: str) -> Spoken:
    """``meant``, as a caller may say it who was asked which of two characters it is."""
    sayer = Sayer(rng, manner)
    lead = rng.choice(WHICH_LEADS) if rng.random() < .3 else ""
    sayer.text("是数字" if lead == "是字母" and meant.isdigit() else lead)
    sayer.digit(meant) if meant.isdigit() else sayer.letter(meant)
    sayer.text(rng.choice(WHICH_TAILS) if rng.random() < .2 else "")
    return sayer.spoken()


def say_piece(rng: random.Random, manner: Manner) -> Spoken:
    """A spelled letter, a correction, some digits: what surrounds plates."""
    sayer = Sayer(rng, manner)
    kind = rng.random()
    if kind < .6:
        for letter in rng.choices(LETTERS, k=rng.randint(4, 9)):
            sayer.letter(letter)
            if rng.random() < .15:
                sayer.pause()
    elif kind < .68:
        letter = rng.choice("CDE")
        for each in "ABCDE"[: "ABCDE".index(letter) + 1]:
            sayer.letter(each)
        sayer.text("的")
        sayer.letter(letter)
    elif kind < .85:
        sayer.text(rng.choice(("不是", "第三位是", "后面是", "最后一个是", "中间是")))
        sayer.body(random_serial(rng)[2:5])
        sayer.text(rng.choice(("", "是")))
        sayer.body(random_serial(rng)[2:4])
    else:
        sayer.body("".join(rng.choices("0123456789", k=rng.randint(3, 11))))
    return sayer.spoken()


def say_dense(rng: random.Random, manner: Manner) -> Spoken:
    """Signs of a plate and little else, two of three of them letters, the province one time in two."""
    sayer = Sayer(rng, manner)
    if rng.random() < .5:
        short, name = PROVINCES[rng.choice(list(PROVINCES))]
        sayer.syllables(f"{name} de5 {short}" if rng.random() < .15 else short)
    for _ in range(rng.randint(5, 8)):
        if rng.random() < .65:
            sayer.letter(rng.choice(LETTERS))
        else:
            sayer.digit(rng.choice("0123456789"))
        if rng.random() < .1:
            sayer.pause()
    return sayer.spoken()


def say_text(rng: random.Random, text: str, habits: tuple[str, ...] = ()) -> Spoken:
    """A Chinese text, a pause at each comma."""
    sayer = Sayer(rng, Manner(1.0, habits))
    parts = [part for part in text.replace("？", "，").split("，") if part]
    for index, part in enumerate(parts):
        if index:
            sayer.pause()
        sayer.text(part)
    return sayer.spoken()
