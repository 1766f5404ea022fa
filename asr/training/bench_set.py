"""Held-out synthetic speech as a folder that ``ivr bench hear`` takes.

    python -m asr.training.bench_set --held DIR

Writes ``plates.tsv``, ``answers.tsv`` and ``others.tsv`` (to be rejected) into the folder.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from asr.training import truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--held", type=Path, required=True, help="folder of synthesize --held-out")
    options = parser.parse_args()
    rows = [json.loads(line) for path in sorted(options.held.glob("shard*.jsonl"))
            for line in path.read_text("utf-8").splitlines()]
    tables = {"plates": ["file\tplate\tspeaker"], "answers": ["file\ttext\tspeaker\tgrammar"],
              "others": ["file\ttext\tspeaker\tgrammar"]}
    for row in rows:
        for _, grammar, value in truth.of(row):
            if grammar == "plate" and value:
                tables["plates"].append(f"{row['file']}\t{value}\t{row['voice']}")
            else:
                table = tables["answers" if value else "others"]
                table.append(f"{row['file']}\t{row['text']}\t{row['voice']}\t{grammar}")
    for name, lines in tables.items():
        (options.held / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
        print(f"{name}: {len(lines) - 1}")


if __name__ == "__main__":
    main()
