"""The sounds the acoustic model can name: toneless pinyin syllables, letters, eight toned provinces.

Provinces that only a tone tells apart (赣 gan4 / 甘 gan1, 津 jin1 / 晋 jin4, 吉 ji2 / 冀 ji4,
豫 yu4 / 渝 yu2) have units of their own; a grammar lets each stand for its neighbour at a price.
"""

from __future__ import annotations

BLANK = "_"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
TONED = ("gan1", "gan4", "jin1", "jin4", "ji2", "ji4", "yu2", "yu4")

_FINALS = {
    "": "a o e ai ei ao ou an en ang er",
    "b": "a o ai ei ao an en ang eng i ie iao ian in ing u",
    "p": "a o ai ei ao ou an en ang eng i ie iao ian in ing u",
    "m": "a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u",
    "f": "a o ei ou an en ang eng u",
    "d": "a e ai ei ao ou an en ang eng ong i ia ie iao iu ian ing u uo ui uan un",
    "t": "a e ai ei ao ou an ang eng ong i ie iao ian ing u uo ui uan un",
    "n": "a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan un v ve",
    "l": "a o e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un v ve",
    "g": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "k": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "h": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "j": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "q": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "x": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "zh": "a e ai ei ao ou an en ang eng ong i u ua uo uai ui uan un uang",
    "ch": "a e ai ao ou an en ang eng ong i u ua uo uai ui uan un uang",
    "sh": "a e ai ei ao ou an en ang eng i u ua uo uai ui uan un uang",
    "r": "e ao ou an en ang eng ong i u ua uo ui uan un",
    "z": "a e ai ei ao ou an en ang eng ong i u uo ui uan un",
    "c": "a e ai ao ou an en ang eng ong i u uo ui uan un",
    "s": "a e ai ao ou an en ang eng ong i u uo ui uan un",
    "y": "a ao e i in ing o ong ou u ue uan un an ang",
    "w": "a o ai ei an en ang eng u",
}
SYLLABLES = tuple(initial + final for initial, finals in _FINALS.items() for final in finals.split())
UNITS = (BLANK, *SYLLABLES, *LETTERS, *TONED)
UNIT_IDS = {unit: index for index, unit in enumerate(UNITS)}


def unit_of(token: str) -> str:
    """The unit of a letter (``K``) or of a numbered pinyin syllable (``gan4``, ``ma5``, ``nv3``).

    Raises KeyError for what is neither.
    """
    if token in UNIT_IDS and (token in TONED or token in LETTERS):
        return token
    syllable = token.rstrip("12345").replace("ü", "v").replace("u:", "v")
    syllable = {"lue": "lve", "nue": "nve", "n": "en", "ng": "en", "m": "mu", "hm": "heng"}.get(
        syllable, syllable)
    if syllable not in UNIT_IDS:
        raise KeyError(f"no unit for {token!r}")
    return syllable
