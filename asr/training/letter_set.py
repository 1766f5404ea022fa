"""People's letters, each said alone, as a folder that ``ivr bench hear`` takes.

    python -m asr.training.letter_set --out DIR allison=sounds/en_US_f_Allison/letters en=klettres/en/alpha

A speaker's folder holds ``a.wav`` … ``z.wav`` (or .ogg, .flac; I and O are on no plate and are let be). Debian's
packages ``asterisk-core-sounds-en-wav`` and ``klettres-data`` bring such folders (``dpkg -x``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.training.trim import trim

RATE = 16000
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
GRAMMAR = f"choice({';'.join(f'{letter}={letter}' for letter in LETTERS)})"
"""One of the letters and nothing else, said in any way that grammars know."""
_FLOOR_DB, _KEEP_S = -30.0, .06
"""Children's games were recorded in rooms that hum: what is so much quieter than the letter is not of it."""
_SILENCE = np.zeros(int(.3 * RATE), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("speakers", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = ["file\tvalue\tspeaker\tgrammar"]
    for given in options.speakers:
        speaker, _, folder = given.partition("=")
        for letter, recording in recordings(Path(folder)):
            file = f"{speaker}-{letter}.flac"
            soundfile.write(options.out / file, alone(recording), RATE, subtype="PCM_16")
            rows.append(f"{file}\t{letter}\t{speaker}\t{GRAMMAR}")
    (options.out / "letters.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    print(f"letters: {len(rows) - 1}")


def recordings(folder: Path) -> list[tuple[str, Path]]:
    """The folder's letters in their order; those that it lacks are left out."""
    found = {path.stem.upper(): path for path in sorted(folder.iterdir())
             if path.suffix in (".wav", ".ogg", ".flac")}
    return [(letter, found[letter]) for letter in LETTERS if letter in found]


def alone(recording: Path) -> np.ndarray:
    """The letter at 16 kHz with silence around it, as a turn brings it; peak at −10 dBFS."""
    samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
    said = trim(soxr.resample(samples.mean(1), rate, RATE).astype(np.float32), RATE, _FLOOR_DB, _KEEP_S)
    return np.concatenate([_SILENCE, said * .316 / (np.abs(said).max() + 1e-9), _SILENCE])


if __name__ == "__main__":
    main()
