"""Callers of held-out voices, each of whom says one made-up plate several times.

    python -m asr.training.callers --out DIR --callers 400 --takes 3

Writes ``plates.tsv`` and the recordings into DIR, for ``ivr bench hear`` and ``ivr bench policy``.
A caller keeps voice, pace and ways of saying letters from take to take; the words are chosen anew.
Four plates of five are of one city (``--home``). Resumable: the same DIR goes on.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.training import speakable
from asr.training.kokoro import RATE, Kokoro
from asr.training.voices import HELD_OUT

HOME_SHARE = .8
HEADER = "file\tplate\tspeaker\tcaller\ttake"
PACES = (.85, 1.2)
"""The slowest and the quickest of callers, against the voice's own pace."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kokoro", type=Path, default=Path(".models/kokoro"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--callers", type=int, default=400)
    parser.add_argument("--takes", type=int, default=3)
    parser.add_argument("--home", default="赣K", help="province and letter of most plates")
    parser.add_argument("--shard", default="0/1", metavar="K/N", help="every N-th caller from K on: one process each")
    options = parser.parse_args()
    first, step = map(int, options.shard.split("/"))
    options.out.mkdir(parents=True, exist_ok=True)
    kokoro = Kokoro(options.kokoro, options.out)
    table = options.out / "plates.tsv"
    done = table.read_text("utf-8").splitlines()[1:] if table.exists() else []
    if not table.exists():
        table.write_text(HEADER + "\n", "utf-8")
    spoken = {line.partition("\t")[0] for line in done}
    for number in range(first, options.callers, step):
        for row in _caller(kokoro, number, options, spoken):
            with table.open("a", encoding="utf-8") as out:
                out.write("\t".join(map(str, row)) + "\n")


def _caller(kokoro: Kokoro, number: int, options, spoken: set[str]):
    """(file, plate, speaker, caller, take) of what is not among `spoken` yet."""
    rng = random.Random(f"caller/{options.home}/{number}")
    voice = HELD_OUT[number // 2 % len(HELD_OUT)]
    plate, manner = made_up_plate(rng, options.home), speakable.Manner(rng.choice((.15, .5, .85)))
    pace = rng.uniform(*PACES)
    for take in range(options.takes):
        file = f"c{number:05d}_{take}.flac"
        rng = random.Random(f"take/{options.home}/{number}/{take}")
        said = speakable.say_this_plate(rng, manner, plate)
        speed = pace * rng.uniform(.92, 1.06)
        if file in spoken:
            continue
        samples = soxr.resample(kokoro.speak(said.phonemes, kokoro.voices[voice], speed), RATE, 16000)
        soundfile.write(options.out / file, np.clip(samples, -1, 1), 16000, subtype="PCM_16")
        yield file, plate, voice, number, take


def made_up_plate(rng: random.Random, home: str) -> str:
    """As issued: at most two letters, one in four of new energy; most are of `home`."""
    serial = speakable.issued_serial(rng)
    if rng.random() < HOME_SHARE:
        return home + serial[1:]
    return rng.choice(list(speakable.PROVINCES)) + serial


if __name__ == "__main__":
    main()
