"""How a prompt is said to this caller now: never the same sentence twice in a row, gently where needed."""

from collections.abc import Callable, Mapping, Sequence

from ivr.louder import louder
from ivr.pace import Pace
from tts.prompts import PromptLibrary, Speech


class Wording:
    """One conversation's wording. Every sentence is told to `log` as `said`."""

    def __init__(self, voice: PromptLibrary, values: Mapping[str, str], pace: Pace, log: Callable[..., None]):
        self._voice, self._values, self._pace, self._log = voice, values, pace, log
        self._last = ""

    async def speech(self, prompts: Sequence[str], time: int = 1) -> Speech | None:
        """The prompt for the time with this number (from 1), or another where it was just said."""
        if not prompts:
            return None
        gentle = self._pace.gentle
        prompt = chosen(prompts, time, lambda each: self._voice.text(each, self._values, gentle) == self._last)
        speech = await self._voice.render_async(prompt, self._values, gentle)
        self._last = speech.text
        self._log("said", prompt=prompt, text=speech.text, synthesized=speech.synthesized)
        return Speech(louder(speech.pcm_8k, self._pace.louder_db), speech.text, speech.synthesized)


def chosen(prompts: Sequence[str], time: int, just_said: Callable[[str], bool]) -> str:
    """Entry `time` (the last one stands for all after it), else the next that was not just said."""
    first = min(time, len(prompts)) - 1
    order = [*prompts[first:], *prompts[:first]]
    return next((prompt for prompt in order if not just_said(prompt)), order[0])
