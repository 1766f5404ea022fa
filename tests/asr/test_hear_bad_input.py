"""Whatever file is given: a clear result, or one sentence that says what to do."""

import time

import numpy as np
import pytest
import soundfile
from recognizer_fakes import CountingRecognizer

from asr.grammars.grammar import Grammar
from asr.hear import LINE_RATE, hear, read_8k, read_recording
from asr.listening.recent_pcm import LONGEST_S
from asr.recognizer import AsrError

RNG = np.random.default_rng(7)
SOUND = (0.2 * RNG.standard_normal(16000)).clip(-1, 1).astype(np.float32)


def written(path, samples=SOUND, rate=8000, **options):
    soundfile.write(path, samples, rate, **options)
    return path


@pytest.mark.parametrize("content, hint", [
    (b"", "0 bytes"),
    (b"no sound at all", "WAV, FLAC, Ogg"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00", "WAV, FLAC, Ogg"),       # torn inside the header
    (b"RIFF\xff\xff\xff\xffWAVE" + b"\xff" * 400, "WAV, FLAC, Ogg"),
    (b"fLaC" + bytes(200), "WAV, FLAC, Ogg"),
    (b"OggS" + bytes(200), "WAV, FLAC, Ogg"),
])
def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path, content, hint):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AsrError, match=hint):
        read_recording(path)


def test_sound_of_no_known_form_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes([0xD5]) * 800)
    with pytest.raises(AsrError, match="a.raw is not a recording"):
        read_recording(tmp_path / "a.raw")


def test_a_recording_torn_in_its_sound_is_heard_as_far_as_it_goes(tmp_path):
    whole = written(tmp_path / "whole.wav").read_bytes()
    (tmp_path / "torn.wav").write_bytes(whole[: len(whole) // 2 + 1])
    recording = read_recording(tmp_path / "torn.wav")
    assert 0.9 < recording.seconds < 1.1 and "torn" in recording.notes[0]


def test_of_a_torn_flac_what_came_before_the_tear_is_heard(tmp_path):
    whole = written(tmp_path / "whole.flac").read_bytes()
    (tmp_path / "torn.flac").write_bytes(whole[: len(whole) // 2])
    recording = read_recording(tmp_path / "torn.flac")
    assert 0.4 < recording.seconds == recording.heard_s < 1.1 and "torn" in recording.notes[0]
    assert np.abs(recording.samples - SOUND[: len(recording.samples)]).max() < 1e-3


def test_a_header_without_sound_is_refused(tmp_path):
    whole = written(tmp_path / "whole.wav").read_bytes()
    (tmp_path / "torn.wav").write_bytes(whole[:44])
    with pytest.raises(AsrError, match="holds no sound"):
        read_recording(tmp_path / "torn.wav")
    with pytest.raises(AsrError, match="holds no sound"):
        read_recording(written(tmp_path / "empty.wav", SOUND[:0]))


@pytest.mark.parametrize("cut", range(0, 120, 7))
@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".wav"])
def test_torn_compressed_files_never_crash(tmp_path, suffix, cut):
    whole = written(tmp_path / f"whole{suffix}").read_bytes()
    torn = tmp_path / f"torn{suffix}"
    torn.write_bytes(whole[: 1 + len(whole) * cut // 120])
    try:
        assert read_recording(torn).seconds >= 0
    except AsrError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path, bad):
    samples = SOUND.copy()
    samples[500] = bad
    with pytest.raises(AsrError, match="no numbers"):
        read_recording(written(tmp_path / "a.wav", samples, subtype="FLOAT"))


def test_silence_and_clipping_are_said(tmp_path):
    silent = read_recording(written(tmp_path / "silent.wav", np.zeros(16000, np.float32)))
    assert "silence" in silent.notes[0]
    square = np.sign(np.sin(np.arange(16000) / 5)).astype(np.float32)
    assert "clipped" in read_recording(written(tmp_path / "loud.wav", square)).notes[0]
    louder = read_recording(written(tmp_path / "louder.wav", 40 * SOUND, subtype="FLOAT"))
    assert "full scale" in louder.notes[0] and np.abs(louder.samples).max() <= 1


@pytest.mark.parametrize("rate, options", [
    (44100, {}), (48000, {"subtype": "FLOAT"}), (11025, {"subtype": "PCM_U8"}), (8000, {"subtype": "ALAW"}),
    (8000, {"subtype": "ULAW"}), (192000, {"subtype": "PCM_24"}),
])
def test_any_rate_and_width_becomes_telephone_sound(tmp_path, rate, options):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    pcm = read_8k(written(tmp_path / "a.wav", np.stack([tone, tone], axis=1), rate, **options))
    samples = np.frombuffer(pcm, "<i2") / 32768
    assert abs(len(samples) - LINE_RATE) < 10
    assert np.argmax(np.abs(np.fft.rfft(samples[: LINE_RATE - 10]))) == pytest.approx(440, abs=2)
    assert np.sqrt((samples ** 2).mean()) == pytest.approx(0.354, rel=0.1)


def test_a_call_recorders_gsm_is_heard_from_anywhere(tmp_path):
    tones = np.concatenate([0.5 * np.sin(2 * np.pi * hertz * np.arange(8000) / 8000) for hertz in (400, 800)])
    path = written(tmp_path / "a.wav", tones, 8000, subtype="GSM610")
    assert read_recording(path).heard_s == pytest.approx(2, abs=.05)
    second = read_recording(path, 1.2).samples
    assert np.argmax(np.abs(np.fft.rfft(second[:4000]))) == pytest.approx(400, abs=2)


def test_channels_that_cancel_each_other_are_not_silence(tmp_path):
    tone = 0.5 * np.sin(np.arange(16000) / 5)
    heard = read_recording(written(tmp_path / "a.wav", np.stack([tone, -tone], axis=1)))
    assert "cancel" in heard.notes[0] and np.abs(heard.samples).max() > 0.4


def test_of_forty_minutes_the_first_25_seconds_are_heard_at_once(tmp_path):
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 16000, 2) as file:
        second = np.repeat((0.1 * RNG.standard_normal(16000))[:, None], 2, axis=1)
        for _ in range(40 * 60):
            file.write(second)
    began = time.monotonic()
    recording = read_recording(path)
    assert time.monotonic() - began < 3
    assert recording.seconds == 2400 and recording.heard_s == LONGEST_S
    assert recording.notes[0] == "heard from 0 s to 25 s of 2400 s"
    heard = hear(recording, Grammar.load("yes_no"), CountingRecognizer())
    assert heard.hypotheses[0].value == str(int(2 * LONGEST_S * LINE_RATE))
    assert read_recording(path, 2390).notes[0] == "heard from 2390 s to 2400 s of 2400 s"
    with pytest.raises(AsrError, match="start before its end"):
        read_recording(path, 2400)


def test_a_recording_of_absurd_shape_is_refused(tmp_path):
    with pytest.raises(AsrError, match="200 samples a second"):
        read_recording(written(tmp_path / "a.wav", rate=200))
    with pytest.raises(AsrError, match="40 channels"):
        read_recording(written(tmp_path / "b.wav", np.zeros((100, 40)), 8000))


def test_folders_and_pipes_are_refused_and_not_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path, tmp_path / "pipe.wav", tmp_path / "missing.wav"):
        with pytest.raises(AsrError, match="no file"):
            read_recording(path)
