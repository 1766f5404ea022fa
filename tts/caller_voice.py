"""What simulated callers and owners say: other voices than the bot's, over a handset's band.

Used by the demo and the tests; what was said once is kept under `var/caller_voice`.
"""

import hashlib
import json
import os
from pathlib import Path

from tts import audio
from tts.kokoro import Kokoro, telephone_pcm
from tts.phonemes import Letters, phonemes

CACHE = Path(__file__).resolve().parent.parent / "var" / "caller_voice"
CACHE_VERSION = 2

_kokoro = Kokoro()


def say(
    text: str, voice: str = "zm_yunxi", letters: Letters = "english", yao: bool = True,
    speed: float = 1.0, cache: Path = CACHE,
) -> bytes:  # fmt: skip
    """A text or a plate as 8 kHz PCM through 300–3400 Hz, speech at −20 dBFS.

    `voice` is a Kokoro voice or a blend, `letters` whose letter names are used, `yao`
    whether 1 is 幺 or 一. Blocks for the length of the speech the first time, a millisecond
    after. Raises UnreadableText, UnknownVoice or VoiceFilesMissing.
    """
    return say_phonemes(phonemes(text, letters, yao), voice, speed, cache)


def say_phonemes(spoken: str, voice: str, speed: float = 1.0, cache: Path = CACHE) -> bytes:
    """As `say`, of Kokoro's phonemes: another language, or a word that no text has."""
    path = _cached(spoken, voice, speed, cache)
    if path.is_file():
        return audio.to_pcm(audio.read_file(path))
    sound = telephone_pcm(_kokoro.synthesize(spoken, voice, speed))
    pcm = audio.to_pcm(audio.level(audio.telephone_band(audio.from_pcm(sound)), audio.TELEPHONE_HZ))
    part = path.with_name(f"{path.stem}.{os.getpid()}.flac")
    audio.write_file(part, pcm)
    part.replace(path)
    return pcm


def _cached(spoken: str, voice: str, speed: float, cache: Path) -> Path:
    """Where such a saying is kept: named by everything that shapes it."""
    said = [CACHE_VERSION, spoken, voice, speed]
    name = hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:16]
    return cache / f"{name}.flac"
