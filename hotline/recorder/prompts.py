"""What a volunteer hears on the telephone, in the voice of the bot."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tts import audio
from tts.live import LiveVoice
from tts.pieces import PieceStore
from tts.prompts import PromptLibrary
from tts.script import Prompt, load_script, parse_parts

KEPT = Path("var") / "recorder"
BEEP_HZ, BEEP_MS, BEEP_DBFS = 880, 180, -18
# 好的 and 不要 share no sound; 可以 is the end of 不可以, and a consent must not be misheard.
TEXTS = {
    "consent": "您好，这里是挪车热线。想请您念几个编出来的车牌号，录音只用来改进语音识别，不记姓名和电话，您随时可以要求删除。"
               "愿意的话，请说，好的。不愿意，请说，不要。",
    "consent_again": "没有听清。愿意录音，请说，好的。不愿意，请说，不要。",
    "refused": "好的，我们不录音。谢谢您，再见。",
    "begin_spoken": "谢谢。我念一个车牌，您听到嘀声以后，照平时说话那样念一遍。",
    "begin_shown": "谢谢。请看您的单子，每次听到嘀声以后，念一个车牌。",
    "again": "没有录好，请在嘀声以后再念一遍。",
    "unfinished": "先录到这里，谢谢您，再见。",
    "thanks": "录完了，非常感谢，再见。",
}
PLATE = "plate"


class RecorderPrompts:
    """The texts as 8 kHz PCM, spoken once and then kept; plates are joined from recorded pieces."""

    def __init__(self, folder: Path, kept: Path = KEPT):
        """`folder`: flows/prompts. Raises PromptError where it cannot be used."""
        script = load_script(folder)
        texts = TEXTS | {PLATE: "{plate}"}
        own = {name: Prompt(name, text, parse_parts(text)) for name, text in texts.items()}
        self._live = LiveVoice(script.voice.voice, script.voice.letters)
        self._voice = PromptLibrary(replace(script, prompts=own), PieceStore.load(folder / "pieces"), self._live)
        self._kept, self._name = kept, script.voice.voice
        self._pcm: dict[str, bytes] = {}

    def speak_all(self, advance: Callable[[], None] = lambda: None) -> None:
        """Speak every text now (blocks, a minute the first time), so that no volunteer waits.

        Raises UnreadableText or SynthesisFailed.
        """
        for name, text in TEXTS.items():
            mark = hashlib.sha256(f"{self._name} {text}".encode()).hexdigest()[:16]
            path = self._kept / f"{mark}.flac"
            if not path.is_file():
                part = path.with_name(f"{mark}.part.flac")
                audio.write_file(part, self._voice.render(name).pcm_8k)
                part.replace(path)
            self._pcm[name] = audio.to_pcm(audio.read_file(path))
            advance()
        self._live.close()

    def __getitem__(self, name: str) -> bytes:
        return self._pcm[name]

    def plate(self, plate: str) -> bytes:
        """A plate read out, in groups. Raises BadValue or SynthesisFailed."""
        return self._voice.render(PLATE, {"plate": plate}).pcm_8k


def beep() -> bytes:
    """The sign to speak."""
    time = np.arange(audio.TELEPHONE_HZ * BEEP_MS // 1000) / audio.TELEPHONE_HZ
    tone = 10 ** (BEEP_DBFS / 20) * np.sqrt(2) * np.sin(2 * np.pi * BEEP_HZ * time)
    return audio.silence(250) + audio.to_pcm(audio.fade(tone.astype(np.float32), audio.TELEPHONE_HZ, 10))
