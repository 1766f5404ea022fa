"""Figures that can be worked out by hand, and lines that change a voice as they should."""

import json
import random

import numpy as np
import pytest

from asr.grammars.grammar import Grammar
from asr.line.simulation import LINES, Conditions, over_the_line
from asr.measure.expect import value_of
from asr.measure.figures import NOTHING, Judged, calibration, figures, interval
from asr.measure.measuring_set import Reader, read_set
from asr.measure.run import HeardClip, Results, grammar_id
from asr.recognizer import AsrError


def judged(expected, *heard, rejected=False, speaker="a"):
    return Judged("f.wav", speaker, expected, heard, rejected, audio_s=2.0, took_s=0.5, peak_mb=100.0)


def test_shares_confusions_and_places_are_counted():
    report = figures([
        judged("ABC1", ("ABC1", 0.9)),
        judged("ABC2", ("ADC2", 0.6), ("ABC2", 0.3)),
        judged("ABC3", ("ABC", 0.6), speaker="b"),
        judged("ABC4", ("ABC4", 0.2), rejected=True, speaker="b"),
        judged(None, ("ABC5", 0.1), rejected=True),
    ])
    assert (report["files"], report["speakers"], report["n"]) == (5, 2, 4)
    assert (report["top1"], report["top5"], report["right_length"]) == (0.25, 0.5, 0.5)
    assert (report["rejected"], report["wrong"]) == (0.25, 0.5)
    assert report["foreign"] == {"files": 1, "rejected": 1.0}
    assert report["char_accuracy"] == round(1 - (0 + 1 + 1 + 4) / 16, 4)
    assert report["by_speaker"]["b"]["top1"] == 0.0
    assert [each["right"] for each in report["by_position"]] == [1.0, 0.6667, 1.0, 0.6667]
    assert report["confusion"]["B"] == {"B": 2, "D": 1} and report["confusion"]["3"] == {NOTHING: 1}
    assert (report["rtf"], report["peak_mb"]) == (0.25, 100.0)


def test_words_for_a_meaning_are_not_compared_letter_by_letter():
    report = figures([judged("yes", ("no", 0.9)), judged("AB1", ("person", 0.5)), judged("AB2", ("AB2", 0.9))])
    assert set(report["confusion"]) == {"A", "B", "2"} and report["by_position"][0]["n"] == 1
    assert report["char_accuracy"] == 0.5 and report["right_length"] == 0.5 and report["top1"] == 0.3333


def test_a_recognizer_that_is_as_sure_as_it_is_right_has_no_calibration_error():
    honest = [judged("A", ("A" if n < 7 else "B", 0.7)) for n in range(10)]
    report = figures(honest)
    assert report["ece"] == pytest.approx(0, abs=1e-6)
    assert report["calibration"] == [{"from": 0.7, "to": 0.8, "n": 10, "said": 0.7, "right": 0.7}]
    boastful = figures([judged("A", ("B", 1.0))] * 4)
    assert boastful["ece"] == 1.0 and boastful["calibration"][0]["to"] == 1.0
    assert figures([judged("A", ("A", None))])["ece"] is None


def test_the_calibration_error_of_honest_probabilities_is_foretold():
    rng = random.Random(1)
    shares = [rng.random() for _ in range(500)]
    seen = [calibration((share, rng.random() < share) for share in shares).error for _ in range(300)]
    assert calibration((share, True) for share in shares).by_chance == pytest.approx(sum(seen) / 300, rel=0.03)


def test_figures_of_nothing_do_not_fail():
    assert figures([])["top1"] is None and figures([judged("A")])["top1"] == 0.0


def test_the_interval_is_wilsons():
    assert interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-3)
    assert interval(0, 0) is None


@pytest.mark.parametrize("line", LINES)
def test_every_line_keeps_the_speech_and_repeats_itself(line):
    time = np.arange(44100) / 44100
    tone = 0.4 * np.sin(2 * np.pi * 700 * time)
    pcm = over_the_line(tone, 44100, Conditions(line), 1)
    heard = np.frombuffer(pcm, "<i2") / 32768
    assert abs(len(heard) - 8000) < 10 and np.argmax(np.abs(np.fft.rfft(heard[:8000]))) in range(695, 706)
    assert np.sqrt((heard[800:7000] ** 2).mean()) == pytest.approx(0.283, rel=0.25)
    worse = Conditions(line, noise_db=5, loss=0.1)
    assert over_the_line(tone, 44100, worse, 1) == over_the_line(tone, 44100, worse, 1)
    assert over_the_line(tone, 44100, worse, 1) != over_the_line(tone, 44100, worse, 2)


def test_noise_is_as_far_below_the_speech_as_asked():
    tone = 0.2 * np.sin(2 * np.pi * 700 * np.arange(16000) / 16000)
    quiet = np.frombuffer(over_the_line(tone, 16000, Conditions("clean", 40), 1), "<i2") / 32768
    loud = np.frombuffer(over_the_line(tone, 16000, Conditions("clean", 0), 1), "<i2") / 32768
    edge = slice(0, 1900)  # before the speech begins there is noise alone
    gap = 20 * np.log10(loud[edge].std() / quiet[edge].std())
    assert gap == pytest.approx(40, abs=2)


def test_a_lost_packet_is_concealed_and_not_silent():
    tone = 0.4 * np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
    lost = np.frombuffer(over_the_line(tone, 16000, Conditions("clean", loss=0.2), 5), "<i2") / 32768
    frames = lost[1600:7840].reshape(-1, 160).std(axis=1)
    assert frames.min() > 0.1
    assert over_the_line(tone, 16000, Conditions("clean", loss=0.2), 5) != over_the_line(tone, 16000, Conditions(), 5)


def test_a_table_without_its_columns_says_which_it_needs(tmp_path):
    with pytest.raises(AsrError, match="has no TSV"):
        read_set(tmp_path)
    (tmp_path / "a.tsv").write_text("name\twords\nx\ty\n")
    with pytest.raises(AsrError, match="file, speaker, and plate or text"):
        read_set(tmp_path)
    (tmp_path / "a.tsv").write_bytes(b"file\ttext\n\xff\xfe\n")
    with pytest.raises(AsrError, match="UTF-8"):
        read_set(tmp_path)
    (tmp_path / "a.tsv").write_text("file\ttext\nx.wav\tA\n")
    (tmp_path / "a.tar").write_bytes(b"no tar")
    with pytest.raises(AsrError, match="no tar"):
        read_set(tmp_path)


def test_bad_rows_are_told_by_line_and_the_rest_is_kept(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"sound")
    (tmp_path / "a.tsv").write_text("speaker\tfile\ttext\tvalue\nanna\tx.wav\tA\tyes\n\tgone.wav\tA\n\tx.wav\nanna\n")
    found = read_set(tmp_path)
    assert [(clip.file, clip.speaker, clip.text, clip.value) for clip in found.clips] == [("x.wav", "anna", "A", "yes")]
    assert [problem.partition(":")[2].partition(":")[0] for problem in found.problems] == ["3", "4", "5"]
    with Reader() as reader:
        assert reader.content(found.clips[0]) == b"sound"
        (tmp_path / "x.wav").unlink()
        with pytest.raises(AsrError, match="x.wav cannot be read"):
            reader.content(found.clips[0])


def test_a_torn_results_file_costs_the_torn_result_alone(tmp_path):
    one = HeardClip((("A", 0.5), ("B", None)), ("a", "b"), False, 1.0, 0.1, 10.0)
    with Results(tmp_path / "r.jsonl") as results:
        results.put("one", one)
        results.put("two", one)
    text = (tmp_path / "r.jsonl").read_text()
    (tmp_path / "r.jsonl").write_text(text[:-20])
    with Results(tmp_path / "r.jsonl") as results:
        assert results.get("one") == one and results.get("two") is None
        results.put("three", one)
    with Results(tmp_path / "r.jsonl") as results:
        assert results.get("three") == one
    assert json.loads((tmp_path / "r.jsonl").read_text().splitlines()[0])["key"] == "one"


def test_a_changed_grammar_is_another_grammar():
    def of(weight):
        return Grammar("g", {"start": "a", "rules": {"a": [{"say": "对", "value": "yes", "weight": weight},
                                                           {"say": "不", "value": "no"}]}})
    assert grammar_id(of(1.0)) == grammar_id(of(1.0)) != grammar_id(of(2.0))


@pytest.mark.parametrize("grammar, text, value", [
    ("yes_no", "对，没错。", "yes"), ("yes_no", "对", "yes"), ("yes_no", "不对。", "no"), ("yes_no", "十", None),
    ("minutes", "大概15分钟", "15"), ("minutes", "十五分钟", "15"), ("plate", "背景", None), ("plate", "二", None),
    ("plate", "今天天气真好", None), ("plate", "赣K一二三四五", "赣K12345"), ("plate", "北京的京A，幺二三四五", "京A12345"),
])
def test_a_text_means_what_the_grammar_makes_of_it_and_nothing_else(grammar, text, value):
    assert value_of(Grammar.load(grammar), text) == value
