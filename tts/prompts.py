"""Prompts by id, rendered to telephone PCM out of recorded pieces."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tts import audio
from tts.errors import BadValue
from tts.live import KeptSpeech, LiveVoice
from tts.pieces import PieceStore, join
from tts.script import MARKS, Fragment, Prompt, Script, Slot, load_script
from tts.spelling import (
    Unit,
    digit_units,
    minutes_text,
    place_text,
    plate_units,
    symbol_units,
    symbols_text,
    vocabulary,
)
from tts.words import Words

SLOW_RESTS = 2.0
"""In a prompt that is said slowly, the rests between a plate's groups are so much longer."""
LIVE_KEPT = 256  # sentences synthesized live that are kept in memory
Cue = tuple[str, str, bool] | np.ndarray | None
"""A recorded piece (text, how, closing), a sound that is there already, or None for what never is recorded."""
ANY_TEXT = "好。"
"""Is spoken to have the voice loaded, where what will be said is not known yet."""


@dataclass(frozen=True)
class Speech:
    """What is played: 8 kHz PCM, its text, and whether it had to be synthesized live; `damage`: what is wrong with the
    recording that there is of it, in a sentence, "" where there is none."""

    pcm_8k: bytes
    text: str
    synthesized: bool = False
    damage: str = ""

    @property
    def duration_ms(self) -> int:
        return len(self.pcm_8k) * 1000 // (2 * audio.TELEPHONE_HZ)


class PromptLibrary:
    """All prompts of a folder. From recordings a prompt takes under 5 ms and no model.

    A prompt with a piece missing is synthesized whole, in a process of its own;
    `render` then waits for it, `render_async` lets the loop go on.
    """

    def __init__(self, script: Script, pieces: PieceStore, live: LiveVoice | None = None) -> None:
        self.script = script
        self.pieces = pieces
        self._live = live or LiveVoice(script.voice.voice, script.voice.letters)
        self._kept = KeptSpeech(self._live.speak, LIVE_KEPT)

    @classmethod
    def load(cls, folder: Path, before: "PromptLibrary | None" = None) -> "PromptLibrary":
        """The library of a folder with prompts.yaml, voice.yaml and pieces/.

        `before`: an earlier edition, whose live voice goes on with all that it has spoken, if it is the same voice.
        Raises PromptError, which names the file, where it cannot be used.
        """
        folder = Path(folder)
        library = cls(load_script(folder), PieceStore.load(folder / "pieces"))
        if before and before._voice_wanted == library._voice_wanted:
            library._live, library._kept = before._live, before._kept
        return library

    @property
    def _voice_wanted(self) -> tuple[str, str]:
        return self.script.voice.voice, self.script.voice.letters

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all prompts, in the order of the file."""
        return tuple(self.script.prompts)

    def text(self, prompt_id: str, values: Mapping[str, str] = {}, gentle: bool = False) -> str:
        """What would be said. Raises UnknownPrompt or BadValue."""
        return filled(self._manner(prompt_id, gentle), values)

    def render(self, prompt_id: str, values: Mapping[str, str] = {}, gentle: bool = False) -> Speech:
        """The prompt with its values; `gentle`: as it is said to those who struggle.

        Raises UnknownPrompt, BadValue or SynthesisFailed.
        """
        prompt = self._manner(prompt_id, gentle)
        text = filled(prompt, values)
        pcm = self._recorded(prompt, values)
        if pcm is None:
            return self._synthesized(prompt, values)
        return Speech(pcm, text)

    async def render_async(
        self, prompt_id: str, values: Mapping[str, str] = {}, gentle: bool = False
    ) -> Speech:
        """As `render`; a live synthesis runs outside of the loop."""
        prompt = self._manner(prompt_id, gentle)
        text = filled(prompt, values)
        pcm = self._recorded(prompt, values)
        if pcm is None:
            return await asyncio.to_thread(self._synthesized, prompt, values)
        return Speech(pcm, text)

    def say(self, text: str) -> Speech:
        """Text that has no recording. Raises UnreadableText or SynthesisFailed."""
        return Speech(self._kept.speak(text, self._speed("sentence")), text, synthesized=True)

    async def say_async(self, text: str) -> Speech:
        """As `say`, outside of the loop."""
        return await asyncio.to_thread(self.say, text)

    def check(self) -> list[str]:
        """A sentence for each piece that a prompt or a value needs and that cannot be played."""
        problems = []
        for text, how, closing in wanted_pieces(self.script):
            if how != "name" and (piece := self.pieces.pieces.get((text, how, closing))) is None:
                problems.append(f"There is no recording of {text!r}: run `make prompts`.")
            elif piece and (problem := self.pieces.problem(piece)):
                problems.append(problem)
        return problems

    def warm(self) -> None:
        """Decode every piece now (about a third of a second), so that no first call waits."""
        for text, how, closing in self.pieces.pieces:
            self.pieces.sound(text, how, closing)

    def close(self) -> None:
        """End the live voice's process, and what it is speaking; a later sentence starts another."""
        self._live.close()

    def unrecorded(self, prompt_ids: Iterable[str]) -> list[Prompt]:
        """Those of these prompts, with their gentle forms after them all, of which something fixed has no recording."""
        plain = [self.script.prompts[each] for each in dict.fromkeys(prompt_ids) if each in self.script.prompts]
        both = (*plain, *(prompt.gentle for prompt in plain if prompt.gentle))
        return [prompt for prompt in both if not self._fixed_recorded(prompt)]

    def speak_ahead(self, prompt: Prompt) -> None:
        """Have what `render` must speak live ready: the prompt itself if it has no values, else the voice.

        Blocks meanwhile. Raises UnreadableText or SynthesisFailed.
        """
        if any(isinstance(part, Slot) for part in prompt.parts):
            self.say(ANY_TEXT)
        else:
            self._synthesized(prompt, {})

    def _fixed_recorded(self, prompt: Prompt) -> bool:
        """Whether all of it that is no value can be played; a `name` never is recorded."""
        if prompt.sound:
            return self.pieces.sound(prompt.sound, "sound", True) is not None
        last = len(prompt.parts) - 1
        return all(self.pieces.sound(part.text, prompt.pace, place == last) is not None if isinstance(part, Fragment)
                   else part.kind != "name" for place, part in enumerate(prompt.parts))

    def _manner(self, prompt_id: str, gentle: bool) -> Prompt:
        prompt = self.script.prompt(prompt_id)
        return prompt.gentle or prompt if gentle else prompt

    def _synthesized(self, prompt: Prompt, values: Mapping[str, str]) -> Speech:
        """Spoken live, but for somebody's own words, which stand between."""
        own = [(part.name, values[part.name]) for part in prompt.parts if isinstance(part, Slot) and part.kind == "words"]
        pcm, rest = b"", prompt.text
        for name, words in own:
            before, _, rest = rest.partition(f"{{{name}}}")
            pcm += self._live_part(prompt, before, values) + words.pcm_8k
        pcm += self._live_part(prompt, rest, values)
        return Speech(pcm, filled(prompt, values), synthesized=True, damage=self._damage(prompt, values))

    def _damage(self, prompt: Prompt, values: Mapping[str, str]) -> str:
        """What is wrong with the first file because of which the prompt cannot be played."""
        asked = (self.pieces.why_not(*cue) for cue, _ in self._cues(prompt, values) if isinstance(cue, tuple))
        return next(filter(None, asked), "")

    def _live_part(self, prompt: Prompt, written: str, values: Mapping[str, str]) -> bytes:
        text = filled(replace(prompt, text=written), values)
        return self._kept.speak(text, self._speed(prompt.pace)) if text.strip(MARKS) else b""

    def _speed(self, what: str) -> float:
        return float(self.script.voice.speeds.get(what, 1.0))

    def _rest(self, what: str) -> float:
        return float(self.script.voice.rests.get(what, 0))

    def _recorded(self, prompt: Prompt, values: Mapping[str, str]) -> bytes | None:
        """The prompt joined from its pieces, or None where one is missing."""
        sounds = [(self.pieces.sound(*cue) if isinstance(cue, tuple) else cue, rest)
                  for cue, rest in self._cues(prompt, values)]
        if not sounds or any(sound is None for sound, _ in sounds):
            return None
        return audio.to_pcm(join(sounds))

    def _cues(self, prompt: Prompt, values: Mapping[str, str]) -> list[tuple[Cue, float]]:
        """What the prompt is joined from, each with the rest in ms that follows it."""
        if prompt.sound:
            return [((prompt.sound, "sound", True), 0.0)]
        cues = []
        for index, part in enumerate(prompt.parts):
            after = prompt.parts[index + 1] if index + 1 < len(prompt.parts) else None
            cues += self._part(prompt, part, after, values)
        return cues

    def _part(
        self, prompt: Prompt, part: Fragment | Slot, after: Fragment | Slot | None,
        values: Mapping[str, str],
    ) -> list[tuple[Cue, float]]:  # fmt: skip
        if isinstance(part, Fragment):
            closing = after is None
            rest = self._rest("comma" if part.rest_after else "slot")
            return [((part.text, prompt.pace, closing), rest)]
        parted = isinstance(after, Fragment) and after.rest_before
        rest = self._rest("comma" if parted else "slot")
        slow = SLOW_RESTS if prompt.pace == "slow" else 1.0
        return self._value(part, _value_of(prompt, part, values), rest, self._rest("group") * slow)

    def _units(self, kind: str, value: str) -> list[Unit]:
        if kind == "symbols":
            return symbol_units(value)
        spell = plate_units if kind == "plate" else digit_units
        return spell(value, lambda text: self.pieces.knows(text, "group"))

    def _value(
        self, slot: Slot, value: str, rest: float, group_rest: float
    ) -> list[tuple[Cue, float]]:
        if slot.kind == "name":
            return [(None, 0.0)]
        if slot.kind == "words":
            return [(audio.from_pcm(value.pcm_8k), rest)]
        if slot.kind == "minutes":
            return [((minutes_text(value), "minutes", slot.ends), rest)]
        if slot.kind == "place":
            return [((place_text(value), "group", slot.ends), rest)]
        rests = {"unit": self._rest("unit"), "group": group_rest, "end": rest}
        cues = []
        for unit in self._units(slot.kind, value):
            how = "character" if len(unit.text) == 1 else "group"
            closing = slot.ends and unit.follows == "end"
            cues.append(((unit.text, how, closing), rests[unit.follows]))
        return cues


def _shown(slot: Slot, value: str) -> str:
    """A value as it is written in the text."""
    if slot.kind == "minutes":
        return minutes_text(value)
    if slot.kind == "place":
        return place_text(value)
    return symbols_text(value) if slot.kind == "symbols" else value


def filled(prompt: Prompt, values: Mapping[str, str]) -> str:
    """The prompt's text with its values in it. Raises BadValue for one that is not given."""
    text = prompt.text
    for part in prompt.parts:
        if isinstance(part, Slot):
            text = text.replace(f"{{{part.name}}}", _shown(part, _value_of(prompt, part, values)))
    return text


def wanted_pieces(script: Script) -> list[tuple[str, str, bool]]:
    """Every piece the prompts and values are joined from: (text, how, closing), once each."""
    wanted: dict[tuple[str, str, bool], None] = {}
    plain = list(script.prompts.values())
    for prompt in (*plain, *(prompt.gentle for prompt in plain if prompt.gentle)):
        if prompt.sound:
            wanted[prompt.sound, "sound", True] = None
        for index, part in enumerate(prompt.parts):
            if isinstance(part, Fragment):
                wanted[part.text, prompt.pace, index == len(prompt.parts) - 1] = None
    for text, how in vocabulary():
        wanted[text, how, False] = None
        wanted[text, how, True] = None
    return list(wanted)


def _value_of(prompt: Prompt, slot: Slot, values: Mapping[str, str]) -> str:
    value = values.get(slot.name) or ""
    if slot.kind == "words" and not isinstance(value, Words):
        raise BadValue(f"The prompt {prompt.id!r} says what somebody said at {{{slot.name}}}: nobody said anything.")
    if not str(value).strip(MARKS):
        raise BadValue(f"The prompt {prompt.id!r} needs a value for {{{slot.name}}}: give one.")
    return value if isinstance(value, Words) else str(value)
