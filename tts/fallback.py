"""The voice of last resort: pyttsx3 over espeak-ng, plain but always there.

It runs in a process of its own for each sentence, since a second `runAndWait` of pyttsx3
may never return. espeak-ng misreads characters, so it is given pinyin.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tts import audio
from tts.errors import SynthesisFailed
from tts.phonemes import fallback_pinyin

TIMEOUT_S = 20.0
WORDS_PER_MINUTE = 150
_PROGRAM = """
import sys, pyttsx3
engine = pyttsx3.init("espeak")
engine.setProperty("voice", sys.argv[1])
engine.setProperty("rate", int(sys.argv[2]))
engine.save_to_file(sys.argv[3], sys.argv[4])
engine.runAndWait()
"""
VOICE = "sit/cmn-Latn-pinyin"


def speak(text: str, timeout_s: float = TIMEOUT_S) -> bytes:
    """`text` as 8 kHz PCM, trimmed, speech at −20 dBFS. Raises UnreadableText, SynthesisFailed."""
    pinyin = fallback_pinyin(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = [sys.executable, "-c", _PROGRAM, VOICE, str(WORDS_PER_MINUTE), pinyin, str(path)]
        try:
            done = subprocess.run(command, timeout=timeout_s, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            raise SynthesisFailed(
                f"The fallback voice took over {timeout_s:.0f} s for {text!r}: run `make setup` "
                "to install the better one."
            ) from None
        if done.returncode or not path.is_file() or path.stat().st_size < 100:
            reason = (done.stderr.strip().splitlines() or ["it wrote nothing"])[-1]
            raise SynthesisFailed(
                f"The fallback voice failed ({reason}): install espeak-ng, or run `make setup`."
            )
        narrow = audio.trim(audio.read_file(path), audio.TELEPHONE_HZ)
    return audio.to_pcm(audio.level(narrow, audio.TELEPHONE_HZ))
