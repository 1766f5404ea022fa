"""`ivr bench turns`: what it makes of a call's packets, and one true call through SIP."""

import json
import subprocess
import sys
from importlib import import_module

import pytest
from click.testing import CliRunner

from hotline.bench.turn_figures import (
    longest_silence_ms,
    packets_of,
    reply_ms,
    silence_ms,
    sound_ms,
    spread,
)
from hotline.bench.turns import PHONE, Figures, _note_cough, measure_turns, report
from tts.errors import TtsError

command = import_module("hotline.cli.bench")      # the package has the command itself by this name
OVER_A_PROMPT = [(0.02 * number, number < 30 or 60 <= number < 100) for number in range(120)]
"""0.6 s of sound, 0.6 s of silence, 0.8 s of sound."""


@pytest.mark.parametrize("last_s, ms", [(0.9, 300), (1.19, 10), (0.59, 610), (2.5, 5000)])
def test_a_reply_counts_from_the_last_sound_to_the_first_packet_with_sound_after_it(last_s, ms):
    assert reply_ms(OVER_A_PROMPT, last_s) == pytest.approx(ms, abs=0.1)


def test_the_bot_is_silent_from_the_first_packet_on_that_stays_without_sound():
    assert silence_ms(OVER_A_PROMPT, 0.5) == pytest.approx(100)
    assert silence_ms(OVER_A_PROMPT, 1.0) is None                       # it was not talking
    rests = [(at, loud and not 0.4 <= at < 0.5) for at, loud in OVER_A_PROMPT]
    assert silence_ms(rests, 0.38) == pytest.approx(220)                # a rest in a sentence is no silence
    assert silence_ms([(at, True) for at, _ in OVER_A_PROMPT], 0.5) == 5000


def test_silences_and_sound_are_measured_in_packets():
    assert longest_silence_ms(OVER_A_PROMPT, 0, 2) == pytest.approx(600)
    assert sound_ms(OVER_A_PROMPT) == pytest.approx(2000)
    assert packets_of(bytes(320) + b"\x10\x27" * 160) == [(0.0, False), (0.02, True)]
    assert spread([]) == {"n": 0, "p50_ms": None, "p95_ms": None, "max_ms": None}


def measured(replies=(250.0,), silences=(100.0,), **more):
    figures = Figures(silences=list(silences), **more)
    figures.replies["yes"] += replies
    return report(1, figures)


@pytest.mark.parametrize("figures, missed", [
    (measured(), []),
    (measured(replies=[320.0]), ["p50_ms"]),
    (measured(replies=[200.0] * 3 + [900.0]), ["p95_ms"]),
    (measured(silences=[130.0]), ["barge_in_max_ms"]),
    (measured(silences=[]), ["barge_in_max_ms"]),                       # not measured is not met
    (measured(coughs=2, coughs_interrupted=1), ["coughs_interrupted"]),
    (measured(echo_calls=1, echo_interrupted=1), ["echo_interrupted"]),
])
def test_what_misses_its_target_is_named_and_fails_the_check(figures, missed, monkeypatch):
    async def measure(calls, folder, step, barge_in_calls):
        return figures

    assert figures["missed"] == missed
    monkeypatch.setattr(command, "measure_turns", measure)
    done = CliRunner().invoke(command.bench, ["turns", "--calls", "1", "--check", "--json"])
    assert done.exit_code == bool(missed)
    assert json.loads(done.stdout)["missed"] == missed


@pytest.mark.whole_calls
async def test_a_true_call_is_measured_to_its_end(tmp_path):
    steps = []
    try:
        found = await measure_turns(1, tmp_path, lambda: steps.append(1), echo_delays_ms=(), barge_in_calls=1)
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    assert (found["unfinished"], found["owners"], len(steps)) == (0, {"called": 1, "not_rung": 0}, 2)
    assert {name: each["n"] for name, each in found["by_turn"].items()} == {"plate": 1, "yes": 1, "owner": 1}
    assert 0 < found["p50_ms"] < 5000 and found["coughs"]["n"] == 1 and found["barge_in"]["n"] >= 3


def test_a_caller_who_waits_for_the_end_of_a_prompt_is_no_interrupted_bot():
    welcome = packets_of(b"\x10\x27" * 160 * 100)
    for gap_s, interrupted in ((0.72, 0), (1.5, 1)):
        figures = Figures()
        received = [(at, at < 1.2) for at in (0.02 * number for number in range(150))]
        _note_cough(received, 0.4, 1.2 + gap_s, welcome, figures)
        assert figures.coughs_interrupted == interrupted


def test_a_telephone_that_is_not_rung_says_so_in_one_line():
    plan = {"wait": 0, "steps": [], "patience_s": 0.1}
    done = subprocess.run([sys.executable, PHONE], input=json.dumps(plan), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "a telephone of the bench waited 0 s: it was not rung\n")


def test_calls_with_barge_ins_alone_are_not_judged_by_replies():
    found = report(0, Figures(silences=[90.0]), barge_in_calls=1)
    assert (found["missed"], found["voices"]) == ([], ["zf_xiaoyi"])
