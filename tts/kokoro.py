"""Kokoro-82M (int8 ONNX, Apache-2.0): phonemes to speech, with onnxruntime alone.

    python -m tts.kokoro --voice zm_yunxi --out x.wav "赣K A1234"

The model takes token ids, a style row chosen by their number, and a speed; it gives
24 kHz audio. A voice is a table of 510 style rows of 256; a weighted mean of two tables
speaks as a new person: "zf_xiaoxiao:0.6+zm_yunxi:0.4".
"""

import functools
import hashlib
import json
from pathlib import Path

import numpy as np

from tts import audio
from tts.errors import (
    UnknownPhoneme,
    UnknownVoice,
    UnreadableText,
    VoiceFilesMissing,
    VoiceFileWrong,
)
from tts.phonemes import Letters, phonemes

MODEL_DIR = Path(__file__).resolve().parent.parent / ".models" / "kokoro"
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""Of the joined model file; the same stands in `setup/assets.toml`."""
RATE = 24000
STYLE_ROWS, STYLE_WIDTH = 510, 256
SLOWEST = 0.9
"""Asked to speak more slowly, the model puts a syllable of its own before the first (不对 for 对): what is to be
slower is spoken at its own speed and stretched."""
MANDARIN_VOICES = (
    "zf_xiaobei", "zf_xiaoxiao", "zf_xiaoyi",
    "zm_yunjian", "zm_yunxi", "zm_yunxia", "zm_yunyang",
)  # fmt: skip


class Kokoro:
    """The model and its voices; safe to share between threads, loaded at first use.

    `threads` is what one synthesis may use. Raises VoiceFilesMissing at first use where
    the files are not on this machine.
    """

    def __init__(self, model_dir: Path = MODEL_DIR, threads: int = 1) -> None:
        self._dir = Path(model_dir)
        self._threads = threads

    @property
    def installed(self) -> bool:
        """Whether model, vocabulary and at least one voice are on this machine."""
        return self._missing() is None

    def speak(
        self, text: str, voice: str, speed: float = 1.0, letters: Letters = "english",
        yao: bool = True,
    ) -> bytes:  # fmt: skip
        """`text` as 8 kHz PCM, trimmed, speech at −20 dBFS.

        Raises UnreadableText, UnknownVoice, UnknownPhoneme or VoiceFilesMissing.
        """
        sound = self.synthesize(phonemes(text, letters, yao), voice, speed)
        return telephone_pcm(sound)

    def synthesize(self, spoken: str, voice: str, speed: float = 1.0) -> np.ndarray:
        """Phonemes as float32 audio at 24 kHz, with the model's own silence around it."""
        if speed < SLOWEST:
            return audio.stretched(self.synthesize(spoken, voice), RATE, 1 / speed)
        ids = self._ids(spoken)
        row = min(len(ids), STYLE_ROWS - 1)
        feed = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": self.style(voice)[row][None],
            "speed": np.array([speed], np.float32),
        }
        return self._session.run(None, feed)[0].reshape(-1)

    def voices(self) -> list[str]:
        """Names of the voices on this machine."""
        return sorted(path.stem for path in (self._dir / "voices").glob("*.bin"))

    def style(self, voice: str) -> np.ndarray:
        """The 510×256 style table of a voice, or of a blend "a:0.6+b:0.4"."""
        parts = [part.partition(":") for part in voice.split("+")]
        try:
            weights = np.array([float(weight or 1) for _, _, weight in parts])
        except ValueError:
            raise UnknownVoice(
                f"The blend {voice!r} cannot be read: write it as zf_xiaoxiao:0.6+zm_yunxi:0.4."
            ) from None
        tables = [self._table(name.strip()) for name, _, _ in parts]
        return sum(w * t for w, t in zip(weights / weights.sum(), tables)).astype(np.float32)

    def _ids(self, spoken: str) -> list[int]:
        unknown = sorted(set(spoken) - self._vocab.keys())
        if unknown:
            raise UnknownPhoneme(
                f"The voice model has no phoneme {unknown[0]!r} (in {spoken!r}): "
                "give the word another reading in tts/phonemes.py."
            )
        if not spoken.strip():
            raise UnreadableText("There is nothing to say: give a text with a word in it.")
        return [self._vocab[sign] for sign in spoken][: STYLE_ROWS]

    def _table(self, name: str) -> np.ndarray:
        path = self._dir / "voices" / f"{name}.bin"
        if not path.is_file():
            if self._missing():
                raise VoiceFilesMissing(path)
            known = ", ".join(MANDARIN_VOICES)
            raise UnknownVoice(f"There is no voice {name!r}: for Mandarin use one of {known}.")
        return np.fromfile(path, "<f4").reshape(STYLE_ROWS, STYLE_WIDTH)

    def _missing(self) -> Path | None:
        wanted = [self._dir / "model.onnx", self._dir / "vocab.json"]
        wanted.append(self._dir / "voices" / f"{MANDARIN_VOICES[1]}.bin")
        return next((path for path in wanted if not path.is_file()), None)

    @functools.cached_property
    def _vocab(self) -> dict[str, int]:
        if (missing := self._missing()) is not None:
            raise VoiceFilesMissing(missing)
        return json.loads((self._dir / "vocab.json").read_text("utf-8"))["vocab"]

    @functools.cached_property
    def _session(self):
        import onnxruntime

        if (missing := self._missing()) is not None:
            raise VoiceFilesMissing(missing)
        with open(self._dir / "model.onnx", "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != MODEL_SHA256:
                raise VoiceFileWrong(self._dir / "model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._dir / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )


def telephone_pcm(sound: np.ndarray, rate: int = RATE) -> bytes:
    """A voice's output as 8 kHz PCM, trimmed, speech at −20 dBFS."""
    narrow = audio.to_telephone(sound, rate)
    narrow = audio.trim(narrow, audio.TELEPHONE_HZ)
    return audio.to_pcm(audio.level(narrow, audio.TELEPHONE_HZ))


def _main() -> None:
    import sys

    import click

    from tts.errors import TtsError

    @click.command(help='Speak TEXT into a file, e.g. python -m tts.kokoro --out x.wav "赣K A1234"')
    @click.argument("text")
    @click.option("--voice", default="zf_xiaoxiao", show_default=True, help="a voice or a blend")
    @click.option("--out", required=True, type=click.Path(path_type=Path), help=".wav or .flac")
    @click.option("--speed", default=1.0, show_default=True)
    @click.option("--letters", type=click.Choice(["english", "chinese"]), default="english")
    @click.option("--yao/--yi", default=True, help="幺 or 一 for the digit 1")
    def command(text: str, voice: str, out: Path, speed: float, letters: Letters, yao: bool):
        try:
            pcm = Kokoro().speak(text, voice, speed, letters, yao)
        except TtsError as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        audio.write_file(out, pcm)
        click.echo(f"{out}: {len(pcm) / 2 / audio.TELEPHONE_HZ:.1f} s, 8 kHz")

    command()


if __name__ == "__main__":
    _main()
