"""How a prompt is said to this caller now: never the same sentence twice in a row, gently where needed."""

import logging
from collections.abc import Callable, Mapping, Sequence

from ivr.louder import louder
from ivr.pace import Pace
from tts.errors import TtsError
from tts.prompts import PromptLibrary, Speech

log = logging.getLogger(__name__)


class Wording:
    """One conversation's wording. Every sentence is told to `log` as `said`."""

    def __init__(self, voice: PromptLibrary, values: Mapping[str, str], pace: Pace, log: Callable[..., None]):
        self._voice, self._values, self._pace, self._log = voice, values, pace, log
        self._last = ""
        self.lenient = False
        """Leave out what cannot be said, rather than fail: the call is in trouble already."""

    async def speech(self, prompts: Sequence[str], time: int = 1) -> Speech | None:
        """The prompt for the time with this number (from 1), or another where it was just said.

        One that has no recording, or a damaged one, is spoken live and reported. Raises TtsError for one that cannot be
        said at all, unless `lenient`.
        """
        if not prompts:
            return None
        gentle = self._pace.gentle
        prompt = prompts[0]
        try:
            prompt = chosen(prompts, time, lambda each: self._voice.text(each, self._values, gentle) == self._last)
            speech = await self._voice.render_async(prompt, self._values, gentle)
        except TtsError as error:
            self._log("not_said", prompt=prompt, error=str(error))
            if self.lenient:
                return None
            raise
        if speech.damage:
            log.warning("recording_not_played", extra={"fields": {"prompt": prompt, "problem": speech.damage}})
        elif speech.synthesized:
            log.warning("prompt_not_recorded", extra={"fields": {"prompt": prompt, "mend": "make prompts"}})
        self._last = speech.text
        self._log("said", prompt=prompt, text=speech.text, ms=len(speech.pcm_8k) // 16, synthesized=speech.synthesized)
        return Speech(louder(speech.pcm_8k, self._pace.louder_db), speech.text, speech.synthesized)


def chosen(prompts: Sequence[str], time: int, just_said: Callable[[str], bool]) -> str:
    """Entry `time`, from the list's end on the last; where that was just said, the nearest before it.

    Later entries are the shorter ones: who is asked for the fifth time does not hear the first again.
    """
    first = min(time, len(prompts)) - 1
    order = [*reversed(prompts[:first + 1]), *prompts[first + 1:]]
    return next((prompt for prompt in order if not just_said(prompt)), prompts[first])
