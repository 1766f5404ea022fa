"""Takes telephone numbers out of what was said: of texts by their digits, of sound by hearing it."""

import re

import numpy as np

from asr.grammars.grammar import Grammar
from asr.listening.endpointing import SPEECH_OFF, SPEECH_ON
from asr.listening.vad import VoiceActivity
from asr.recognizer import Recognizer
from tts import audio, caller_voice
from tts.errors import TtsError

SPOKEN = "零〇幺一二三四五六七八九两洞拐勾"
RUN = re.compile(rf"(?:[0-9{SPOKEN}][\s,，、-]*){{7,}}")
"""Seven digits and more may be a telephone's; a plate has six at most."""
MADE_UP = "13900000000"
"""What is said instead: a number that nobody has."""
VAD_MS, GAP_MS, LEAD_MS = 32, 900, 200
"""Speech with rests up to `GAP_MS` is one saying; `LEAD_MS` of what is around belongs to it."""
VOICE = "zm_yunxi"


def masked_text(text: str) -> str:
    """The text with a made-up number in place of every run of digits."""
    return RUN.sub(lambda run: made_up(len(re.sub(rf"[^0-9{SPOKEN}]", "", run[0]))), text)


def made_up(digits: int) -> str:
    """So many digits that are nobody's number."""
    return (MADE_UP + "0" * digits)[:digits]


def masked_sound(pcm_8k: bytes, recognizer: Recognizer, phone: Grammar) -> tuple[bytes, int]:
    """The sound with another voice saying a made-up number wherever a number is heard, and how often.

    A whole saying is replaced, also the words around the number. Where no voice is installed it
    is silence.
    """
    samples, count = audio.from_pcm(pcm_8k).copy(), 0
    for began, ended in sayings(pcm_8k):
        stream = recognizer.start(phone, 8000)
        stream.feed(audio.to_pcm(samples[8 * began: 8 * ended]))
        digits = _number(stream.finish())
        if not digits:
            continue
        count += 1
        space = samples[8 * began: 8 * ended]
        instead = audio.from_pcm(_spoken(made_up(len(digits))))[: len(space)]
        space[:] = 0
        space[: len(instead)] = instead
    return audio.to_pcm(samples), count


def _number(result) -> str:
    """The run of digits that was heard, "" for none. What is doubtful counts as one."""
    if result.rejected:
        return ""
    return next((each.value for each in result.hypotheses[:3] if each.value.isdigit() and len(each.value) >= 7), "")


def _spoken(number: str) -> bytes:
    try:
        return caller_voice.say(number, VOICE)
    except TtsError:
        return b""


def sayings(pcm_8k: bytes) -> list[tuple[int, int]]:
    """Where somebody speaks, as (from, to) in ms."""
    spans: list[list[int]] = []
    speaking = False
    for at, probability in enumerate(VoiceActivity(8000).feed(pcm_8k)):
        ms = at * VAD_MS
        speaking = probability >= (SPEECH_OFF if speaking else SPEECH_ON)
        if not speaking:
            continue
        if spans and ms - spans[-1][1] <= GAP_MS:
            spans[-1][1] = ms + VAD_MS
        else:
            spans.append([ms, ms + VAD_MS])
    length = len(pcm_8k) // 16
    return [(max(0, began - LEAD_MS), min(length, ended + LEAD_MS)) for began, ended in spans]


def first_sound_ms(pcm_8k: bytes) -> int:
    """When the first sample comes that is not silence; 0 where there is none."""
    loud = np.flatnonzero(np.frombuffer(pcm_8k, "<i2"))
    return int(loud[0]) // 8 if len(loud) else 0
