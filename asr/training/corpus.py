"""Training examples as log-mel shards: speech of people and of synthetic voices, as over a telephone.

    python -m asr.training.corpus --speech DIR --tts DIR --out DIR --kind people --shards 12
    python -m asr.training.corpus --speech DIR --tts DIR --out DIR --kind tts --shards 12
    python -m asr.training.corpus --kit DIR --tts DIR --out DIR --kind kit --shards 2

One shard is 500 examples (`.npz`: mel float16 (frames, 80) of all, frames, units, unit counts).
A shard that is there is not made again.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import soundfile

from asr.ear import frontend
from asr.grammars.units import UNIT_IDS
from asr.training import augment, kit, people

PER_SHARD = 500
RATE = 16000
SETS = ("words_audio_cmn", "syllables_davinfifield", "syllables_gcin_v5", "sentences_aishell_s0150",
        "words_dspspeech20")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speech", type=Path, help="folder with train/")
    parser.add_argument("--kit", type=Path, action="append", default=[], help="folder of `ivr record`")
    parser.add_argument("--tts", type=Path, required=True, help="folder of asr.training.synthesize")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", choices=("people", "tts", "kit"), required=True)
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    if not {"people": options.speech, "tts": True, "kit": options.kit}[options.kind]:
        parser.error(f"--kind {options.kind} needs --{'speech' if options.kind == 'people' else 'kit'}")
    options.out.mkdir(parents=True, exist_ok=True)
    source = {"people": lambda: People(options.speech), "tts": lambda: Synthetic(options.tts),
              "kit": lambda: Kits(options.kit, options.tts)}[options.kind]()
    for number in range(options.first, options.first + options.shards):
        path = options.out / f"{options.kind}{number:03d}.npz"
        if not path.exists():
            write_shard(path, source, number)


def write_shard(path: Path, source, number: int) -> None:
    rng, noise_rng = random.Random(f"{path.stem}"), np.random.default_rng(number + 1)
    mels, units = [], []
    while len(mels) < PER_SHARD:
        samples, said = source.example(rng, PER_SHARD * number + len(mels))
        if rng.random() < .3 and said:
            samples = augment.faster(samples, rng.uniform(.85, 1.3))
        heard = augment.telephone(samples, noise_rng, source.babble)
        if len(heard) > 16 * RATE:
            continue
        mels.append(frontend.log_mel(heard).T.astype(np.float16))
        units.append([UNIT_IDS[unit] for unit in said])
    partial = path.with_name(f"partial-{path.name}")
    np.savez(partial, mels=np.concatenate(mels), frames=[len(mel) for mel in mels],
             units=np.array(sum(units, []), np.int32), counts=[len(each) for each in units])
    partial.rename(path)


class People:
    """Joined plates 28 %, digits 12 %, words 33 %, sentences 20 %, no speech 7 %."""

    def __init__(self, speech: Path):
        sets = {name: people.read(speech / "train" / f"{name}.tsv") for name in SETS}
        singles = [clip for name in SETS[:3] for clip in sets[name]]
        self._joiner = people.Joiner(singles)
        self._words = singles
        self._sentences = sets[SETS[3]] + sets[SETS[4]]

    def example(self, rng: random.Random, _number: int):
        kind = rng.random()
        if kind < .28:
            return self._joiner.plate(rng)
        if kind < .40:
            return self._joiner.digits(rng, rng.randint(3, 11))
        if kind < .73:
            samples, units = np.zeros(0), ()
            speaker = rng.choice(self._words).speaker
            while len(samples) < RATE * 2:
                clip = rng.choice(self._words)
                if clip.speaker == speaker:
                    piece = augment.faster(clip.samples, rng.uniform(.9, 1.6))
                    samples = people.join(samples, piece, rng)
                    units += clip.units
            return samples, units
        if kind < .93:
            clip = rng.choice(self._sentences)
            return clip.samples, clip.units
        return no_speech(rng), ()

    def babble(self, rng: np.random.Generator, count: int) -> np.ndarray:
        clips = [self._sentences[index] for index in rng.integers(0, len(self._sentences), 3)]
        return np.resize(np.concatenate([clip.samples for clip in clips]), count)


class Synthetic:
    """The spoken texts, each as often as it comes round."""

    def __init__(self, tts: Path):
        self._folder = tts
        self._rows = [json.loads(line) for path in sorted(tts.glob("shard*.jsonl"))
                      for line in path.read_text("utf-8").splitlines()]
        random.Random(7).shuffle(self._rows)

    def example(self, rng: random.Random, number: int):
        row = self._rows[number % len(self._rows)]
        samples = self._read(row)
        if rng.random() < .2:
            samples = paused(samples, rng)
        return samples, tuple(row["units"])

    def babble(self, rng: np.random.Generator, count: int) -> np.ndarray:
        rows = [self._rows[index] for index in rng.integers(0, len(self._rows), 3)]
        return np.resize(np.concatenate([self._read(row) for row in rows]), count)

    def _read(self, row: dict) -> np.ndarray:
        return soundfile.read(self._folder / row["file"], dtype="float32")[0]


class Kits:
    """A city's own readings, each as often as it comes round; other voices babble behind them."""

    def __init__(self, folders: list[Path], tts: Path):
        self._clips = [clip for folder in folders for clip in kit.read(folder)]
        self.babble = Synthetic(tts).babble

    def example(self, _rng: random.Random, number: int):
        clip = self._clips[number % len(self._clips)]
        return clip.samples, clip.units


def paused(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    """A pause of up to 0.8 s at the quietest spot of the middle, as between groups of signs."""
    step = RATE // 50
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    level = np.sqrt((frames ** 2).mean(axis=1))
    first, last = len(level) // 5, len(level) * 4 // 5
    if last - first < 5:
        return samples
    place = first + int(np.argmin(level[first:last]))
    if level[place] > .1 * level.max():
        return samples
    cut = place * step + step // 2
    return np.concatenate([samples[:cut], np.zeros(int(rng.uniform(.1, .8) * RATE)), samples[cut:]])


def no_speech(rng: random.Random) -> np.ndarray:
    """Silence, ring-back, busy tone, DTMF, a fax whistle."""
    time = np.arange(int(rng.uniform(1, 3.5) * RATE)) / RATE
    kind = rng.random()
    if kind < .25:
        return np.full(len(time), 1e-4) * np.random.default_rng(rng.randrange(1 << 30)).standard_normal(
            len(time))
    if kind < .5:
        period = rng.choice((5.0, .7))
        return np.sin(2 * np.pi * 450 * time) * ((time + rng.random()) % period < period / 2) * .3
    if kind < .8:
        low, high = rng.choice((697, 770, 852, 941)), rng.choice((1209, 1336, 1477))
        return (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)) * .2 * (
            (time + rng.random()) % .3 < .15)
    return np.sin(2 * np.pi * rng.choice((1100, 2100)) * time) * .3


if __name__ == "__main__":
    main()
