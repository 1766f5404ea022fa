"""Measure the embedded recognizer on voices and people that it was not trained on.

    python -m asr.training.evaluate --held DIR --speech DIR [--fit] [--json FILE]

``--held`` is a folder of asr.training.synthesize --held-out. With ``--fit`` the temperature, the
rejection threshold and the rest are chosen on one half of the held-out *voices*' recordings and
written to ``asr/models/decoding.json``; every figure printed is of the other half.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.acoustic import AcousticModel
from asr.decoder import decode
from asr.engines.embedded import SETTINGS, Settings, cost_per_unit, to_result
from asr.grammar import Grammar
from asr.training import augment, people, truth

REGISTER = 5000
MARKERS = ("<!-- figures -->", "<!-- end of figures -->")
FIT_VOICES = ("zf_xiaoyi", "af_bella", "bf_emma", "jm_kumo")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--card", type=Path, help="a model card whose table is written anew")
    options = parser.parse_args()
    model = AcousticModel.load(options.encoder) if options.encoder else AcousticModel.load()
    heard = [(*case, model.log_probs(case[1], 8000)) for case in cases(options)]
    fit_on = [case for case in heard if case[4] in FIT_VOICES]
    rest = [case for case in heard if case[4] not in FIT_VOICES]
    settings = fit(fit_on) if options.fit else Settings.load()
    report = {}
    for kind in dict.fromkeys(case[0] for case in rest):
        report[kind] = measure([case for case in rest if case[0] == kind], settings)
        print(json.dumps({kind: report[kind]}, ensure_ascii=False), flush=True)
    if options.card:
        write_card(options.card, report)
    if options.json:
        options.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")


def write_card(path: Path, report: dict) -> None:
    """Puts the figures between the card's markers."""
    columns = ("n", "top1", "top5", "top300", "in_register", "rejected")
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
            for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        clean = soundfile.read(options.held / row["file"], dtype="float32")[0]
        for kind, grammar, value in truth.of(row):
            yield kind, line(clean), grammar, value, row["voice"]
            if kind == "voices: plate":
                noisy = augment.pad(clean, noise)
                other = soundfile.read(options.held / rng.choice(rows)["file"], dtype="float32")[0]
                hiss = np.resize(other, len(noisy)) + augment.coloured(noise, len(noisy), .8) * .1
                hiss *= np.sqrt((clean ** 2).mean() / (hiss ** 2).mean()) * 10 ** (-15 / 20)
                yield "voices: plate, 15 dB noise", line(noisy + hiss), grammar, value, row["voice"]
    yield from people_cases(options.speech / "dev", rng)


def people_cases(dev: Path, rng: random.Random):
    digits = Grammar("digit", {"start": "digit", "rules": Grammar.load("plate")._document["rules"]})
    for clip in people.read(dev / "digits_zhengyima.tsv"):
        value = truth.DIGIT_OF.get(clip.units[0])
        if value:
            yield "one man: digits", line(clip.samples), digits, value, clip.speaker
    joiner = people.Joiner(people.read(dev / "syllables_gcin_v3.tsv"))
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
        noise = augment.coloured(np.random.default_rng(number), 32000, number % 12 / 10)
        grammar = ("plate", "yes_no", "owner_answer")[number % 3]
        yield "noise to reject", line(noise), grammar, None, "noise"


def line(samples: np.ndarray) -> np.ndarray:
    """16 kHz → 8 kHz through A-law at −22 dBFS, with a fifth of a second of quiet around it."""
    samples = np.pad(samples, 3200)
    narrow = soxr.resample(augment.band_limit(samples, None, 0), 16000, 8000)
    level = np.sqrt((narrow ** 2).mean()) + 1e-9
    return augment.a_law(np.clip(narrow / level * 10 ** (-22 / 20), -1, 1)).astype(np.float32)


_GRAMMARS: dict[str, Grammar] = {}


def grammar_of(name) -> Grammar:
    if isinstance(name, Grammar):
        return name
    return _GRAMMARS.setdefault(name, Grammar.load(name))


def measure(group, settings: Settings) -> dict:
    counts: dict[str, float] = defaultdict(float)
    calibration = []
    for _, samples, name, value, _, log_probs in group:
        began = time.perf_counter()
        grammar = grammar_of(name)
        decoded = decode(grammar.graph, log_probs, beam=settings.beam, garbage=settings.garbage)
        result = to_result(decoded, grammar, settings, 0, True)
        counts["decode_ms"] += (time.perf_counter() - began) * 1000
        counts["n"] += 1
        counts["rejected"] += result.rejected
        if value is None:
            continue
        said = [hypothesis.value for hypothesis in result.hypotheses]
        rank = said.index(value) if value in said else 10 ** 6
        for top in (1, 5, 300):
            counts[f"top{top}"] += rank < top
        counts["accepted and right"] += rank == 0 and not result.rejected
        counts["accepted and wrong"] += rank > 0 and not result.rejected
        if name == "plate":
            counts["in_register"] += in_register(result, value)
        if result.hypotheses:
            calibration.append((result.hypotheses[0].probability, rank == 0))
    out = {key: round(value / counts["n"], 3) for key, value in counts.items() if key != "n"}
    sure = [right for probability, right in calibration if probability > .9]
    return {"n": int(counts["n"]), **out, "above_0.9": len(sure),
            "right_above_0.9": round(float(np.mean(sure)), 3) if sure else None}


def in_register(result, value: str) -> bool:
    """Is the likeliest of a 5,000-plate register (the plate, and 4,999 like it by the grammar) it."""
    register = truth.register(REGISTER) | {value}
    best = next((h.value for h in result.hypotheses if h.value in register), None)
    return best == value


def fit(group) -> Settings:
    """Temperature by likelihood of the truth; rejection so that 2 % of true answers are lost."""
    ranked, lost = [], []
    base = Settings()
    for _, _, name, value, _, log_probs in group:
        decoded = decode(grammar_of(name).graph, log_probs, beam=base.beam, garbage=base.garbage)
        paths = [path for path in decoded.paths if path.complete]
        if not paths:
            continue
        lost.append((cost_per_unit(decoded, paths[0].log_score),
                     value is not None and paths[0].value == value))
        scores = np.array([path.log_score for path in paths])
        places = [i for i, path in enumerate(paths) if path.value == value]
        if places:
            ranked.append((scores, places[0]))

    def cost(temperature):
        return -sum(s[i] / temperature - np.logaddexp.reduce(s / temperature) for s, i in ranked)
    temperature = min(np.geomspace(.5, 6, 40), key=cost)
    threshold = float(np.quantile([cost_ for cost_, right in lost if right], .98)) + .05
    settings = Settings(round(float(temperature), 3), round(threshold, 3))
    SETTINGS.write_text(json.dumps(settings.__dict__, indent=1) + "\n", "utf-8")
    print("fitted:", settings, flush=True)
    return settings


if __name__ == "__main__":
    main()
