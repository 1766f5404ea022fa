"""A folder of recordings to measure with: a TSV that says who said what, and the audio beside it."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asr.hear import Recording, read_recording, read_sound
from asr.recognizer import AsrError

COLUMNS = ("file", "text", "plate", "value", "speaker", "grammar")
NOBODY = "unnamed"
_LARGEST_MEMBER = 512 << 20


@dataclass(frozen=True)
class Clip:
    """One row: a recording, who said it, and what was said: ``text``, ``plate``, or the grammar's ``value``."""

    file: str
    text: str
    plate: str
    value: str
    speaker: str
    grammar: str                   # "" where the row names none
    where: str                     # TSV:line
    place: Path
    in_tar: bool


@dataclass
class MeasuringSet:
    """The rows that can be used, and a sentence for each that cannot."""

    clips: list[Clip] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_set(folder: Path) -> MeasuringSet:
    """All rows of the folder's ``*.tsv``, or of the one TSV that is named.

    Columns are found by the header line; others than COLUMNS are let be. ``file`` lies beside the TSV or
    in the tar of the TSV's name. Raises AsrError where there is no TSV or none can be read.
    """
    tables = [folder] if folder.is_file() else sorted(folder.glob("*.tsv"))
    if not tables:
        raise AsrError(f"{folder} has no TSV: write one with the columns file, speaker and plate or text.")
    found = MeasuringSet()
    for table in tables:
        _read_table(table, found)
    return found


class Reader:
    """Reads clips' audio; a tar stays open while the clips come from it."""

    def __init__(self) -> None:
        self._tar: tarfile.TarFile | None = None
        self._place: Path | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def content(self, clip: Clip) -> bytes:
        """The file as it is. Raises AsrError where it cannot be read."""
        try:
            if not clip.in_tar:
                return clip.place.read_bytes()
            if self._place != clip.place:
                self._close()
                self._tar, self._place = tarfile.open(clip.place), clip.place
            member = self._tar.getmember(clip.file)
            if member.size > _LARGEST_MEMBER or not member.isfile():
                raise AsrError(f"{clip.where}: {clip.file} is too large, or no file.")
            return self._tar.extractfile(member).read()
        except (OSError, tarfile.TarError, KeyError, EOFError) as error:
            raise AsrError(f"{clip.where}: {clip.file} cannot be read ({error}).") from error

    def _close(self) -> None:
        if self._tar:
            self._tar.close()
        self._tar = self._place = None


def recording_of(clip: Clip, content: bytes) -> Recording:
    """The clip's sound; raises AsrError as ``asr.hear.read_recording``."""
    if clip.in_tar:
        if not content:
            raise AsrError(f"{clip.file} is empty (0 bytes).")
        return read_sound(io.BytesIO(content), clip.file)
    return read_recording(clip.place)


def _read_table(table: Path, found: MeasuringSet) -> None:
    try:
        text = table.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AsrError(f"{table} cannot be read as UTF-8 text ({error}): save it so.") from error
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = rows.fieldnames or []
    if "file" not in header or not {"text", "plate", "value"} & set(header):
        raise AsrError(f"{table}: its first line must name the columns, with tabs between: "
                       "file, speaker, and plate or text.")
    members = _members(table.with_suffix(".tar"))
    for number, row in enumerate(rows, 2):
        where = f"{table.name}:{number}"
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        problem, place, in_tar = _placed(table, cells, members)
        if problem:
            found.problems.append(f"{where}: {problem}")
            continue
        found.clips.append(Clip(cells["file"], cells["text"], cells["plate"], cells["value"],
                                cells["speaker"] or NOBODY, cells["grammar"], where, place, in_tar))


def _placed(table: Path, cells: dict[str, str], members: frozenset[str]) -> tuple[str, Path, bool]:
    """(what is wrong with the row or "", where its audio is, whether that is a tar)."""
    name, beside = cells["file"], table.parent / cells["file"]
    if not name:
        return "no file is named", beside, False
    if not (cells["text"] or cells["plate"] or cells["value"]):
        return f"{name} has neither text nor plate", beside, False
    if beside.is_file():
        return "", beside, False
    if name in members:
        return "", table.with_suffix(".tar"), True
    return f"{name} is not there", beside, False


def _members(tar: Path) -> frozenset[str]:
    if not tar.is_file():
        return frozenset()
    try:
        with tarfile.open(tar) as archive:
            return frozenset(_names(archive))
    except (OSError, tarfile.TarError, EOFError) as error:
        raise AsrError(f"{tar} is no tar that can be read ({error}): copy it again.") from error


def _names(archive: tarfile.TarFile) -> Iterator[str]:
    try:
        yield from archive.getnames()
    except (tarfile.ReadError, EOFError):
        return                     # torn: what came before is there
