"""`ivr hear` and `ivr bench hear` as a tester uses them: real recordings, a real recognizer, real files."""

import json
import re
import signal
import subprocess
import tarfile
import time
import tomllib
import xml.etree.ElementTree as ElementTree

import pytest
from service import ENVIRONMENT, IVR, ivr

from hotline.bench.pictures import confusion_picture, reliability_picture
from hotline.bench.register import made_up_register
from tts import audio, caller_voice
from tts.errors import TtsError

SAID = [("赣KD56789", "zm_yunxi"), ("赣K12345", "zf_xiaoyi"), ("赣A23456", "zm_yunxi"), ("赣KA1234", "zf_xiaoyi")]


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """Plates of two voices beside their TSV, answers and a sentence in a tar; two rows are bad."""
    folder = tmp_path_factory.mktemp("kit")
    try:
        sounds = [(plate, voice, caller_voice.say(plate, voice)) for plate, voice in SAID]
        answers = [(text, caller_voice.say(text, "zm_yunxi")) for text in ("对，没错。", "不对。", "今天天气真好，我想去公园里走一走。")]
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    rows = ["file\tplate\tspeaker"]
    for number, (plate, voice, pcm) in enumerate(sounds):
        audio.write_file(folder / "audio" / f"{number}.wav", pcm)
        rows.append(f"audio/{number}.wav\t{plate}\t{voice}")
    (folder / "audio" / "torn.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    rows += ["audio/torn.wav\t赣K11111\tzm_yunxi", "audio/0.wav\t赣K1\tzm_yunxi", "audio/gone.wav\t赣K22222\tzm_yunxi"]
    (folder / "plates.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    rows = ["file\ttext\tspeaker\tgrammar"]
    with tarfile.open(folder / "answers.tar", "w") as tar:
        for number, (text, pcm) in enumerate(answers):
            audio.write_file(folder / f"{number}.flac", pcm)
            tar.add(folder / f"{number}.flac", f"answers/{number}.flac")
            (folder / f"{number}.flac").unlink()
            rows.append(f"answers/{number}.flac\t{text}\tzm_yunxi\tyes_no")
    (folder / "answers.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def measured(kit, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    done = ivr("bench", "hear", kit, "--json", out / "f.json", "--html", out / "f.html", "--results", out / "kept.jsonl",
               "--register", 500)
    assert done.returncode == 0, done.stderr
    return done, json.loads((out / "f.json").read_text()), (out / "f.html").read_text(), out / "kept.jsonl"


def test_the_figures_are_those_that_are_promised(measured):
    done, report, _, kept = measured
    assert report["files"] == 7 and report["speakers"] == 2 and report["n"] == 6
    assert report["foreign"] == {"files": 1, "rejected": 1.0}
    assert report["top1"] >= 0.5 and report["top5"] >= report["top1"] and report["char_accuracy"] > 0.7
    assert 0 <= report["ece"] <= 1 and 0 < report["rtf"] < 5 and 50 < report["peak_mb"] < 4000
    assert set(report["by_speaker"]) == {"zm_yunxi", "zf_xiaoyi"}
    assert {each["place"] for each in report["by_position"]} >= set(range(1, 9))
    assert report["register"]["right_first"] >= 0.5 and report["register"]["plates"] == 4
    assert "right at first" in done.stdout and str(kept) in done.stdout


def test_bad_rows_are_listed_and_cost_only_themselves(measured):
    done, report, _, _ = measured
    assert len(report["problems"]) == 3
    assert "plates.tsv:6" in "".join(report["problems"]) and "no plate that can exist" in "".join(report["problems"])
    assert done.stdout.count("not used: ") == 3


def test_the_page_needs_nothing_else_and_its_pictures_are_whole(measured):
    _, report, page, _ = measured
    pictures = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(pictures) == 3 and not re.search(r'(src|href)=|url\(|<script', page)
    titles = [title.text for picture in pictures for title in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}title")]
    assert any(title.startswith("赣 heard as 赣") for title in titles)


def test_what_was_heard_once_is_not_heard_again(kit, measured):
    _, report, _, kept = measured
    lines = kept.read_text().count("\n")
    again = json.loads(ivr("bench", "hear", kit, "--json", "--results", kept).stdout)
    assert again["results_known"] == 7 and kept.read_text().count("\n") == lines
    assert {key: again[key] for key in ("top1", "confusion", "rtf", "ece")} == {key: report[key] for key in ("top1", "confusion", "rtf", "ece")}
    noisy = json.loads(ivr("bench", "hear", kit, "--json", "--results", kept, "--line", "gsm", "--noise", 15, "--loss", 5,
                           "--limit", 3).stdout)
    assert noisy["results_known"] == 0 and noisy["files"] <= 3
    assert noisy["conditions"] == "gsm, street noise 15 dB below, 5.0% of packets lost"


def test_an_interrupted_run_goes_on_where_it_was(kit, tmp_path):
    kept = tmp_path / "kept.jsonl"
    command = [*IVR, "bench", "hear", str(kit), "--results", str(kept), "--line", "alaw", "--json"]
    run = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (kept.exists() and kept.read_text().count("\n") >= 2) and run.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    if run.returncode == 0:
        pytest.skip("it was done before it could be interrupted")
    assert run.returncode == 130 and "goes on from there" in errors and "Traceback" not in errors
    before = kept.read_text().count("\n")
    whole = json.loads(subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=90).stdout)
    assert whole["results_known"] == before < whole["files"] == 7


def test_a_set_that_is_none_is_refused_in_one_sentence(tmp_path):
    for content in (None, "file\twords\n", "file\tplate\nmissing.wav\t赣K12345\n"):
        if content:
            (tmp_path / "a.tsv").write_text(content, encoding="utf-8")
        done = ivr("bench", "hear", tmp_path)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr, done.stderr
    assert ivr("bench", "hear", tmp_path, "--grammar", "nothing").returncode == 2


def test_what_was_to_be_rejected_and_was_not_is_named(kit, tmp_path):
    """A plate's recording under another text than the grammar's: the set is wrong, or the recognizer is."""
    (tmp_path / "odd.wav").write_bytes((kit / "audio" / "0.wav").read_bytes())
    (tmp_path / "odd.tsv").write_text("file\ttext\tspeaker\nodd.wav\t今天天气很好\tanna\n", encoding="utf-8")
    page = tmp_path / "page.html"
    report = json.loads(ivr("bench", "hear", tmp_path, "--json", "--html", page, "--results", tmp_path / "kept.jsonl").stdout)
    (miss,) = report["misses"]
    assert report["foreign"] == {"files": 1, "rejected": 0.0}
    assert (miss["file"], miss["expected"], miss["rank"]) == ("odd.wav", None, None) and miss["heard"]
    assert "to be rejected" in page.read_text(encoding="utf-8")


def test_several_recordings_are_heard_whatever_one_of_them_is(kit, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"")
    good = kit / "audio" / "0.wav"
    done = ivr("hear", "--json", good, tmp_path / "bad.wav", good)
    entries = json.loads(done.stdout)
    assert done.returncode == 2 and "0 bytes" in done.stderr and done.stderr.count("\n") == 1
    assert [len(entry.get("hypotheses", ())) > 0 for entry in entries] == [True, False, True]
    assert set(entries[1]) == {"file", "error"}
    assert json.loads(ivr("hear", "--json", tmp_path / "bad.wav").stdout) == entries[1]
    assert set(entries[0]) == {"file", "hypotheses", "rejected", "seconds", "notes"}
    table = ivr("hear", good)
    assert table.returncode == 0 and SAID[0][0] in table.stdout and "%" in table.stdout


def test_a_made_up_register_holds_the_callers_plates_and_mostly_their_city():
    plates = made_up_register(2000, ["赣A12345", "赣A23456", "京B34567"])
    assert len(plates) >= 2000 and {"赣A12345", "京B34567"} <= plates
    assert 0.75 < sum(plate.startswith("赣A") for plate in plates) / len(plates) < 0.85


def test_pictures_of_nothing_are_no_pictures():
    assert confusion_picture({}) == "" and reliability_picture([]) == ""


def test_confusions_are_learned_from_the_voices_that_are_named(kit, measured):
    kept = measured[3]
    done = ivr("bench", "confusions", kit, "--voices", "zm_yunxi", "--results", kept)
    assert done.returncode == 0, done.stderr
    table = tomllib.loads(done.stdout)["heard"]
    assert "from 2 plates in 1 voices (zm_yunxi)" in done.stdout
    assert table["B"]["D"] > table["B"].get("X", 0) and all(0 < weight <= 1 for row in table.values() for weight in row.values())


def test_a_voice_that_is_not_in_the_set_is_said_to_be_missing(kit, measured):
    done = ivr("bench", "confusions", kit, "--voices", "nobody", "--results", measured[3])
    assert done.returncode == 2 and "nobody in the set is called nobody: there are" in done.stderr
