"""Speak the training (or held-out) texts with Kokoro; resumable, one process per shard.

    python -m asr.training.synthesize --out DIR --count 6000 --shard 0
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.training import phrases, speakable
from asr.training.kokoro import RATE, SLOWEST, Kokoro
from asr.training.voices import HELD_OUT, UNINTELLIGIBLE

BEYOND = .06
"""How far a new voice may be outside of the mixtures: standard deviation of each voice's share."""
OWN = 1.2
"""How much a new voice may have of its own, at most: what no mixture of the others has, 1 for as much as a voice
that was left out of them (half to two thirds of what tells a voice from the mean)."""
QUICKEST = 1.4
"""The fastest that training texts are spoken."""
MIDDLE = 60
"""The row of a voice's table, one for each number of phonemes, at which voices are compared."""
MIXED = .2
"""A voice with no more of its own than this is itself a mixture."""
ANSWERS = phrases.listed(phrases.ANSWERS)
OTHERS = phrases.listed(phrases.OTHERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kokoro", type=Path, default=Path(".models/kokoro"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--held-out", action="store_true", help="the voices kept for measuring")
    parser.add_argument("--dense", action="store_true",
                        help="signs of plates alone, letters for the most part, each in a voice of its own")
    parser.add_argument("--answers", action="store_true", help="answers alone")
    parser.add_argument("--new-voices", action="store_true", help="the other texts in voices of their own, too")
    parser.add_argument("--sentences", type=Path, nargs="*", default=[],
                        help="TSV files whose `text` column is spoken too")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kokoro = Kokoro(options.kokoro, options.out)
    new_voices = NewVoices(kokoro) if options.dense or options.new_voices else None
    others = OTHERS + [text for path in options.sentences for text in texts_of(path)]
    manifest = options.out / f"shard{options.shard}.jsonl"
    done = len(manifest.read_text("utf-8").splitlines()) if manifest.exists() else 0
    for number in range(done, options.count):
        rng = random.Random(f"{'dense' if options.dense else options.held_out}/{options.shard}/{number}")
        entry = speak_one(kokoro, new_voices, rng, others, options, number)
        with manifest.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry, ensure_ascii=False) + "\n")


def texts_of(path: Path) -> list[str]:
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    column = rows[0].index("text")
    return [row[column] for row in rows[1:] if len(row[column]) > 2]


def speak_one(kokoro: Kokoro, new_voices: NewVoices | None, rng: random.Random, others: list[str], options,
              number: int) -> dict:
    name, style = new_voices.draw(rng) if new_voices else pick_voice(kokoro, rng, options.held_out)
    english = .5 if options.held_out else rng.choice((.05, .15, .5, .85, .95))
    habits = () if options.held_out else speakable.some_habits(rng)
    manner = speakable.Manner(english, habits, not options.held_out and rng.random() < .5)
    share, text = rng.random(), ""
    if options.dense:
        kind, spoken = "dense", speakable.say_dense(rng, manner)
    elif not options.answers and share < (.72 if options.held_out else .45):
        serial = speakable.issued_serial(rng) if options.held_out else ""
        kind, spoken = "plate", speakable.say_plate(rng, manner, serial)
    elif not options.answers and share < .83:
        kind, spoken = "piece", speakable.say_piece(rng, manner)
    else:
        kind = "answer" if options.answers or share < .93 else "other"
        text = rng.choice(ANSWERS if kind == "answer" else others)
        spoken = speakable.say_text(rng, text, habits)
    speed = rng.uniform(.85, 1.25) if options.held_out else rng.uniform(SLOWEST, QUICKEST)
    samples = kokoro.speak(spoken.phonemes, style, speed)
    path = options.out / f"s{options.shard}_{number:05d}.flac"
    samples = soxr.resample(samples, RATE, 16000)
    soundfile.write(path, np.clip(samples, -1, 1), 16000, subtype="PCM_16")
    return {"file": path.name, "kind": kind, "units": spoken.units, "voice": name,
            "text": text, "phonemes": spoken.phonemes}


def pick_voice(kokoro: Kokoro, rng: random.Random, held_out: bool) -> tuple[str, np.ndarray]:
    if held_out:
        name = rng.choice([voice for voice in HELD_OUT if voice in kokoro.voices])
        return name, kokoro.voices[name]
    allowed = [voice for voice in kokoro.voices if voice not in HELD_OUT + UNINTELLIGIBLE]
    mandarin = [voice for voice in allowed if voice.startswith("z")]
    first = rng.choice(mandarin if rng.random() < .5 else allowed)
    if rng.random() < .3:
        return first, kokoro.voices[first]
    second, share = rng.choice(allowed), rng.uniform(.25, 1.15)
    return f"{first}*{share:.2f}+{second}", (
        kokoro.voices[first] * share + kokoro.voices[second] * (1 - share))


class NewVoices:
    """People between and beyond the voices that are trained on: timbre and way of speaking apart."""

    def __init__(self, kokoro: Kokoro):
        names = [voice for voice in kokoro.voices if voice not in HELD_OUT + UNINTELLIGIBLE]
        tables = np.stack([kokoro.voices[name] for name in names])
        self._count, self._parts = len(names), (tables[..., :128], tables[..., 128:])
        self._spreads = [spread_left_out(part[:, MIDDLE]) for part in self._parts]

    def draw(self, rng: random.Random) -> tuple[str, np.ndarray]:
        """Somebody's name and style table."""
        halves, own = [], rng.uniform(0, OWN)
        for part, spread in zip(self._parts, self._spreads, strict=True):
            shares = np.zeros(self._count)
            for voice in rng.sample(range(self._count), 2):
                shares[voice] = rng.random()
            shares /= shares.sum()
            beyond = np.array([rng.gauss(0, BEYOND) for _ in range(self._count)])
            traits = own * spread * [rng.gauss(0, 1) for _ in range(part.shape[-1])]
            halves.append(np.tensordot(shares + beyond - beyond.mean(), part, 1) + traits)
        return f"new{rng.randrange(1 << 30)}", np.concatenate(halves, axis=-1).astype(np.float32)


def spread_left_out(voices: np.ndarray) -> np.ndarray:
    """(voices, width) → (width,): the standard deviation of what each has that no mixture of the others has."""
    left = []
    for place, voice in enumerate(voices):
        others = np.delete(voices, place, 0)
        mixtures, _ = np.linalg.qr((others - others.mean(0)).T[:, :-1])
        own = voice - others.mean(0)
        left.append(own - mixtures @ (mixtures.T @ own))
    return np.std([each for each in left if np.linalg.norm(each) > MIXED], axis=0)


if __name__ == "__main__":
    main()
