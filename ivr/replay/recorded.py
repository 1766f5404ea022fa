"""A recording that a turn of a fixture plays, in every form that `ivr hear` reads."""

from pathlib import Path

import numpy as np

from asr.hear import read_recording
from tts import audio

LONGEST_S = 3600.0
"""No turn of a call lasts longer."""


def recorded(path: Path) -> np.ndarray:
    """The recording at 8 kHz, its channels averaged. Raises AsrError, in one sentence, where it cannot be read."""
    recording = read_recording(path, longest_s=LONGEST_S)
    return audio.to_telephone(recording.samples, recording.rate)
