"""Which recognizer hears, and with what: one choice, and the hearing made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from asr.engines import sherpa, vosk_local
from asr.grammars.grammar import FOLDER
from asr.pool import EMBEDDED, RecognizerPool
from asr.recognizer import AsrError
from asr.remote.hearing import RemoteHearing
from asr.remote.server import Server

IN_WORKERS = {
    "embedded": EMBEDDED,
    "vosk": "asr.engines.vosk_local:VoskRecognizer",
    "sherpa-onnx": "asr.engines.sherpa:SherpaRecognizer",
}
SERVERS = ("funasr", "vosk-server")
ENGINES = (*IN_WORKERS, *SERVERS)

Hearing = RecognizerPool | RemoteHearing
"""Both start(), close() and open(grammar, rate) → a stream with feed, look and finish."""


@dataclass(frozen=True)
class EngineChoice:
    """``model``: a directory (vosk, sherpa-onnx); ``url``, ``certificate``, time-outs in seconds: servers."""

    engine: str = "embedded"
    model: Path | None = None
    url: str = ""
    certificate: Path | None = None
    connect_timeout_s: float = 2.0
    answer_timeout_s: float = 2.0

    @property
    def where(self) -> str:
        """The model's folder or the server's address, without a password."""
        if self.engine in SERVERS:
            return self.server.shown
        return str(self.model) if self.model else "comes with the program"

    @property
    def server(self) -> Server:
        return Server(self.engine, self.url, self.certificate, self.connect_timeout_s, self.answer_timeout_s)

    def check(self) -> None:
        """Raises AsrError, saying what to do, for what cannot work; loads nothing and connects to nothing."""
        if self.engine not in ENGINES:
            raise AsrError(f"There is no recognizer engine {self.engine!r}; there are {', '.join(ENGINES)}.")
        if self.engine in SERVERS:
            self.server.check()
        elif self.engine != "embedded":
            if self.model is None:
                raise AsrError(f"The engine {self.engine} needs a model: write its folder as [hearing] model.")
            look = vosk_local.check_folder if self.engine == "vosk" else sherpa.files_of
            look(self.model)


def make_hearing(choice: EngineChoice, workers: int = 1, grammars: Path = FOLDER) -> Hearing:
    """Not started yet. A server has the embedded engine's workers behind it. Raises AsrError."""
    choice.check()
    if choice.engine in SERVERS:
        return RemoteHearing(choice.server, RecognizerPool(workers, grammars), grammars)
    options = {"model": str(choice.model)} if choice.engine != "embedded" else {}
    return RecognizerPool(workers, grammars, IN_WORKERS[choice.engine], options=options)


def engine_of(folder: Path) -> str:
    """Which engine a model's directory is for. Raises AsrError where it is for none."""
    if not folder.is_dir():
        raise AsrError(f"{folder} is not a folder: give the directory that holds the model.")
    if (folder / "am" / "final.mdl").is_file() or (folder / "final.mdl").is_file():
        return "vosk"
    if (folder / "tokens.txt").is_file():
        return "sherpa-onnx"
    raise AsrError(f"{folder} holds neither a Vosk model (am/final.mdl) nor a sherpa-onnx model "
                   "(tokens.txt): give the directory that the model's archive unpacks to.")
