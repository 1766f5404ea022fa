"""What the tests' people say, spoken once by synthetic voices that are not the bot's."""

from pathlib import Path

import pytest

from hotline.demo.people import CALLERS, NO, OWNERS, WHERE, YES
from tts import caller_voice
from tts.audio import write_file
from tts.errors import TtsError

PLATE = "赣KD56789"
"""The plate that callers mean; any plate will do that the recognizer hears in `CALLER_VOICE`."""

CALLER_VOICE, OWNER_VOICE = "zm_yunxi", "zf_xiaoyi"
MOVED = "车已经挪走了。"
TEN_MINUTES = "大概十分钟。"


class Words:
    """Sentences as WAV files (8 kHz) in a folder; `words[sentence]` is the file."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._files: dict[str, Path] = {}

    def __getitem__(self, sentence: str) -> Path:
        return self._files[sentence]

    def speak(self, sentence: str, voice: str) -> None:
        """What has been spoken already stays in its first voice."""
        if sentence in self._files:
            return
        path = self._folder / f"{len(self._files)}.wav"
        write_file(path, caller_voice.say(sentence, voice))
        self._files[sentence] = path


def speak_all(folder: Path) -> Words:
    """Everything that callers and owners may say. Skips the test where no voice is installed."""
    words = Words(folder)
    try:
        for sentence in filter(None, {PLATE, YES, NO, MOVED, WHERE, *CALLERS.values()}):
            words.speak(sentence, CALLER_VOICE)
        for sentence in filter(None, {TEN_MINUTES, *OWNERS.values()}):
            words.speak(sentence, OWNER_VOICE)
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    return words
