"""Free speech by Whisper-base: what a citizen complains about, as text. Not for plates: it hears none.

CTranslate2 alone runs the weights that set-up fetched; faster-whisper around it would bring thirteen
packages (FFmpeg's libraries and a hub client among them) for what is forty lines here. Stretches of
speech are found by voice activity and heard one by one with ten seconds of silence behind, not in
windows of 30 s. Wrong characters and CPU time a second on 42 sentences of one reader, 8 kHz A-law:
25 % and 0.10; 1 s behind 31 % and 0.05, 6 s 26 % and 0.07, padded to 30 s 25 % and 0.28. Margins of
200 ms instead of 400 cost 1 to 4 points.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from asr.ear import frontend
from asr.free_speech.text import text_of, unlooped
from asr.grammars.grammar import Grammar
from asr.listening.endpointing import BLOCK_MS, SPEECH_OFF, SPEECH_ON
from asr.listening.vad import VoiceActivity
from asr.recognizer import (
    Capabilities,
    GrammarError,
    Hypothesis,
    ModelMissing,
    Recognizer,
    Result,
    Stream,
    Word,
)

FOLDER = Path(__file__).resolve().parents[2] / ".models" / "whisper-base"
PROMPT = ("<|startoftranscript|>", "<|zh|>", "<|transcribe|>", "<|notimestamps|>")
LONGEST_S = 600                    # of a recording; what comes later is not heard
LONGEST_STRETCH_S = 20
SILENCE_BEHIND_S = 10.0
LEAST_SPEECH_MS = 250
PAUSE_MS = 500                     # shorter ones do not part two stretches
MARGIN_MS = 400
TOKENS_PER_S = 12                  # the fastest talker needs about 9
BEAM = 5
LEAST_SCORE = -1.1                 # mean log probability of a token; noise that is "heard" has less
MOST_NO_SPEECH = 0.85


class WhisperRecognizer(Recognizer):
    """Writes down free speech; raises ModelMissing where the weights or the packages are not there."""

    capabilities = Capabilities("whisper", probabilities=False, streaming=False)

    def __init__(self, folder: Path | str = FOLDER, nice: int = 0):
        """``nice`` is added to this process's niceness: a worker's, so that calls come first."""
        check_installed(Path(folder))
        import ctranslate2
        os.nice(nice)
        try:
            self._model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="int8",
                                                     inter_threads=1, intra_threads=1)
        except (RuntimeError, ValueError) as error:
            raise ModelMissing(f"{folder} does not hold Whisper's weights as set-up left them: delete "
                               "it and run `make -B setup`.") from error

    def start(self, grammar: Grammar | None = None, rate: int = 8000) -> Stream:
        """A stream that listens for anything; raises GrammarError for a grammar that is not free."""
        if grammar is not None and not grammar.free:
            raise GrammarError(f"`{grammar.name}` is no free speech, and Whisper hears nothing else: "
                               "listen for it with another engine.")
        return WhisperStream(self, rate)

    def written(self, samples: np.ndarray) -> str:
        """What is said in up to 30 s at 16 kHz (float, −1…1); "" where it is not speech."""
        from ctranslate2 import StorageView
        padded = np.pad(samples, (0, int(SILENCE_BEHIND_S * frontend.RATE)))
        mel = frontend.log_mel(padded)[:, :3000]
        features = np.ascontiguousarray(mel[None, :, : mel.shape[1] // 2 * 2], np.float32)
        limit = len(PROMPT) + 8 + int(TOKENS_PER_S * len(samples) / frontend.RATE)
        answer = self._model.generate(
            StorageView.from_array(features), [list(PROMPT)], beam_size=BEAM, max_length=limit,
            sampling_temperature=0, return_scores=True, return_no_speech_prob=True)[0]
        if answer.scores[0] < LEAST_SCORE or answer.no_speech_prob > MOST_NO_SPEECH:
            return ""
        return unlooped(text_of(answer.sequences[0]))


class WhisperStream(Stream):
    """Keeps the audio and writes it down at look() and finish(); each stretch is a word of the result."""

    def __init__(self, recognizer: WhisperRecognizer, rate: int):
        self._recognizer, self._rate = recognizer, rate
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> None:
        self._pcm += pcm[: max(0, LONGEST_S * self._rate * 2 - len(self._pcm))]

    def look(self) -> Result:
        return self.finish()

    def finish(self) -> Result:
        pcm = bytes(self._pcm[: len(self._pcm) // 2 * 2])
        found = stretches(VoiceActivity(self._rate).feed(pcm), len(pcm) * 500 // self._rate)
        samples, said = frontend.from_pcm(pcm), []
        for start_ms, end_ms in found:
            cut = samples[start_ms * self._rate // 1000: end_ms * self._rate // 1000]
            if text := self._recognizer.written(frontend.to_16k(cut, self._rate)):
                said.append(Word(text, start_ms, end_ms))
        speech_ms = sum(end_ms - start_ms for start_ms, end_ms in found)
        if not said:
            return Result((), True, speech_ms)
        text = "，".join(word.text.rstrip("，。,.") for word in said)
        return Result((Hypothesis(text, text, None, tuple(said)),), False, speech_ms)


def stretches(probabilities: list[float], length_ms: int) -> list[tuple[int, int]]:
    """Where speech is, ms, from voice activity's probabilities (32 ms each)."""
    found: list[list[int]] = []
    speaking = False
    for block, probability in enumerate(probabilities):
        speaking = probability >= (SPEECH_OFF if speaking else SPEECH_ON)
        if not speaking:
            continue
        start_ms, end_ms = block * BLOCK_MS, (block + 1) * BLOCK_MS
        new = not found or start_ms - found[-1][1] > PAUSE_MS
        if new or end_ms - found[-1][0] > LONGEST_STRETCH_S * 1000:
            found.append([start_ms, end_ms])
        else:
            found[-1][1] = end_ms
    found = [stretch for stretch in found if stretch[1] - stretch[0] >= LEAST_SPEECH_MS]
    middles = [(before[1] + after[0]) // 2 for before, after in zip(found, found[1:], strict=False)]
    return [(max(earliest, start_ms - MARGIN_MS), min(latest, end_ms + MARGIN_MS))
            for (start_ms, end_ms), earliest, latest in zip(found, [0, *middles],
                                                            [*middles, length_ms], strict=False)]



def check_installed(folder: Path = FOLDER) -> None:
    """Raises ModelMissing, saying what to do, where free speech cannot be heard; loads no weights."""
    if not (folder / "model.bin").is_file():
        raise ModelMissing(f"{folder / 'model.bin'} is missing: free speech needs it; run `make setup`.")
    try:
        import ctranslate2  # noqa: F401
        import opencc  # noqa: F401
    except ImportError as error:
        raise ModelMissing(f"Free speech needs the package {error.name}, which is not installed: run "
                           "`make setup`.") from error
