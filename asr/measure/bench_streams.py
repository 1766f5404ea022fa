"""How fast streams get their answers on one core: ``python -m asr.measure.bench_streams [FILE…] [--json]``.

A recording is brought to ``--seconds`` and heard over and over: a plate and a yes/no alone, a finish
right after a look, and ``--streams`` of them ended together. Without a recording the prompts' own
plate pieces are spoken. One recognizer worker, bound with this process to core ``--core``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from asr.hear import LINE_RATE, read_8k
from asr.listening.endpointing import Profile
from asr.pool import RecognizerPool
from asr.recognizer import AsrError

PIECES = Path(__file__).resolve().parents[2] / "flows" / "prompts" / "pieces"
GOALS = {"plate ms": 150, "finish after a look ms": 150, "real-time factor": 0.06,
         "together, the last s": 1.5, "worker MB": 500}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--core", type=int, default=0, help="the one core to run on (0)")
    parser.add_argument("--streams", type=int, default=20, help="that end together (20)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of speech in a stream (4)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        os.sched_setaffinity(0, {options.core})
        figures = asyncio.run(measure(speech(options.files, options.seconds), options.streams))
    except (AsrError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(figures) if options.json else table(figures))
    return 0


def speech(files: list[Path], seconds: float) -> list[bytes]:
    """Turns of that length, 16-bit PCM at 8 kHz: each file repeated or cut, and faint noise."""
    if not 0.2 <= seconds <= 20:
        raise ValueError("give --seconds from 0.2 to 20")
    files = files or sorted(PIECES.glob("plates/*.flac"))[:60]
    if not files:
        raise ValueError(f"there are no recordings in {PIECES}: name some")
    size = int(seconds * LINE_RATE)
    spoken = [np.frombuffer(read_8k(path), "<i2") for path in files]
    turns = []
    for start in range(min(len(spoken), 5)):
        joined = np.concatenate([spoken[(start + place) % len(spoken)] for place in range(len(spoken))])
        turn = np.resize(joined, size) + np.random.default_rng(start).normal(0, 20, size)
        turns.append(np.clip(turn, -32768, 32767).astype("<i2").tobytes())
    return turns


async def measure(turns: list[bytes], streams: int, rounds: int = 10) -> dict[str, float]:
    """The figures by name: medians, ms, s, MB, and the CPU's real-time factor of a look and a finish."""
    async with RecognizerPool(1) as pool:
        alone: dict[str, list[float]] = {"plate": [], "yes_no": []}
        for grammar, times in alone.items():
            for turn in (turns * rounds)[:rounds]:
                times.append((await _timed(_stream(pool, grammar, turn).finish()))[0])
        used = cpu_s(pool.pids[0])
        again = []
        for turn in (turns * rounds)[:rounds]:
            stream = _stream(pool, "plate", turn + _quiet(Profile().look_ms))
            await stream.look()
            stream.feed(_quiet(Profile().quiet_ms - Profile().look_ms))
            again.append((await _timed(stream.finish()))[0])
        used = cpu_s(pool.pids[0]) - used
        seconds = len(turns[0]) / 2 / LINE_RATE
        together = [_stream(pool, "plate", turn) for turn in (turns * streams)[:streams]]
        began = time.perf_counter()
        ends = [await each for each in asyncio.as_completed(
            [_until(stream.finish(), began) for stream in together])]
        return {"turn s": seconds, "plate ms": _ms(alone["plate"]), "yes/no ms": _ms(alone["yes_no"]),
                "finish after a look ms": _ms(again),
                "real-time factor": round(used / rounds / seconds, 4),
                "streams together": streams, "together, median s": round(statistics.median(ends), 3),
                "together, the last s": round(max(ends), 3),
                "worker MB": round(peak_mb(pool.pids[0]))}


def table(figures: dict[str, float]) -> str:
    rows = [f"{'':28}{'found':>10}{'at most':>10}"]
    for name, value in figures.items():
        goal = GOALS.get(name)
        mark = "" if goal is None else f"{goal:>10g}" + ("" if value <= goal else "  missed")
        rows.append(f"{name:28}{value:>10g}{mark}")
    return "\n".join(rows)


def cpu_s(pid: int) -> float:
    """Processor time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory a process has held (Linux)."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _stream(pool: RecognizerPool, grammar: str, turn: bytes):
    stream = pool.open(grammar, LINE_RATE)
    stream.feed(turn)
    return stream


def _quiet(ms: int) -> bytes:
    return np.random.default_rng(ms).normal(0, 20, ms * LINE_RATE // 1000).astype("<i2").tobytes()


async def _timed(work) -> tuple[float, object]:
    began = time.perf_counter()
    result = await work
    return time.perf_counter() - began, result


async def _until(work, began: float) -> float:
    await work
    return time.perf_counter() - began


def _ms(times: list[float]) -> float:
    return round(statistics.median(times) * 1000, 1)


if __name__ == "__main__":
    sys.exit(main())
