"""The bench of streams prints its figures, as a table and as JSON, and names what is wrong."""

import json
import subprocess
import sys

import pytest

from asr.ear import acoustic
from asr.measure import bench_streams

needs_model = pytest.mark.skipif(not acoustic.ENCODER.exists(), reason="run `make setup` first")


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "asr.measure.bench_streams", *arguments],
                          capture_output=True, text=True, timeout=100)


@needs_model
def test_figures_come_as_json_and_hold_where_time_is_not_shared():
    figures = json.loads(run("--json", "--streams", "4", "--seconds", "2").stdout)
    assert set(bench_streams.GOALS) <= set(figures)
    assert figures["finish after a look ms"] < figures["plate ms"]
    assert figures["worker MB"] < bench_streams.GOALS["worker MB"]


def test_a_goal_that_is_missed_is_marked():
    table = bench_streams.table({"plate ms": 200.0, "worker MB": 170})
    assert "missed" in table.splitlines()[1] and "missed" not in table.splitlines()[2]


@pytest.mark.parametrize("arguments, message", [
    (["--seconds", "90"], "0.2 to 20"), (["nothing.wav"], "nothing.wav"), (["--core", "4000"], "")])
def test_what_cannot_be_measured_is_told_in_a_sentence(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr and len(done.stderr.splitlines()) == 1
