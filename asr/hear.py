"""Hear a recording: WAV, FLAC, Ogg, AIFF, A-law or μ-law, at any rate."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from asr.grammars.grammar import Grammar
from asr.listening.recent_pcm import LONGEST_S
from asr.recognizer import AsrError, Recognizer, Result

LINE_RATE = 8000
SILENT = 1e-3                      # of full scale: −60 dBFS; the recognizer hears nothing in it
CLIPPED_SHARE = 0.01               # of samples at full scale
_RAW = {".al": "ALAW", ".alaw": "ALAW", ".ul": "ULAW", ".ulaw": "ULAW"}
_RATES = (1000, 384_000)
_MOST_CHANNELS = 8
_BLOCK = 256                        # frames; of a torn FLAC, a block that reaches beyond the tear is lost


@dataclass(frozen=True)
class Recording:
    """A stretch of a recording: float32 mono in −1…1 at ``rate`` Hz.

    ``seconds`` is the length of the whole recording; ``notes`` say in a sentence each what a listener
    should know of it (cut, clipped, silent, torn).
    """

    samples: np.ndarray
    rate: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def heard_s(self) -> float:
        return len(self.samples) / self.rate

    def pcm(self, rate: int = LINE_RATE) -> bytes:
        """16-bit little endian mono at ``rate`` Hz."""
        mono = soxr.resample(self.samples, self.rate, rate)
        return (np.clip(mono, -1, 1) * 32767).astype("<i2").tobytes()


def hear_file(path: Path | str, grammar: str | Grammar = "plate",
              recognizer: Recognizer | None = None) -> Result:
    """What was said in the recording, as a telephone would have carried it (8 kHz mono).

    ``grammar`` is a Grammar or the name of one in ``flows/grammars``; free speech is written down by
    another engine than what a grammar tells. Raises AsrError for a file that is no recording,
    ModelMissing before set-up, GrammarError for a wrong grammar.
    """
    grammar = Grammar.load(grammar) if isinstance(grammar, str) else grammar
    return hear(read_recording(Path(path)), grammar, recognizer)


def hear(recording: Recording, grammar: Grammar, recognizer: Recognizer | None = None) -> Result:
    """What was said in a recording that is read already; raises as ``hear_file``.

    The embedded engine hears no free speech: where it was to, Whisper does.
    """
    if recognizer is None or grammar.free and recognizer.capabilities.name == "embedded":
        recognizer = recognizer_for(grammar)
    stream = recognizer.start(grammar, LINE_RATE)
    stream.feed(recording.pcm())
    return stream.finish()


def read_8k(path: Path) -> bytes:
    """The first 25 s of a recording as 16-bit little endian mono at 8 kHz."""
    return read_recording(path).pcm()


def read_recording(path: Path, start_s: float = 0.0, longest_s: float = LONGEST_S) -> Recording:
    """At most ``longest_s`` of a recording from ``start_s`` on; several channels are averaged.

    Never reads more than that, however long the file is. Raises AsrError, in one sentence, for what
    is no recording, is empty, ends before ``start_s`` or holds values that are no numbers.
    """
    if not path.is_file():
        raise AsrError(f"{path} is not there, or is no file: name a recording.")
    if not path.stat().st_size:
        raise AsrError(f"{path} is empty (0 bytes): copy the recording again.")
    try:
        with path.open("rb") as file:
            return read_sound(file, str(path), start_s, longest_s)
    except OSError as error:
        raise AsrError(f"{path} cannot be read ({error.strerror or error}): check its rights.") from error


def read_sound(file: BinaryIO, name: str, start_s: float = 0.0,
               longest_s: float = LONGEST_S) -> Recording:
    """As ``read_recording``, of an open file; ``name`` is for messages and its suffix for raw audio."""
    subtype = _RAW.get(Path(name).suffix.lower())
    raw = {"samplerate": LINE_RATE, "channels": 1, "format": "RAW", "subtype": subtype}
    try:
        with soundfile.SoundFile(file, **(raw if subtype else {})) as sound:
            _check_shape(sound, name)
            seconds = sound.frames / sound.samplerate
            first = int(start_s * sound.samplerate)
            if first and first >= sound.frames:
                raise AsrError(f"{name} is {seconds:.1f} s long: start before its end.")
            if first:
                _skip(sound, first)
            samples, torn = _as_far_as_it_goes(sound, int(longest_s * sound.samplerate))
            if torn and sound.format != "WAV":        # a WAV's length is counted; others' was written down before
                seconds = (first + len(samples)) / sound.samplerate
            rate = sound.samplerate
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:   # TypeError: by its suffix raw
        raise AsrError(f"{name} is not a recording that can be read: give a WAV, FLAC, Ogg or "
                       ".alaw file.") from error
    if not len(samples):
        raise AsrError(f"{name} holds no sound: it ends where the sound should begin.")
    mono, notes = _mono(samples, name)
    if torn:
        notes.insert(0, f"the file is torn: {seconds:.1f} s of it are there")
    if first or seconds > longest_s:
        end = start_s + len(mono) / rate
        notes.insert(0, f"heard from {round(start_s, 1):g} s to {round(end, 1):g} s of {round(seconds, 1):g} s")
    return Recording(mono, rate, seconds, tuple(notes))


def _as_far_as_it_goes(sound: soundfile.SoundFile, frames: int) -> tuple[np.ndarray, bool]:
    """Up to so many frames (frames, channels), and whether the file is torn: read bit by bit, for where a
    FLAC is torn all of what was asked for at once is refused. Raises SoundFileError where nothing can be read."""
    torn = "should be" in sound.extra_info and sound.format == "WAV"
    read = [np.zeros((0, sound.channels), np.float32)]
    while frames > 0:
        try:
            block = sound.read(min(frames, _BLOCK), "float32", always_2d=True)
        except soundfile.SoundFileError:
            if len(read) == 1:
                raise
            return np.concatenate(read), True
        if not len(block):
            break
        read.append(block)
        frames -= len(block)
    return np.concatenate(read), torn


def _skip(sound: soundfile.SoundFile, frames: int) -> None:
    """To where so many frames have gone by; GSM, which call recorders like, can be read but not sought in."""
    try:
        sound.seek(frames)
    except (soundfile.SoundFileError, RuntimeError):
        while frames > 0 and len(passed := sound.read(min(frames, sound.samplerate * 60))):
            frames -= len(passed)


def _check_shape(sound: soundfile.SoundFile, name: str) -> None:
    if not _RATES[0] <= sound.samplerate <= _RATES[1]:
        raise AsrError(f"{name} has {sound.samplerate} samples a second: give one of 8000 to 48000.")
    if sound.channels > _MOST_CHANNELS:
        raise AsrError(f"{name} has {sound.channels} channels: give one or two.")


def _mono(samples: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    """The channels' mean, held within −1…1, and what is to be said of it."""
    if not np.isfinite(samples).all():
        raise AsrError(f"{name} holds values that are no numbers (NaN or infinite): "
                       "export it again as 16-bit WAV.")
    peak = float(np.abs(samples).max())
    if peak < SILENT:
        return samples.mean(axis=1), ["silence: there is no sound in it"]
    if np.abs(samples.mean(axis=1)).max() < SILENT:
        return samples[:, 0], ["its channels cancel each other: the first alone was heard"]
    if peak > 1.0:
        return (samples / peak).mean(axis=1), ["louder than full scale: its level was lowered"]
    if (np.abs(samples) > 0.999).mean() > CLIPPED_SHARE:
        return samples.mean(axis=1), ["clipped: it was recorded too loud"]
    return samples.mean(axis=1), []


def recognizer_for(grammar: Grammar) -> Recognizer:
    """The product's own engine for a grammar: Whisper where anything may be said, else the embedded one."""
    return whisper() if grammar.free else embedded()


@functools.cache
def embedded() -> Recognizer:
    """The product's own recognizer, loaded once a process."""
    from asr.engines.embedded import EmbeddedRecognizer
    return EmbeddedRecognizer()


@functools.cache
def whisper() -> Recognizer:
    """The writer of free speech, loaded once a process."""
    from asr.engines.whisper import WhisperRecognizer
    return WhisperRecognizer()
