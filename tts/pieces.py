"""The recorded pieces: an index beside the recordings, each checked before it is played."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tts import audio
from tts.errors import PromptError


@dataclass(frozen=True)
class Piece:
    """One recording. `how` is its pace or kind, `closing` whether a sentence ends with it.

    `recipe` fingerprints the text, phonemes and voice it was made with; `sha256` is of the
    file, and `ms` its length in milliseconds.
    """

    text: str
    how: str
    closing: bool
    file: str
    recipe: str
    sha256: str
    ms: int

    @property
    def key(self) -> tuple[str, str, bool]:
        return self.text, self.how, self.closing


class PieceStore:
    """Pieces of one folder, decoded when first wanted and then kept."""

    def __init__(self, folder: Path, pieces: list[Piece]) -> None:
        self.folder = folder
        self.pieces = {piece.key: piece for piece in pieces}
        self._texts = {(piece.text, piece.how) for piece in pieces}
        self._sounds: dict[tuple[str, str, bool], np.ndarray | None] = {}
        self._problems: dict[tuple[str, str, bool], str] = {}

    @classmethod
    def load(cls, folder: Path) -> "PieceStore":
        """The store of a folder; an empty one where nothing is recorded yet."""
        path = folder / "index.json"
        if not path.is_file():
            return cls(folder, [])
        try:
            return cls(folder, [Piece(**entry) for entry in json.loads(path.read_text("utf-8"))])
        except (ValueError, TypeError) as error:
            raise PromptError(f"{path} cannot be read: remove it and run `make prompts`.") from error

    def save(self) -> None:
        """Write the index, a line a piece, so that a change reads well in a diff."""
        ordered = sorted(self.pieces.values(), key=lambda piece: piece.file)
        lines = ",\n".join(json.dumps(asdict(piece), ensure_ascii=False) for piece in ordered)
        (self.folder / "index.json").write_text(f"[\n{lines}\n]\n", "utf-8")

    def knows(self, text: str, how: str) -> bool:
        """Whether the index lists the text in any position."""
        return (text, how) in self._texts

    def sound(self, text: str, how: str, closing: bool) -> np.ndarray | None:
        """The piece as an array at 8 kHz; None where it is missing or was altered.

        A piece recorded for the other position is taken where the wanted one is missing.
        """
        for position in (closing, not closing):
            if (found := self._decoded((text, how, position))) is not None:
                return found
        return None

    def problem(self, piece: Piece) -> str | None:
        """What is wrong with a piece's file, in one sentence, or None."""
        return self._read(piece)[1]

    def why_not(self, text: str, how: str, closing: bool) -> str | None:
        """What is wrong with the file because of which `sound` gives None; None where it gives one, or none is listed."""
        if self.sound(text, how, closing) is not None:
            return None
        return next((self._problems[key] for key in ((text, how, closing), (text, how, not closing))
                     if key in self._problems), None)

    @property
    def problems(self) -> list[str]:
        """What is wrong with each file that was wanted so far and could not be played, in a sentence."""
        return list(self._problems.values())

    def _decoded(self, key: tuple[str, str, bool]) -> np.ndarray | None:
        if key not in self._sounds:
            piece = self.pieces.get(key)
            sound, problem = self._read(piece) if piece else (None, None)
            if problem:
                self._problems[key] = problem
            self._sounds[key] = sound
        return self._sounds[key]

    def _read(self, piece: Piece) -> tuple[np.ndarray | None, str | None]:
        """The sound of a piece's file, or what is wrong with it."""
        path = self.folder / piece.file
        recording = f"The recording {path} of {piece.text!r}"
        if not path.is_file():
            return None, f"{recording} is missing: run `make prompts`."
        try:
            whole = file_hash(path) == piece.sha256
            sound = audio.read_file(path)
            if not whole:
                return None, (f"{recording} is damaged, or another than the one in the index: run "
                              "`make prompts`, or `make prompts ADOPT=1` if you recorded it yourself.")
            return sound, None
        except OSError as error:
            return None, f"{recording} cannot be read ({error.strerror}): mend its rights."
        except RuntimeError:
            return None, f"{recording} is damaged: run `make prompts`, or record it again."


def file_hash(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def join(sounds: list[tuple[np.ndarray, float]]) -> np.ndarray:
    """Sounds one after another, each with the rest in ms that follows it; below zero they overlap.

    Every piece starts and ends at zero, so that neither a rest nor an overlap clicks.
    """
    rests = [round(rest_ms * audio.TELEPHONE_HZ / 1000) for _, rest_ms in sounds]
    total = sum(len(sound) + max(rest, -len(sound)) for (sound, _), rest in zip(sounds, rests))
    joined = np.zeros(total + audio.TELEPHONE_HZ, np.float32)
    at = end = 0
    for (sound, _), rest in zip(sounds, rests):
        joined[at : at + len(sound)] += sound
        end = at + len(sound)
        at = max(0, end + rest)
    return joined[:end]
