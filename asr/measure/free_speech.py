"""How well free speech is written down: ``python -m asr.measure.free_speech SET.tsv [--json]``.

``SET.tsv`` (columns file, text) lies beside ``SET.tar`` with the recordings. Each is heard as 8 kHz
A-law. Prints the character error rate and the CPU's real-time factor.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
import tarfile
import time
from pathlib import Path

import soundfile
from rapidfuzz.distance import Levenshtein

from asr.engines.whisper import WhisperRecognizer
from asr.hear import LINE_RATE, read_sound
from asr.recognizer import AsrError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path, metavar="SET.tsv")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        figures = measure(options.set)
    except (AsrError, OSError, KeyError, tarfile.TarError) as error:
        print(f"{options.set} cannot be measured: {error}", file=sys.stderr)
        return 2
    rows = figures.pop("rows")
    if options.json:
        print(json.dumps({**figures, "rows": rows}, ensure_ascii=False))
        return 0
    for row in rows:
        print(f"{row['errors']:3d}  {row['text']}\n     {row['heard']}")
    print("  ".join(f"{name} {value}" for name, value in figures.items()))
    return 0


def measure(table: Path) -> dict:
    recognizer = WhisperRecognizer()
    rows, seconds = [], 0.0
    used = time.process_time()
    with tarfile.open(table.with_suffix(".tar")) as archive, table.open(encoding="utf-8") as file:
        for entry in csv.DictReader(file, delimiter="\t"):
            recording = read_sound(archive.extractfile(entry["file"]), entry["file"])
            stream = recognizer.start(None, LINE_RATE)
            stream.feed(through_a_law(recording.pcm()))
            best = stream.finish().best
            heard, text = letters(best.text if best else ""), letters(entry["text"])
            rows.append({"text": text, "heard": heard, "errors": Levenshtein.distance(text, heard)})
            seconds += recording.heard_s
    used = time.process_time() - used
    wrong, said = sum(row["errors"] for row in rows), sum(len(row["text"]) for row in rows)
    return {"recordings": len(rows), "characters": said, "error rate": round(wrong / said, 3),
            "real-time factor": round(used / seconds, 3), "rows": rows}


def through_a_law(pcm: bytes) -> bytes:
    coded = io.BytesIO()
    samples = soundfile.read(io.BytesIO(pcm), samplerate=LINE_RATE, channels=1, format="RAW",
                             subtype="PCM_16", dtype="int16")[0]
    soundfile.write(coded, samples, LINE_RATE, format="WAV", subtype="ALAW")
    coded.seek(0)
    return soundfile.read(coded, dtype="int16")[0].astype("<i2").tobytes()


def letters(text: str) -> str:
    """Characters that are said: no punctuation, no spaces."""
    return re.sub(r"[^\w]|_", "", text)


if __name__ == "__main__":
    sys.exit(main())
