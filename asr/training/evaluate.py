"""Measure the embedded recognizer on voices and people that it was not trained on.

    python -m asr.training.evaluate --held DIR --speech DIR [--fit] [--json FILE] [--card FILE]

``--held`` is a folder of asr.training.synthesize --held-out. With ``--fit`` temperature and rejection
threshold are fitted anew: each half of the held-out *voices* is measured with what was fitted on the
other half, and what was fitted on all of them is written to ``asr/models/decoding.json``.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import json
import random
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.ear.acoustic import AcousticModel
from asr.engines.embedded import SETTINGS, Settings, cost_per_unit, to_result
from asr.grammars.grammar import Grammar
from asr.line.effects import band_limit, coloured
from asr.line.simulation import in_the_street
from asr.measure.figures import calibration
from asr.search.decoder import decode
from asr.training import augment, people, truth

REGISTER = 1_000_000
MARKERS = ("<!-- figures -->", "<!-- end of figures -->")
FOLDS = (("zf_xiaoyi", "af_bella", "bf_emma", "jm_kumo"),
         ("zm_yunxi", "zm_yunyang", "am_michael", "ff_siwis"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--limit", type=int, help="of the held-out recordings")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--card", type=Path, help="a model card whose table is written anew")
    options = parser.parse_args()
    model = AcousticModel.load(options.encoder) if options.encoder else AcousticModel.load()
    base = Settings.load()
    heard = [Heard(case, model, base) for case in cases(options)]
    everything = fit(heard, base) if options.fit else base
    if options.fit:
        SETTINGS.write_text(json.dumps(everything.__dict__, indent=1) + "\n", "utf-8")
    counted = defaultdict(Count)
    for fold in (*FOLDS, ()):
        mine = [each for each in heard if each.voice in fold or
                not fold and not any(each.voice in voices for voices in FOLDS)]
        others = [each for each in heard if any(each.voice in voices for voices in FOLDS if voices != fold)]
        settings = fit(others, base) if options.fit and fold else everything
        for each in mine:
            counted[each.kind].add(each, settings)
    report = {kind: count.figures() for kind, count in counted.items()}
    for kind, figures in report.items():
        print(json.dumps({kind: figures}, ensure_ascii=False), flush=True)
    if options.card:
        write_card(options.card, report)
    if options.json:
        options.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")


def write_card(path: Path, report: dict) -> None:
    """Puts the figures between the card's markers."""
    columns = ("n", "top1", "top5", "top300", "in_register", "right_length", "rejected", "ece")
    table = ["| what | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for kind, figures in report.items():
        cells = (str(figures.get(column, "")) for column in columns)
        table.append(f"| {kind} | " + " | ".join(cells) + " |")
    before, _, rest = path.read_text("utf-8").partition(MARKERS[0])
    after = rest.partition(MARKERS[1])[2]
    path.write_text(before + MARKERS[0] + "\n" + "\n".join(table) + "\n" + MARKERS[1] + after, "utf-8")


def cases(options):
    """(kind, samples at 8 kHz, grammar, value or None, voice): None is to be rejected."""
    rng, noise = random.Random(5), np.random.default_rng(5)
    rows = [json.loads(line) for path in sorted(options.held.glob("shard*.jsonl"))
            for line in path.read_text("utf-8").splitlines()][: options.limit]
    for number, row in enumerate(rows):
        clean = soundfile.read(options.held / row["file"], dtype="float32")[0]
        for kind, grammar, value in truth.of(row):
            yield kind, line(clean), grammar, value, row["voice"]
            if kind == "voices: plate" and number % 2:
                yield f"{kind}, 10 dB street", line(in_the_street(clean, 10, noise)), grammar, value, row["voice"]
            elif kind == "voices: plate":
                lost = augment.lose(line(clean), 8000, noise, .05)
                yield f"{kind}, 5 % packets lost", lost.astype(np.float32), grammar, value, row["voice"]
    yield from people_cases(options.speech / "dev", rng)


def people_cases(dev: Path, rng: random.Random):
    for clip in people.read(dev / "digits_zhengyima.tsv"):
        value = truth.DIGIT_OF.get(clip.units[0])
        if value:
            yield "one man: digits", line(clip.samples), "digits(length=1)", value, clip.speaker
    joiner = people.Joiner(people.read(dev / "syllables_gcin_v3.tsv"))
    for _ in range(120):
        samples, units = joiner.digits(rng, 8)
        yield ("one man's syllables joined: 8 digits", line(samples), "digits(length=8)",
               "".join(truth.DIGIT_OF[unit] for unit in units), "gcin_v3")
    made = 0
    while made < 120:
        samples, units = joiner.plate(rng)
        plate = truth.plate_of(units)
        if plate:
            made += 1
            yield "one man's syllables joined: plate", line(samples), "plate", plate, "gcin_v3"
    for clip in people.read(dev / "sentences_aishell3.tsv"):
        for grammar in ("plate", "yes_no", "owner_answer"):
            yield "ten people: sentences to reject", line(clip.samples), grammar, None, "aishell3"
    for number in range(60):
        noise = coloured(np.random.default_rng(number), 32000, number % 12 / 10)
        grammar = ("plate", "yes_no", "owner_answer")[number % 3]
        yield "noise to reject", line(noise), grammar, None, "noise"


def line(samples: np.ndarray) -> np.ndarray:
    """16 kHz → 8 kHz through A-law at −22 dBFS, with a fifth of a second of quiet around it."""
    samples = np.pad(samples, 3200)
    narrow = soxr.resample(band_limit(samples), 16000, 8000)
    level = np.sqrt((narrow ** 2).mean()) + 1e-9
    return augment.a_law(np.clip(narrow / level * 10 ** (-22 / 20), -1, 1)).astype(np.float32)


@functools.cache
def grammar_of(name: str) -> Grammar:
    """Compiled once."""
    return Grammar.load(name)


class Heard:
    """One recording, decoded once: what any settings' temperature and threshold are judged by."""

    def __init__(self, case, model: AcousticModel, base: Settings):
        self.kind, samples, self.grammar_name, self.value, self.voice = case
        self._grammar = grammar_of(self.grammar_name)
        began = time.perf_counter()
        log_probs = model.log_probs(samples, 8000)
        encoded = time.perf_counter()
        self.decoded = decode(self._grammar.graph, log_probs, beam=base.beam, garbage=base.garbage)
        self.encode_ms = (encoded - began) * 1000
        self.decode_ms = (time.perf_counter() - encoded) * 1000

    def result(self, settings: Settings):
        return to_result(self.decoded, self._grammar, settings, 0, True)

    def whole_paths(self):
        return [path for path in self.decoded.paths if path.complete]


class Count:
    """Figures of one kind of recording."""

    def __init__(self):
        self._sums: dict[str, float] = defaultdict(float)
        self._calibration: list[tuple[float, bool]] = []
        self._voices: dict[str, list[bool]] = defaultdict(list)

    def add(self, heard: Heard, settings: Settings) -> None:
        result, sums, value = heard.result(settings), self._sums, heard.value
        sums["n"] += 1
        sums["encode_ms"] += heard.encode_ms
        sums["decode_ms"] += heard.decode_ms
        sums["rejected"] += result.rejected
        if value is None:
            return
        said = [hypothesis.value for hypothesis in result.hypotheses]
        rank = said.index(value) if value in said else 10 ** 6
        for top in (1, 5, 300):
            sums[f"top{top}"] += rank < top
        sums["accepted and right"] += rank == 0 and not result.rejected
        sums["accepted and wrong"] += rank > 0 and not result.rejected
        self._voices[heard.voice].append(rank == 0)
        if heard.grammar_name == "plate":
            sums["in_register"] += in_register(result, value)
            sums["right_length"] += bool(said) and len(said[0]) == len(value)
        if said:
            self._calibration.append((result.hypotheses[0].probability, rank == 0))

    def figures(self) -> dict:
        count = self._sums["n"]
        out = {key: round(value / count, 3) for key, value in self._sums.items() if key != "n"}
        sure = [right for probability, right in self._calibration if probability > .9]
        return {"n": int(count), **out, "ece": calibration(self._calibration).error,
                "above_0.9": len(sure),
                "right_above_0.9": round(float(np.mean(sure)), 3) if sure else None,
                "voices": {voice: [len(right), round(float(np.mean(right)), 3)]
                           for voice, right in sorted(self._voices.items())}}


def in_register(result, value: str) -> bool:
    """Is the likeliest plate of a register of a million, four fifths of one city, the right one."""
    register = truth.register(REGISTER)
    best = next((h.value for h in result.hypotheses if h.value in register or h.value == value), None)
    return best == value


def fit(heard: list[Heard], base: Settings) -> Settings:
    """Temperature and bonus by likelihood of the truth; rejection so that one true answer in forty is lost."""
    ranked, lost = [], []
    for each in heard:
        paths = each.whole_paths()
        if not paths or each.value is None:
            continue
        if paths[0].value == each.value:
            lost.append(cost_per_unit(each.decoded, paths[0].log_score))
        places = [i for i, path in enumerate(paths) if path.value == each.value]
        if places:
            scores, units = np.array([(path.log_score, len(path.steps)) for path in paths]).T
            ranked.append((scores, units, places[0]))

    def cost(choice):
        temperature, bonus = choice
        scaled = [((scores + bonus * units) / temperature, place) for scores, units, place in ranked]
        return -sum(each[place] - np.logaddexp.reduce(each) for each, place in scaled)
    temperature, bonus = min(itertools.product(np.geomspace(.5, 6, 40), np.arange(0, 6.1, .5)), key=cost)
    threshold = float(np.quantile(lost, .975)) + .05
    settings = dataclasses.replace(base, temperature=round(float(temperature), 3),
                                   reject_per_unit=round(threshold, 3), unit_bonus=float(bonus))
    print("fitted:", settings, flush=True)
    return settings


if __name__ == "__main__":
    main()
