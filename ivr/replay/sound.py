"""What is heard of a person: their words, and what the line adds to them. PCM 8 kHz, A-law's values."""

import functools
import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import soundfile

from asr.line.effects import coded, coloured, swell
from ivr.call import FRAME_MS
from ivr.replay.fixture import Fixture, LineSound, Script, Turn
from ivr.replay.recorded import recorded
from tts import audio, caller_voice

FRAME = 8 * FRAME_MS
LOOP_S = 20
"""Noise repeats after this long."""
COUGH_DBFS = -14.0
KEPT_COMPRESSION = 0.97
"""Of libsndfile's Opus: about 14 kbit/s, at which a telephone voice loses nothing that is heard."""


def turn_pcm(turn: Turn, script: Script, fixture: Fixture) -> bytes:
    """What a turn sounds like at the mouthpiece. A new text takes the voice as long as it lasts.

    Raises TtsError, AsrError for what cannot be said or read.
    """
    if turn.audio:
        samples = recorded(turn.audio)
    elif turn.sound_ms:
        samples = _cough(turn.sound_ms, seed(fixture.name, turn.number))
    else:
        samples = audio.from_pcm(b"".join(_said(part, turn, script, fixture) for part in turn.says))
    return audio.to_pcm(samples * 10 ** (turn.db / 20))


def _said(part: str | int, turn: Turn, script: Script, fixture: Fixture) -> bytes:
    if isinstance(part, int):
        return audio.silence(part)
    kept = kept_path(part, turn, script, fixture)
    if kept.is_file():
        return audio.to_pcm(audio.read_file(kept))
    return _spoken(part, turn, script, fixture)


def _spoken(part: str, turn: Turn, script: Script, fixture: Fixture) -> bytes:
    return caller_voice.say(part, turn.voice or script.voice, fixture.letters, fixture.yao, turn.speed)


def keep_speech(fixture: Fixture) -> int:
    """Write what is said in a fixture beside it, so that no voice is needed to replay it; how many are new.

    Raises TtsError, OSError.
    """
    new = 0
    for script in fixture.scripts:
        for turn in script.turns:
            for part in turn.says:
                if isinstance(part, int) or (path := kept_path(part, turn, script, fixture)).is_file():
                    continue
                path.parent.mkdir(exist_ok=True)
                samples = audio.from_pcm(_spoken(part, turn, script, fixture))
                soundfile.write(path, samples, audio.TELEPHONE_HZ, format="OGG", subtype="OPUS",
                                compression_level=KEPT_COMPRESSION)
                new += 1
    return new


def kept_path(part: str, turn: Turn, script: Script, fixture: Fixture) -> Path:
    """Where a saying is kept: in `spoken` beside the fixtures, named by what is said and how."""
    said = [part, turn.voice or script.voice, fixture.letters, fixture.yao, turn.speed]
    name = hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:16]
    return fixture.folder.parent / "spoken" / f"{name}.ogg"


def _cough(length_ms: int, number: int) -> np.ndarray:
    """A burst of noise that dies away."""
    count = 8 * length_ms
    burst = coloured(np.random.default_rng(number), count, 0.4) * np.exp(-3 * np.arange(count) / count)
    return burst / (np.sqrt(np.mean(burst**2)) + 1e-9) * 10 ** (COUGH_DBFS / 20)


def seed(*names: object) -> int:
    """A number that is the same for the same names, on every machine."""
    return zlib.crc32(repr(names).encode())


class Mouthpiece:
    """Mixes what a person says with what their line adds, frame by frame."""

    def __init__(self, line: LineSound, number: int) -> None:
        self._line, self._rng = line, np.random.default_rng(number)
        self._loop = _surroundings(line, number)
        self._echoes: list[np.ndarray] = []
        self._saying: list[tuple[np.ndarray, int]] = []
        self._last = np.zeros(FRAME, np.float32)
        self._at = 0

    def say(self, pcm: bytes) -> None:
        """Begin to say this with the next frame, beside what is being said."""
        self._saying.append((audio.from_pcm(pcm), 0))

    @property
    def busy(self) -> bool:
        """Whether something is being said."""
        return bool(self._saying)

    def frame(self, sent: bytes) -> bytes:
        """The next 320 bytes that the bot receives, while it sends `sent`."""
        if self._still:
            self._at += FRAME
            return _quiet()
        mixed = self._words()
        if self._loop is not None:
            start = self._at % (len(self._loop) - FRAME)
            mixed = mixed + self._loop[start: start + FRAME]
        if self._line.echo_db is not None:
            mixed = mixed + self._echo(sent)
        if self._line.lost and self._rng.random() < self._line.lost / 100:
            mixed = self._last * 0.6
        self._at += FRAME
        self._last = mixed
        return a_law(mixed)

    @property
    def _still(self) -> bool:
        """Whether nothing is said, and nothing is on the line either."""
        return not self._saying and self._loop is None and self._line.echo_db is None and not self._line.lost

    def _words(self) -> np.ndarray:
        mixed, left = np.zeros(FRAME, np.float32), []
        for samples, at in self._saying:
            piece = samples[at: at + FRAME]
            mixed[: len(piece)] += piece
            if at + FRAME < len(samples):
                left.append((samples, at + FRAME))
        self._saying = left
        return mixed

    def _echo(self, sent: bytes) -> np.ndarray:
        self._echoes.append(audio.from_pcm(sent) * 10 ** (self._line.echo_db / 20))
        late = self._line.echo_ms // FRAME_MS
        return self._echoes.pop(0) if len(self._echoes) > late else np.zeros(FRAME, np.float32)


def _surroundings(line: LineSound, number: int) -> np.ndarray | None:
    """Noise and the voice in the background, to be repeated; None for a quiet room."""
    rng, count = np.random.default_rng(number), LOOP_S * audio.TELEPHONE_HZ
    sounds = np.zeros(count)
    if line.noise:
        noise = coloured(rng, count, 0.5) * swell(rng, count) if line.noise == "street" else coloured(rng, count, 0.0)
        sounds += _at_level(noise, line.noise_db)
    if line.behind:
        voice = audio.from_pcm(caller_voice.say(line.behind, line.behind_voice))
        sounds += _at_level(np.resize(voice, count), line.behind_db)
    return audio.telephone_band(sounds.astype(np.float32)) if line.noise or line.behind else None


def _at_level(samples: np.ndarray, dbfs: float) -> np.ndarray:
    return samples / (np.sqrt(np.mean(samples**2)) + 1e-9) * 10 ** (dbfs / 20)


def a_law(samples: np.ndarray) -> bytes:
    """As a G.711 A-law line carries it."""
    return _table()[np.clip(samples * 32767, -32768, 32767).astype(np.int32) + 32768].tobytes()


@functools.cache
def _quiet() -> bytes:
    return a_law(np.zeros(FRAME, np.float32))


@functools.cache
def _table() -> np.ndarray:
    every = np.arange(-32768, 32768)
    return np.round(coded(every / 32768, "ALAW") * 32768).astype("<i2")
