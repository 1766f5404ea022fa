"""Chinese text to the phonemes that Kokoro speaks.

Numbers are written out before the text reaches the dictionary, since that would read
12345 as a quantity: plates, telephone numbers and any run of three or more digits are
said digit by digit with 幺 for 1; shorter runs are quantities. 12345, the name of the
hotline, is 一二三四五.
"""

import functools
import logging
import re
from collections.abc import Iterator
from typing import Literal

from tts.errors import UnreadableText

Letters = Literal["english", "chinese"]

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
DIGITS = "零幺二三四五六七八九"
PLAIN_DIGITS = "零一二三四五六七八九"
HOTLINE = "12345"

# Letters as English phonemes, in Kokoro's notation (A = eɪ, I = aɪ, ʤ and ʧ as one sign).
ENGLISH_LETTERS = {
    "A": "ˈA", "B": "bˈi", "C": "sˈi", "D": "dˈi", "E": "ˈi", "F": "ˈɛf", "G": "ʤˈi",
    "H": "ˈAʧ", "I": "ˈI", "J": "ʤˈA", "K": "kˈA", "L": "ˈɛl", "M": "ˈɛm", "N": "ˈɛn",
    "O": "ˈO", "P": "pˈi", "Q": "kjˈu", "R": "ˈɑɹ", "S": "ˈɛs", "T": "tˈi", "U": "jˈu",
    "V": "vˈi", "W": "dˈʌbᵊljˌu", "X": "ˈɛks", "Y": "wˈI", "Z": "zˈi",
}  # fmt: skip

# Letters as many Chinese callers say them, in pinyin; "=" marks raw phonemes.
CHINESE_LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4",
    "H": "ei2 chi5", "I": "ai4", "J": "zhei4", "K": "kei4", "L": "ai2 lou5", "M": "ai2 mu5",
    "N": "en1", "O": "ou1", "P": "pi4", "Q": "=kʰjou↘", "R": "a4", "S": "ai2 si5", "T": "ti4",
    "U": "you1", "V": "wei1", "W": "da2 bu5 liu5", "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}  # fmt: skip

# English words that a Chinese prompt may hold, for callers who speak no Chinese: phonemes, and pinyin
# for a voice that has no others.
ENGLISH_WORDS = {
    "ENGLISH": ("ˈɪŋɡlɪʃ", "ying1 ge2 li4 shi5"), "FOR": ("fɔɹ", "fo4"), "HOLD": ("hˈOld", "hou4 de5"),
    "PLEASE": ("plˈiz", "pu5 li4 si5"), "PRESS": ("pɹˈɛs", "pu5 rui4 si5"), "ZERO": ("zˈɪɹO", "zi4 rou5"),
}  # fmt: skip

# Characters whose commonest reading is not the one wanted here.
READINGS = {
    "藏": "zang4", "琼": "qiong2", "渝": "yu2", "蒙": "meng2", "宁": "ning2", "幺": "yao1",
    "挪": "nuo2", "挂": "gua4", "浙": "zhe4", "皖": "wan3", "闽": "min3", "鄂": "e4",
}  # fmt: skip
PHRASES = {"重新": "chong2 xin1", "转接": "zhuan3 jie1", "转人工": "zhuan3 ren2 gong1"}

_PLATE = re.compile(rf"(?P<head>[{PROVINCES}])[ ·.,，-]*(?P<city>[A-Z])[ ·.,，-]*"
                    r"(?P<serial>[A-Z0-9]{4,5}[A-Z0-9学警挂港澳领试超]?)(?![A-Z0-9])")
_PART = re.compile(rf"(?P<word>(?<![A-Z])(?:{'|'.join(ENGLISH_WORDS)})(?![A-Z]))|(?P<letter>[A-Z])|"
                   r"(?P<han>[\u3400-\u9fff]+)|(?P<mark>[、，。．！：；？,.!:;?…—“”‘’（）《》\s]+)")
_MARKS = str.maketrans("、，。．！：；？", ",,..!:;?")


def phonemes(text: str, letters: Letters = "english", yao: bool = True) -> str:
    """The phonemes of `text`, ready for `Kokoro.synthesize`.

    Plates are spoken in groups with a rest between (赣K，A一二，三四五), as `plate_groups`
    cuts them. `letters` says whose letter names are used; `yao=False` says 一 for the
    digit 1. Raises UnreadableText for characters that are no Chinese, Latin letter, digit
    or punctuation.
    """
    parts = " ".join(_parts(_written_out(text, yao), letters))
    return re.sub(r" +", " ", parts).replace(" ,", ",").strip()


def fallback_pinyin(text: str) -> str:
    """`text` in pinyin with tone digits, for a voice that reads pinyin; marks are kept."""
    words = []
    for part in _tokens(_written_out(text, yao=True)):
        if part["word"]:
            words.append(ENGLISH_WORDS[part["word"]][1])
        elif part["letter"]:
            words.append(CHINESE_LETTERS[part["letter"]].replace("=kʰjou↘", "kiu4"))
        elif part["han"]:
            words += pinyin_words(part["han"])
        else:
            words.append(_rest(part["mark"]).strip())
    return " ".join(words)


def plate_groups(plate: str) -> list[str]:
    """A plate cut where a person rests: 赣KA1234 → 赣K, A1, 234; new energy 赣K, D12, 345."""
    plate = re.sub(r"[ ·.,，-]", "", plate.upper())
    head, serial = plate[:2], plate[2:]
    middle = len(serial) // 2
    return [group for group in (head, serial[:middle], serial[middle:]) if group]


def spoken_number(digits: str, yao: bool = True) -> str:
    """A run of digits as characters: 12345 一二三四五, 139… 幺三九…, 10 十, 25 二十五."""
    if digits == HOTLINE:
        return "".join(PLAIN_DIGITS[int(d)] for d in digits)
    if len(digits) > 2 or (len(digits) == 2 and digits[0] == "0"):
        return spoken_digits(digits, yao)
    return quantity(int(digits))


def spoken_digits(digits: str, yao: bool = True) -> str:
    """Digits one by one, as telephone numbers are read (幺 for 1 unless `yao` is False)."""
    names = DIGITS if yao else PLAIN_DIGITS
    return "".join(names[int(d)] for d in digits)


def quantity(number: int) -> str:
    """A number from 0 to 99 as a quantity: 2 二, 10 十, 25 二十五."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return PLAIN_DIGITS[ones]
    lead = "" if tens == 1 else PLAIN_DIGITS[tens]
    return f"{lead}十{PLAIN_DIGITS[ones] if ones else ''}"


def _written_out(text: str, yao: bool) -> str:
    text = text.upper().replace("-", "，")
    text = _PLATE.sub(lambda m: _spelled_plate(m.group(), yao), text)
    return re.sub(r"\d+", lambda m: spoken_number(m.group(), yao), text)


def _spelled_plate(plate: str, yao: bool) -> str:
    groups = plate_groups(plate)
    return "，".join(re.sub(r"\d", lambda m: spoken_digits(m.group(), yao), g) for g in groups) + "，"


def _parts(text: str, letters: Letters) -> Iterator[str]:
    for part in _tokens(text):
        if part["word"]:
            yield ENGLISH_WORDS[part["word"]][0]
        elif part["letter"]:
            yield letter_phonemes(part["letter"], letters)
        elif part["han"]:
            yield han_phonemes(part["han"])
        else:
            yield _rest(part["mark"])


def _tokens(text: str) -> Iterator[re.Match]:
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise UnreadableText(
                f"The character {text[position]!r} in {text!r} cannot be read aloud: "
                "write it as Chinese, digits or Latin letters."
            )
        yield part
        position = part.end()


def letter_phonemes(letter: str, letters: Letters = "english") -> str:
    """The phonemes of one Latin letter's name."""
    if letters == "english":
        return ENGLISH_LETTERS[letter]
    name = CHINESE_LETTERS[letter]
    return name[1:] if name.startswith("=") else pinyin_phonemes(name)


def pinyin_phonemes(pinyin: str) -> str:
    """The phonemes of syllables in pinyin with tone digits, 5 for the neutral tone."""
    from misaki.zh import ZHG2P

    spoken = "".join(ZHG2P.py2ipa(syllable) for syllable in pinyin.split())
    return spoken.replace("\u032f", "")  # the non-syllabic mark is not in the vocabulary


def han_phonemes(han: str) -> str:
    """The phonemes of Chinese characters, cut into words."""
    return " ".join(pinyin_phonemes(pinyin) for pinyin in pinyin_words(han))


def pinyin_words(han: str) -> list[str]:
    """The pinyin of each word of `han`, syllables of a word joined by spaces."""
    from pypinyin import Style, lazy_pinyin

    words = []
    for word in _reader().lcut(han, cut_all=False):
        syllables = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
        words.append(PHRASES.get(word) or " ".join(syllables))
    return words


def _rest(marks: str) -> str:
    kept = re.sub(r"[\s“”‘’（）《》]", "", marks.translate(_MARKS))
    return f"{kept[0]} " if kept else " "


@functools.cache
def _reader():
    """jieba with its dictionary loaded, and pypinyin with our readings."""
    import jieba
    from pypinyin import load_single_dict

    jieba.setLogLevel(logging.ERROR)
    for phrase in PHRASES:
        jieba.add_word(phrase)
    load_single_dict({ord(char): reading for char, reading in READINGS.items()}, style="tone2")
    return jieba
