"""Hear a recording: WAV, FLAC, Ogg, AIFF, A-law or μ-law, at any rate."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.grammar import Grammar
from asr.recognizer import AsrError, Recognizer, Result

LINE_RATE = 8000
_RAW = {".al": "ALAW", ".alaw": "ALAW", ".ul": "ULAW", ".ulaw": "ULAW"}


def hear_file(path: Path | str, grammar: str | Grammar = "plate",
              recognizer: Recognizer | None = None) -> Result:
    """What was said in the recording, as a telephone would have carried it (8 kHz mono).

    ``grammar`` is a Grammar or the name of one in ``flows/grammars``. Raises AsrError for a file
    that is no recording, ModelMissing before set-up, GrammarError for a wrong grammar.
    """
    grammar = Grammar.load(grammar) if isinstance(grammar, str) else grammar
    stream = (recognizer or _embedded()).start(grammar, LINE_RATE)
    stream.feed(read_8k(Path(path)))
    return stream.finish()


def read_8k(path: Path) -> bytes:
    """A recording as 16-bit little endian mono at 8 kHz; several channels are averaged."""
    subtype = _RAW.get(path.suffix.lower())
    raw = {"samplerate": LINE_RATE, "channels": 1, "format": "RAW", "subtype": subtype}
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True,
                                       **(raw if subtype else {}))
    except (soundfile.LibsndfileError, OSError) as error:
        raise AsrError(f"{path} is not a recording that can be read: give a WAV, FLAC, Ogg or "
                       ".alaw file.") from error
    mono = soxr.resample(samples.mean(axis=1), rate, LINE_RATE)
    return (np.clip(mono, -1, 1) * 32767).astype("<i2").tobytes()


@functools.cache
def _embedded() -> Recognizer:
    from asr.engines.embedded import EmbeddedRecognizer
    return EmbeddedRecognizer()
