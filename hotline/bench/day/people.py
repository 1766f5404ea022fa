"""Callers and owners who answer by themselves: they know their own plate, and what the bot just said to them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from asr.training.speakable import Manner as Speech
from asr.training.speakable import say_this_plate, say_which
from hotline.demo.people import ASKS_FOR_PLATE, ASKS_YES_OR_NO, NO, OWNERS, YES, Cast
from ivr.replay.fixture import LineSound
from ivr.replay.line import ReplayLeg
from ivr.replay.sound import Mouthpiece
from tts.caller_voice import say, say_phonemes

ALSO_ASKS_FOR_PLATE = {"asked_again", "rest_of_plate", "rest_of_plate_again", "no_such_place", "short_correction",
                       "key_province", "key_province_wrong"}
ASKS_WHICH = {"ask_which", "ask_which_again"}
NEITHER = "都不是。"
OVERHEARS = 1 / 200
"""So often a caller says 对 to a plate that is not theirs, as `ivr bench policy` assumes."""
THINKS_MS = (300, 900)
"""How long it takes to answer a question that has ended."""
PACES = (0.88, 1.15)
_PLATE = re.compile(r"[\u4e00-\u9fff][A-Z][A-Z0-9]{5,6}")
_PLACE = re.compile(r"第(.)位")
_PLACES = "一二三四五六七八"


@dataclass(frozen=True)
class Manner:
    """How somebody speaks: a Kokoro voice, `pace` against its own, `english`: share of letters said the English way."""

    voice: str
    pace: float
    english: float

    @classmethod
    def drawn(cls, rng: random.Random, voice: str) -> Manner:
        return cls(voice, round(rng.uniform(*PACES), 2), rng.choice((0.15, 0.5, 0.85)))


class AnsweringPerson:
    """At the far end of a leg: says what `answer(prompt, text)` gives once the bot has fallen silent; b"" for nothing."""

    def __init__(self, answer: Callable[[str, str], bytes], line: LineSound, rng: random.Random, *,
                 rings_ms: int = 1500, ends: str = ""):
        self.rings_ms: int | None = None if ends == "off" else rings_ms
        self.ends, self.current = ends, 0
        self.legs: list[ReplayLeg] = []
        self.taken: list[tuple[int, int]] = []
        self._answer, self._rng, self._mouth = answer, rng, Mouthpiece(line, rng.randrange(1 << 16))
        self._asked: tuple[str, str] | None = None
        self._due_ms: int | None = None

    def rung(self) -> None: ...

    def answered(self, leg: ReplayLeg) -> None:
        self.legs.append(leg)

    def said(self, prompt: str, text: str, _now_ms: int) -> None:
        """The bot begins to say a prompt: what was about to be answered is over."""
        self._asked, self._due_ms = (prompt, text), None

    def silence_began(self, now_ms: int) -> None:
        """The bot has nothing more to say for now."""
        if self._asked:
            self._due_ms = now_ms + self._rng.randrange(*THINKS_MS)

    def frame(self, now_ms: int, sent: bytes) -> bytes:
        """The next 20 ms of what they say."""
        if self._due_ms is not None and now_ms >= self._due_ms:
            asked, self._asked, self._due_ms = self._asked, None, None
            if pcm := self._answer(*asked):
                self.current = len(self.taken)
                self.taken.append((self.current, now_ms))
                self._mouth.say(pcm)
        return self._mouth.frame(sent)


class CallersMind:
    """What a caller answers. `agreed`: the plate that they said 对 to last; `sayings`: how often they said theirs."""

    def __init__(self, cast: Cast, manner: Manner, rng: random.Random):
        self._cast, self._manner, self._rng = cast, manner, rng
        self._speech = Speech(manner.english)
        self._read, self._place, self.agreed, self.sayings, self.asked_which = "", 0, "", 0, 0

    def answer(self, prompt: str, text: str) -> bytes:
        """PCM at 8 kHz; b"" for nothing. Raises TtsError where no voice can speak."""
        self._read = read_in(text) or self._read
        if prompt in ALSO_ASKS_FOR_PLATE:
            return self._plate() if self._cast.caller == "ordinary" else self._speak(self._cast.caller_says("welcome", ""))
        if prompt in ASKS_WHICH:
            return self._which(text)
        if prompt in ASKS_YES_OR_NO:
            right = self._read == self._cast.plate or self._rng.random() < OVERHEARS
            self.agreed = self._read if right else self.agreed
            return self._speak(YES if right else NO)
        said = self._cast.caller_says(prompt, self._read)
        return self._plate() if prompt in ASKS_FOR_PLATE and said == self._cast.plate else self._speak(said)

    def _plate(self) -> bytes:
        self.sayings += 1
        said = say_this_plate(self._rng, self._speech, self._cast.plate)
        return say_phonemes(said.phonemes, self._manner.voice, self._manner.pace)

    def _which(self, text: str) -> bytes:
        """Their own plate's character at the place that is asked about, or neither."""
        self.asked_which += 1
        if place := _PLACE.search(text):
            self._place = _PLACES.index(place[1])
        own = self._cast.plate[self._place: self._place + 1]
        if own and own in text.replace("第", "").replace("请按一", "").replace("请按二", ""):
            said = say_which(self._rng, self._speech, own) if own.isascii() else None
            return say_phonemes(said.phonemes, self._manner.voice, self._manner.pace) if said else self._speak(f"是{own}。")
        return self._speak(NEITHER)

    def _speak(self, words: str) -> bytes:
        return say(words, self._manner.voice) if words else b""


class OwnersMind:
    """What an owner answers, who is told a plate: of another car they say that it is not theirs."""

    def __init__(self, cast: Cast, voice: str):
        self._cast, self._voice, self.told = cast, voice, ""

    def answer(self, prompt: str, text: str) -> bytes:
        """As the caller's."""
        self.told = read_in(text) or self.told
        said = self._cast.owner_says(prompt)
        if said and self.told != self._cast.plate:
            said = OWNERS["not-mine"]
        return say(said, self._voice) if said else b""


def read_in(text: str) -> str:
    """The plate that a prompt's text reads out, or ""."""
    found = _PLATE.search(re.sub(r"[\s·,，、]", "", text))
    return found[0] if found else ""
