"""The folder of a recording session: plan, recordings, table and consents. Nothing in it names a person."""

import fcntl
import json
import os
import random
import re
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hotline.desk.recording import interleave
from hotline.errors import CannotRun
from hotline.recorder.plates import made_up_plates
from tts.spelling import plate_units

COLUMNS = ("file", "text", "plate", "speaker", "seconds")
TABLE, PLAN, CONSENT = "recordings.tsv", "plan.json", "consent.json"
NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
BIRDS = (
    "bailu", "huamei", "xique", "cuiniao", "yanzi", "dujuan", "baihe", "queque", "yuanyang", "haiou", "lingque",
    "shanque", "wuya", "zhegu", "anchun", "ganyu", "yingwu", "tiane", "dayan", "kongque", "yeying", "jinsi",
    "zhuque", "baiyan",
)


@dataclass
class Volunteer:
    """A made-up name, the plates to read in order, and those that are recorded."""

    name: str
    plates: list[str]
    done: set[str] = field(default_factory=set)

    @property
    def pending(self) -> list[tuple[int, str]]:
        """What is still to be read: (number from 1, plate)."""
        return [(n, plate) for n, plate in enumerate(self.plates, 1) if plate not in self.done]


class Kit:
    """One folder, used by one program at a time. Use as a context."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.volunteers: dict[str, Volunteer] = {}

    def __enter__(self) -> "Kit":
        try:
            (self.folder / "audio").mkdir(parents=True, exist_ok=True)
            (self.folder / "consent").mkdir(exist_ok=True)
            self._lock = (self.folder / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(f"another program is recording into {self.folder}: wait for it, or name another folder") from None
        except OSError as error:
            raise CannotRun(f"{self.folder} cannot be written ({error.strerror}); name another folder") from None
        plan = self._read_json(PLAN, {})
        self.volunteers = {name: Volunteer(name, list(plates)) for name, plates in plan.items()}
        for row in self._rows():
            if row["speaker"] in self.volunteers:
                self.volunteers[row["speaker"]].done.add(row["plate"])
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def volunteer(self, name: str | None, count: int, home: str) -> Volunteer:
        """The volunteer of that name, or a new one with `count` plates. Raises `CannotRun` for a bad name."""
        if name and not NAME.fullmatch(name):
            raise CannotRun(f"{name!r} is no made-up name: use small letters, digits and dashes, such as bailu")
        if name in self.volunteers:
            return self.volunteers[name]
        name = name or self._new_name()
        taken = [plate for volunteer in self.volunteers.values() for plate in volunteer.plates]
        plates = made_up_plates(count, home, taken, random.Random(f"{name} {len(taken)}"))
        self.volunteers[name] = Volunteer(name, plates)
        self._write_plan()
        return self.volunteers[name]

    def keep(self, volunteer: Volunteer, number: int, plate: str, pcm: bytes, rate: int) -> Path:
        """Write one reading and its row; an earlier one of the same plate is replaced."""
        name = f"audio/{volunteer.name}-{number:02d}.wav"
        write_wav(self.folder / name, pcm, rate)
        row = dict(zip(COLUMNS, (name, spoken(plate), plate, volunteer.name, f"{len(pcm) / 2 / rate:.2f}")))
        self._write_rows([each for each in self._rows() if each["file"] != name] + [row])
        volunteer.done.add(plate)
        return self.folder / name

    def consented(self, volunteer: Volunteer, wording: str, answer: str, heard: bytes, asked: bytes, rate: int) -> None:
        """Keep a consent: its wording, the answer, and the recording (left the volunteer, right the question)."""
        consents = self._consents()
        entries = consents["volunteers"].setdefault(volunteer.name, [])
        name = f"consent/{volunteer.name}-{len(entries) + 1}.wav"
        write_wav(self.folder / name, interleave(heard, asked) if asked else heard, rate, 2 if asked else 1)
        entries.append({"consented": True, "at": _now(), "wording": wording, "answer": answer, "recording": name})
        self._write_json(CONSENT, consents)

    def refused(self) -> None:
        """Count somebody who did not consent; nothing else of them is kept."""
        consents = self._consents()
        consents["refused"] += 1
        self._write_json(CONSENT, consents)

    def drop_unread(self, volunteer: Volunteer) -> None:
        """Take a volunteer of whom nothing is recorded out of the plan, so that the name is free again."""
        if not volunteer.done and volunteer.name not in self._consents()["volunteers"]:
            self.volunteers.pop(volunteer.name, None)
            self._write_plan()

    def forget(self, name: str) -> int:
        """Delete everything of a volunteer who withdraws; returns how many recordings that were."""
        if name not in self.volunteers:
            raise CannotRun(f"{self.folder} has no volunteer {name}; ivr record {self.folder} lists them")
        consents, rows = self._consents(), self._rows()
        gone = [row["file"] for row in rows if row["speaker"] == name]
        files = gone + [entry["recording"] for entry in consents["volunteers"].pop(name, [])]
        self._write_rows([row for row in rows if row["speaker"] != name])
        self._write_json(CONSENT, consents)
        del self.volunteers[name]
        self._write_plan()
        for file in files:
            (self.folder / file).unlink(missing_ok=True)
        return len(gone)

    def _new_name(self) -> str:
        names = (bird if turn == 1 else f"{bird}-{turn}" for turn in range(1, 10**4) for bird in BIRDS)
        return next(name for name in names if name not in self.volunteers)

    def _consents(self) -> dict[str, Any]:
        return {"volunteers": {}, "refused": 0} | self._read_json(CONSENT, {})

    def _rows(self) -> list[dict[str, str]]:
        path = self.folder / TABLE
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        rows = [dict(zip(COLUMNS, line.split("\t"))) for line in lines]
        return [row for row in rows if len(row) == len(COLUMNS) and (self.folder / row["file"]).is_file()]

    def _write_rows(self, rows: list[dict[str, str]]) -> None:
        lines = ["\t".join(COLUMNS)] + ["\t".join(row[column] for column in COLUMNS) for row in rows]
        _write(self.folder / TABLE, "\n".join(lines) + "\n")

    def _write_plan(self) -> None:
        self._write_json(PLAN, {name: volunteer.plates for name, volunteer in self.volunteers.items()})

    def _read_json(self, name: str, default: Mapping[str, Any]) -> dict[str, Any]:
        path = self.folder / name
        try:
            content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else default
            return dict(content)
        except (ValueError, TypeError, OSError) as error:
            raise CannotRun(f"{path} is damaged ({error}); restore it, or record into another folder") from None

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        _write(self.folder / name, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def spoken(plate: str) -> str:
    """The plate as the prompt voice reads it: 赣K幺二三四五. Whoever reads it may say 一 for 幺."""
    return "".join(unit.text for unit in plate_units(plate, lambda _: False))


def write_wav(path: Path, pcm: bytes, rate: int, channels: int = 1) -> None:
    """Write 16-bit PCM so that the file is whole or not there. Raises `CannotRun` where the disk refuses."""
    part = path.with_suffix(".part")
    try:
        with wave.open(str(part), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(np.frombuffer(pcm, "<i2").tobytes())
        part.replace(path)
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}); free some space and go on") from None


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}); free some space and go on") from None


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
