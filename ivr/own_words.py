"""What somebody said, made fit to be said again to somebody else: cut, evened, and without a number in it."""

from __future__ import annotations

from dataclasses import dataclass

from asr.pool import RecognizerPool
from asr.recognizer import AsrError
from ivr.saying import rest_before
from tts import audio
from tts.words import SHOWN, Words

LEAST_MS = 500
"""Speech that is shorter (喂, 啊) says nothing that is worth passing on."""
LONGEST_MS = 6000
BYTES_PER_MS = 16
NUMBER = "phone"
"""The grammar of telephone numbers."""
NUMBER_FROM = 7
"""So many digits on end may be somebody's telephone number, and are not passed on."""


@dataclass(frozen=True)
class Refused:
    """Why nothing is passed on: `short`, `number`, or `not-heard` where no recognizer could tell."""

    why: str


async def own_words(pcm_8k: bytes, speech_ms: int, ears: RecognizerPool, text: str = SHOWN) -> Words | Refused:
    """The words of 8 kHz PCM that holds one saying of `speech_ms`, at most `LONGEST_MS` of them.

    Caller and owner never learn each other's number: what may be one is refused, and so is what could
    not be looked at.
    """
    if speech_ms < LEAST_MS:
        return Refused("short")
    stream = ears.open(NUMBER, 8000)
    stream.feed(pcm_8k)
    try:
        result = await stream.finish()
    except AsrError:
        return Refused("not-heard")
    if not result.rejected and any(_is_number(each.value) for each in result.hypotheses):
        return Refused("number")
    return Words(evened(pcm_8k), text)


def evened(pcm_8k: bytes) -> bytes:
    """Without silence at the ends, as loud as the prompts, not cut within a word where it is too long."""
    if len(pcm_8k) > LONGEST_MS * BYTES_PER_MS:
        pcm_8k = pcm_8k[: rest_before(pcm_8k, LONGEST_MS) * BYTES_PER_MS] or pcm_8k[: LONGEST_MS * BYTES_PER_MS]
    samples = audio.trim(audio.from_pcm(pcm_8k), audio.TELEPHONE_HZ, lead_ms=60, tail_ms=90)
    return audio.to_pcm(audio.level(samples, audio.TELEPHONE_HZ))


def _is_number(value: str) -> bool:
    return value.isdigit() and len(value) >= NUMBER_FROM
