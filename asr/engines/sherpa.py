"""sherpa-onnx in a recognizer worker: streaming transducer, paraformer and CTC models, told by their files.

The library ends the process where a model is not what it expects, so the files are looked at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from asr.engines.written import WrittenStream
from asr.grammars.grammar import Grammar
from asr.grammars.phrase_list import phrases
from asr.recognizer import AsrError, Capabilities, ModelMissing, Recognizer, Stream, Word

MODEL_RATE = 16000
TAIL_S = 0.66                      # of silence at the end: models answer a chunk late
HOTWORDS_SCORE = 1.5               # the library's own
MOST_HOTWORDS = 500
CTC = {                            # what a model file says of itself → how it is loaded
    "wenet_ctc": "from_wenet_ctc", "zipformer2": "from_zipformer2_ctc", "zipformer2_ctc": "from_zipformer2_ctc",
    "EncDecCTCModelBPE": "from_nemo_ctc", "EncDecHybridRNNTCTCBPEModel": "from_nemo_ctc", "t-one": "from_t_one_ctc",
}


class SherpaRecognizer(Recognizer):
    """Greedy where no hotwords can be given; its scores are no probabilities of a meaning."""

    capabilities = Capabilities("sherpa-onnx", probabilities=False, streaming=True)

    def __init__(self, model: str, threads: int = 1):
        """``model`` is a directory. Raises ModelMissing for what holds no streaming model."""
        self.files = files_of(Path(model))
        try:
            import sherpa_onnx
        except ImportError as error:
            raise AsrError("The package sherpa-onnx is not installed: run make setup.") from error
        make = getattr(sherpa_onnx.OnlineRecognizer, self.files.loader)
        options = dict(self.files.parts, tokens=str(self.files.tokens), num_threads=threads)
        self.takes_hotwords = self.files.loader == "from_transducer"
        if self.takes_hotwords:
            options.update(decoding_method="modified_beam_search", hotwords_score=HOTWORDS_SCORE,
                           modeling_unit="cjkchar")
        try:
            self.engine = make(**options)
        except Exception as error:
            raise ModelMissing(f"sherpa-onnx cannot load {model}: {error}") from error
        self._tokens = {line.rsplit(maxsplit=1)[0] for line in
                        self.files.tokens.read_text("utf-8").splitlines() if line.strip()}
        self._hotwords: dict[str, str] = {}

    def start(self, grammar: Grammar, rate: int = 8000) -> Stream:
        return SherpaStream(self, grammar, rate)

    def hotwords(self, grammar: Grammar) -> str:
        """Phrases of the grammar that the model can write, as the library takes them."""
        if grammar.name not in self._hotwords:
            known = (phrase for phrase in phrases(grammar) if set(phrase) <= self._tokens)
            self._hotwords[grammar.name] = "/".join(" ".join(phrase) for phrase in list(known)[:MOST_HOTWORDS])
        return self._hotwords[grammar.name]


class SherpaStream(WrittenStream):
    def __init__(self, recognizer: SherpaRecognizer, grammar: Grammar, rate: int):
        super().__init__(grammar, rate)
        self._recognizer, self._engine = recognizer, recognizer.engine
        self._begin()

    def _begin(self) -> None:
        hotwords = self._recognizer.hotwords(self._grammar) if self._recognizer.takes_hotwords else ""
        self._utterance = self._engine.create_stream(*([hotwords] if hotwords else []))
        self._resampler = soxr.ResampleStream(self._rate, MODEL_RATE, 1, dtype="float32") \
            if self._rate != MODEL_RATE else None

    def _accept(self, pcm: bytes) -> None:
        self._hear(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768, last=False)

    def _hear(self, samples: np.ndarray, last: bool) -> None:
        if self._resampler:
            samples = self._resampler.resample_chunk(samples, last=last)
        self._utterance.accept_waveform(MODEL_RATE, samples)
        if last:
            self._utterance.input_finished()
        while self._engine.is_ready(self._utterance):
            self._engine.decode_stream(self._utterance)

    def _text_so_far(self) -> str:
        return self._engine.get_result(self._utterance)

    def _close(self) -> tuple[Sequence[str], tuple[Word, ...], int]:
        self._hear(np.zeros(int(TAIL_S * self._rate), np.float32), last=True)
        starts = [int(1000 * start) for start in self._engine.timestamps(self._utterance)]
        ends = starts[1:] + [start + 200 for start in starts[-1:]]
        words = tuple(Word(token.strip("▁ "), start, min(end, start + 400)) for token, start, end
                      in zip(self._engine.tokens(self._utterance), starts, ends))
        text = self._engine.get_result(self._utterance)
        return ([text] if text else []), words, words[-1].end_ms - words[0].start_ms if words else 0


@dataclass(frozen=True)
class Files:
    """What a model directory holds: ``loader`` is the library's function, ``parts`` its files."""

    loader: str
    parts: dict[str, str]
    tokens: Path


def files_of(folder: Path) -> Files:
    """The model in a directory; of several precisions int8 is taken. Raises ModelMissing."""
    if not folder.is_dir():
        raise ModelMissing(f"{folder} is not a folder: unpack a streaming sherpa-onnx model there, or mend "
                           "[hearing] model.")
    tokens = folder / "tokens.txt"
    if not tokens.is_file():
        raise ModelMissing(f"{folder} holds no sherpa-onnx model (tokens.txt is missing).")
    found = {part: _file(folder, part) for part in ("encoder", "decoder", "joiner", "model")}
    if found["encoder"] and found["decoder"]:
        names = ["encoder", "decoder", *(["joiner"] if found["joiner"] else [])]
        for name in names:
            _described(found[name])
        loader = "from_transducer" if found["joiner"] else "from_paraformer"
        return Files(loader, {name: str(found[name]) for name in names}, tokens)
    if not found["model"]:
        raise ModelMissing(f"{folder} holds no streaming model: encoder, decoder (and joiner) or model "
                           "with the suffix .onnx are looked for.")
    kind = _described(found["model"]).get("model_type", "")
    if kind not in CTC:
        raise ModelMissing(f"{found['model']} is of the kind {kind or 'unknown'!r}; streaming CTC models of "
                           f"these kinds are loaded: {', '.join(sorted(CTC))}.")
    return Files(CTC[kind], {"model": str(found["model"])}, tokens)


def _file(folder: Path, part: str) -> Path | None:
    """`encoder*.onnx` and the like; int8 before others."""
    files = sorted(folder.glob(f"{part}*.onnx"), key=lambda path: (".int8." not in path.name, path.name))
    return files[0] if files else None


def _described(path: Path) -> dict[str, str]:
    """What the file says of itself. Raises ModelMissing where it is no ONNX model."""
    import onnxruntime
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:         # onnxruntime's errors have no common base
        raise ModelMissing(f"{path} is damaged or no ONNX model: fetch it anew.") from error
    return dict(session.get_modelmeta().custom_metadata_map)
