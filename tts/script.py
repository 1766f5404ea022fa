"""The prompts file, read: sentences cut at their slots, and how each is to be said."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tts.errors import PromptError, UnknownPrompt

SLOT_KINDS = ("plate", "symbols", "place", "digits", "minutes", "name", "words")
PACES = ("sentence", "slow")
MARKS = "，。？！、：；,.?!:; "
_SLOT = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Fragment:
    """A fixed part of a sentence; `rest_before`: punctuation parts it from the slot before."""

    text: str
    rest_before: bool
    rest_after: bool


@dataclass(frozen=True)
class Slot:
    """A place for a value; `ends` when the sentence ends there."""

    name: str
    kind: str
    ends: bool


@dataclass(frozen=True)
class Prompt:
    """One prompt: its parts in order, its pace, or the name of a sound instead of parts."""

    id: str
    text: str
    parts: tuple[Fragment | Slot, ...] = ()
    pace: str = "sentence"
    sound: str = ""
    gentle: "Prompt | None" = None
    """The same simpler and slowly, for callers who struggle."""


@dataclass(frozen=True)
class Voice:
    """`voice.yaml`: the voice, the speeds (1.0 is its own), and the rests in milliseconds."""

    voice: str = "zf_xiaoxiao"
    letters: str = "english"
    speeds: Mapping[str, float] = field(default_factory=dict)
    rests: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Script:
    """All prompts of a folder, and the voice they are said with."""

    folder: Path
    prompts: Mapping[str, Prompt]
    voice: Voice

    def prompt(self, prompt_id: str) -> Prompt:
        """The prompt of that id. Raises UnknownPrompt with the nearest id."""
        if (prompt := self.prompts.get(prompt_id)) is None:
            near = difflib.get_close_matches(prompt_id, self.prompts, n=1, cutoff=0.5)
            raise UnknownPrompt(prompt_id, near[0] if near else None, self.folder / "prompts.yaml")
        return prompt


def load_script(folder: Path) -> Script:
    """Read `prompts.yaml` and `voice.yaml` of a folder.

    Raises PromptError, naming file and prompt, where either cannot be used.
    """
    path = folder / "prompts.yaml"
    prompts = {str(key): _prompt(path, str(key), entry) for key, entry in _mapping(path).items()}
    return Script(folder, prompts, _voice(folder / "voice.yaml"))


def parse_parts(text: str) -> tuple[Fragment | Slot, ...]:
    """A text cut at its slots. Raises ValueError for a slot of no known kind."""
    cut = _SLOT.split(text)
    parts: list[Fragment | Slot] = []
    for index, piece in enumerate(cut):
        if index % 2:
            rest = "".join(cut[index + 1 :]).strip(MARKS)
            parts.append(Slot(piece, slot_kind(piece), ends=not rest))
        elif piece.strip(MARKS):
            before = index > 0 and piece[0] in MARKS
            after = index < len(cut) - 1 and piece[-1] in MARKS
            parts.append(Fragment(piece.lstrip(MARKS), before, after))
    return tuple(parts)


def slot_kind(name: str) -> str:
    """The kind of a slot: its name without the number at its end (`plate2` is a plate)."""
    kind = name.rstrip("0123456789")
    if kind not in SLOT_KINDS:
        raise ValueError(f"{{{name}}} is no slot: use one of {', '.join(SLOT_KINDS)}")
    return kind


def _mapping(path: Path) -> dict:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise PromptError(f"{path} is not there: write it, or name another folder.") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise PromptError(f"{where} is not YAML: put the text between quotes.") from error
    if not isinstance(loaded, dict):
        raise PromptError(f"{path} holds no prompts: write lines of `id: text`.")
    return loaded


def _prompt(path: Path, prompt_id: str, entry: object) -> Prompt:
    fields = entry if isinstance(entry, dict) else {"text": entry}
    if "sound" in fields:
        return Prompt(prompt_id, f"[{fields['sound']}]", sound=str(fields["sound"]))
    text, pace = fields.get("text"), fields.get("pace", "sentence")
    if not isinstance(text, str) or not text.strip(MARKS):
        raise PromptError(f"{path}: prompt {prompt_id!r} has no text: write one between quotes.")
    if pace not in PACES:
        raise PromptError(f"{path}: prompt {prompt_id!r} has pace {pace!r}: use slow, or leave it out.")
    try:
        gentle = _prompt(path, prompt_id, {"text": fields["gentle"], "pace": "slow"}) if "gentle" in fields else None
        return Prompt(prompt_id, text, parse_parts(text), pace, gentle=gentle)
    except ValueError as error:
        raise PromptError(f"{path}: in prompt {prompt_id!r} {error}.") from None


def _voice(path: Path) -> Voice:
    fields = _mapping(path)
    unknown = sorted(set(fields) - set(Voice.__dataclass_fields__))
    if unknown:
        raise PromptError(f"{path}: {unknown[0]!r} is no setting: remove it or mend its spelling.")
    return Voice(**fields)
