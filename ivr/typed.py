"""A conversation by typing: people who type at the far ends of a line, ears that read, a voice that prints.

Turns, flows and actions are the real ones, on the replay's line and its virtual time. What is typed
sounds like a stretch of speech to the turn, and the ears give its text to the grammar as an engine
that writes down what it heard does (`asr.search.text_match`).
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from asr.grammars.grammar import Grammar
from asr.pool import AsyncStream
from asr.recognizer import Result
from asr.search.text_match import match_text
from ivr.call import FRAME_MS
from ivr.own_words import NUMBER
from ivr.replay.line import ReplayLeg
from tts.pieces import PieceStore
from tts.prompts import PromptLibrary, Speech
from tts.script import load_script

FRAME_BYTES = 320
SAID_PER_CHARACTER_MS = 220
"""Mandarin is spoken at four to five syllables a second."""
PROMPT_OVER_MS = 120
"""So long after the last sound of a prompt the person answers."""
SAYS_MS = 900
UNSURE_PROBABILITY = 0.3
_HUM = (b"\x01\x00" + b"\xff\xff") * (FRAME_BYTES // 4)
_KEYS = re.compile(r"#([0-9*#A-D]+)|keys? ([0-9*#A-D]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Typed:
    """One answer: words, keys, silence (neither), or hanging up. `unsure`: badly heard."""

    words: str = ""
    keys: str = ""
    unsure: bool = False
    hang_up: bool = False

    @classmethod
    def read(cls, line: str) -> "Typed":
        """`对`, `~对` (unsure), `#1` or `key 1`, `hang up`; nothing, or `silence`, is silence."""
        line = line.strip()
        if found := _KEYS.fullmatch(line):
            return cls(keys=(found[1] or found[2]).upper())
        if line.lower() in ("", "silence", "-"):
            return cls()
        if line.lower() in ("hang up", "hangup", "挂断"):
            return cls(hang_up=True)
        return cls(words=line.lstrip("~ "), unsure=line.startswith("~"))


class TypedPerson:
    """Somebody at the far end whose answers `ask` gets, when it is their turn.

    `rings_ms` and `ends` as `ivr.replay.line.Person`. `voice_pcm` is what typing sounds like. `ask_on_hold` gets what
    they say while they wait, if anything.
    """

    def __init__(self, ask: Callable[[], Typed], ears: "TypedEars", voice_pcm: bytes, ends: str = "",
                 ask_on_hold: Callable[[], Typed] = Typed):
        self.rings_ms, self.ends = (None if ends == "off" else 800), ends
        self.leg: ReplayLeg | None = None
        self._ask, self._ask_on_hold, self._ears, self._voice = ask, ask_on_hold, ears, voice_pcm
        self._turn, self._quiet_ms = False, 0
        self._on_hold = ""
        self._saying = b""
        self._keys: list[str] = []

    def rung(self) -> None: ...

    def answered(self, leg: ReplayLeg) -> None:
        self.leg = leg

    def silence_began(self, now_ms: int) -> None: ...

    def is_asked(self) -> None:
        """The bot listens from now on, or says a prompt and then listens."""
        self._turn, self._quiet_ms, self._on_hold = True, 0, ""

    def may_speak(self, grammar: str) -> None:
        """They wait, and are heard by this grammar meanwhile."""
        self._turn, self._quiet_ms, self._on_hold = True, 0, grammar

    def is_not_asked(self) -> None:
        self._turn = False

    def frame(self, now_ms: int, sent: bytes) -> bytes:
        """The next 20 ms; asks for an answer when the bot has finished speaking."""
        self._quiet_ms = 0 if any(sent) else self._quiet_ms + FRAME_MS
        if self._keys and not self._quiet_ms % 300:
            self.leg.press(self._keys.pop(0))
        if self._turn and not self._keys and self._quiet_ms >= PROMPT_OVER_MS:
            self._turn = False
            self._do(self._ask_on_hold() if self._on_hold else self._ask())
            if self.leg.ended:
                return bytes(FRAME_BYTES)
        frame, self._saying = self._saying[:FRAME_BYTES], self._saying[FRAME_BYTES:]
        return frame.ljust(FRAME_BYTES, b"\0")

    def _do(self, typed: Typed) -> None:
        if typed.hang_up:
            self.leg.end(200, "remote")
        elif typed.keys:
            self._keys = list(typed.keys)
        elif typed.words:
            self._ears.hear(typed, self._on_hold)
            self._saying = self._voice


class TypedEars:
    """What turns see of a `RecognizerPool`; every stream hears what was typed last, that of somebody on hold
    what they typed: the other side goes on talking."""

    def __init__(self, grammars: Path):
        self._folder, self._grammars = grammars, {}
        self._typed = Typed()
        self._on_hold: dict[str, Typed] = {}

    def hear(self, typed: Typed, on_hold: str = "") -> None:
        """`on_hold`: the grammar by which they are heard who wait."""
        if on_hold:
            self._on_hold = {on_hold: typed, NUMBER: typed}
        else:
            self._typed = typed

    def open(self, grammar_name: str, rate: int = 8000) -> AsyncStream:
        """As the pool's; raises GrammarError."""
        if grammar_name not in self._grammars:
            self._grammars[grammar_name] = _loaded(grammar_name, self._folder, _changed(self._folder))
        return AsyncStream(self, grammar_name, rate)

    async def decode(self, grammar_name: str, rate: int, pcm: bytes, final: bool) -> Result:
        """As the pool's."""
        result = (await self.answer(grammar_name, rate, pcm, final))[0]
        self._on_hold.pop(grammar_name, None)
        return result

    async def answer(self, grammar_name: str, rate: int, pcm: bytes, final: bool) -> tuple[Result, None]:
        """As the pool's."""
        typed = self._on_hold.get(grammar_name, self._typed)
        result = match_text(self._grammars[grammar_name], typed.words, speech_ms=SAYS_MS)
        if typed.unsure:
            unsure = tuple(replace(each, probability=UNSURE_PROBABILITY / (1 + place))
                           for place, each in enumerate(result.hypotheses))
            result = replace(result, hypotheses=unsure)
        return result, None


@functools.lru_cache(maxsize=64)
def _loaded(name: str, folder: Path, _changed_ns: int) -> Grammar:
    """A grammar, compiled once for all calls of a process while its folder stays as it is."""
    return Grammar.load(name, folder)


def _changed(folder: Path) -> int:
    return max((path.stat().st_mtime_ns for path in folder.glob("*.yaml")), default=0)


class PrintedVoice(PromptLibrary):
    """Prompts as text: what is played is a hum that lasts as long as saying it would."""

    @classmethod
    def load(cls, folder: Path) -> "PrintedVoice":
        """Raises PromptError."""
        return cls(load_script(Path(folder)), PieceStore(Path(folder), []))

    def render(self, prompt_id: str, values: Mapping[str, str] = {}, gentle: bool = False) -> Speech:
        """As the library's, without a sound."""
        return self._hummed(self.text(prompt_id, values, gentle))

    async def render_async(self, prompt_id: str, values: Mapping[str, str] = {}, gentle: bool = False) -> Speech:
        return self.render(prompt_id, values, gentle)

    def say(self, text: str) -> Speech:
        return self._hummed(text)

    async def say_async(self, text: str) -> Speech:
        return self._hummed(text)

    def _hummed(self, text: str) -> Speech:
        return Speech(_HUM * (len(text) * SAID_PER_CHARACTER_MS // FRAME_MS), text)


@functools.lru_cache(maxsize=8)
def typing_sound(prompts: Path) -> bytes:
    """A second of somebody speaking, 8 kHz: of the first recorded prompt in the folder. Raises TtsError."""
    library = PromptLibrary.load(prompts)
    pcm = next(speech.pcm_8k for speech in map(library.render, library.ids) if not speech.synthesized)
    start = next(at for at in range(0, len(pcm), FRAME_BYTES) if max(pcm[at + 1: at + FRAME_BYTES: 2], default=0) not in (0, 255))
    return pcm[start: start + SAYS_MS * 16]
