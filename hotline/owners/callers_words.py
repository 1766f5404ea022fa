"""What callers said for the owner to hear (where the car stands), beside the recordings of their cases."""

from __future__ import annotations

import asyncio
import logging
import wave
from collections.abc import Iterable
from pathlib import Path

from tts.audio import write_file
from tts.words import Words

log = logging.getLogger(__name__)

MOST_KEPT = 500
"""Of the cases before these, the words come from the disk."""


def words_file(recordings: Path, case_id: str) -> Path:
    """Where the words of a case are: 8 kHz, 16 bit, mono. They go when the case's recordings go."""
    return recordings / f"{case_id}-words.wav"


class CallersWords:
    """By case. On disk for later attempts, after a restart too; a disk that refuses costs no call of now."""

    def __init__(self) -> None:
        self._kept: dict[str, Words] = {}

    async def keep(self, recordings: Path, case_id: str, words: Words) -> None:
        """Let the owner hear them from now on."""
        self._kept[case_id] = words
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        try:
            await asyncio.to_thread(write_file, words_file(recordings, case_id), words.pcm_8k)
        except (OSError, RuntimeError) as error:     # soundfile tells of a full disk by a RuntimeError
            log.error("words_not_kept", extra={"fields": {"case": case_id, "error": str(error), "mend": "check disk space and rights"}})

    async def forget(self, recordings: Path, case_id: str) -> None:
        """Let nobody hear them: they were said of another car."""
        self._kept.pop(case_id, None)
        try:
            await asyncio.to_thread(words_file(recordings, case_id).unlink, missing_ok=True)
        except OSError as error:
            log.error("words_not_forgotten", extra={"fields": {"case": case_id, "error": str(error), "mend": "check the rights of the folder"}})

    async def first_of(self, recordings: Path, case_ids: Iterable[str]) -> Words | None:
        """The words of the first of these cases in which somebody said any."""
        for case_id in case_ids:
            if words := self._kept.get(case_id) or await asyncio.to_thread(_read, words_file(recordings, case_id)):
                return words
        return None


def _read(path: Path) -> Words | None:
    try:
        with wave.open(str(path), "rb") as file:
            return Words(file.readframes(file.getnframes()))
    except FileNotFoundError:
        return None
    except (OSError, EOFError, wave.Error) as error:
        log.warning("words_not_read", extra={"fields": {"file": path.name, "error": str(error)}})
        return None
