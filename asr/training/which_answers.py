"""Answers to 第五位，是E，还是幺？ in held-out voices: one of two characters that sound alike.

    python -m asr.training.which_answers --out DIR --answers 240

Writes ``answers.tsv`` and the recordings into DIR, for ``ivr bench hear`` (each row names its grammar), whose results
``ivr bench policy --answers`` takes. Resumable: the same DIR goes on.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.training.kokoro import RATE, Kokoro
from asr.training.speakable import Manner, say_which
from asr.training.voices import HELD_OUT

ALIKE = ("BDEPTV", "17", "2R", "69", "A8", "8H", "AH", "NM", "FS", "1E", "CZ", "ZV", "7T", "DG", "GT", "KJ", "SX", "U6", "UV", "VY", "0R", "23", "59", "LN", "1L", "4S", "QU")
"""Characters of each group are asked for in pairs."""
HEADER = "file\tvalue\tspeaker\tgrammar"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kokoro", type=Path, default=Path(".models/kokoro"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--answers", type=int, default=240)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table, kokoro = options.out / "answers.tsv", Kokoro(options.kokoro, options.out)
    if not table.exists():
        table.write_text(HEADER + "\n", "utf-8")
    spoken = {line.partition("\t")[0] for line in table.read_text("utf-8").splitlines()}
    for number in range(options.answers):
        file, rng = f"w{number:05d}.flac", random.Random(f"which/{number}")
        if file in spoken:
            continue
        voice, (one, other) = HELD_OUT[number % len(HELD_OUT)], rng.sample(rng.choice(ALIKE), 2)
        meant = rng.choice((one, other))
        said = say_which(rng, Manner(rng.choice((.15, .5, .85))), meant)
        samples = soxr.resample(kokoro.speak(said.phonemes, kokoro.voices[voice], rng.uniform(.85, 1.15)), RATE, 16000)
        soundfile.write(options.out / file, np.clip(samples, -1, 1), 16000, subtype="PCM_16")
        with table.open("a", encoding="utf-8") as out:
            out.write(f"{file}\t{meant}\t{voice}\twhich(one={one};other={other})\n")


if __name__ == "__main__":
    main()
