"""Speaks the demo's people with synthetic voices that are not the bot's, to telephone recordings."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tts.audio import write_file
from tts.caller_voice import say

SEAT_VOICE = "zf_xiaobei"


def speak_lines(
    lines: Mapping[str, set[str]], caller_voice: str, owner_voice: str, folder: Path, console: Console
) -> dict[str, dict[str, Path]]:
    """A WAV (8 kHz) for every line of every person; what was spoken before is kept.

    Raises `TtsError` if a voice is unknown or its files are missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    voices = {"caller": caller_voice, "owner": owner_voice, "seat": SEAT_VOICE}
    wanted = [(who, text) for who, texts in lines.items() for text in sorted(texts)]
    spoken: dict[str, dict[str, Path]] = {who: {} for who in lines}
    for who, text in track(wanted, "speaking the people's lines", console=console, transient=True):
        voice = voices[who]
        path = folder / f"{voice}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.wav"
        if not path.exists():
            _write(path, say(text, voice))
        spoken[who][text] = path
    return spoken


def _write(path: Path, pcm_8k: bytes) -> None:
    unfinished = path.with_suffix(".part.wav")
    write_file(unfinished, pcm_8k)
    unfinished.replace(path)
