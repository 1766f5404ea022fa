"""What has no recording is spoken before a call needs it: at the start, and before a changed flow is taken."""

import asyncio
import logging

from hotline.live_flows import Edition
from tts.errors import SynthesisFailed, TtsError
from tts.prompts import LIVE_KEPT, PromptLibrary
from tts.script import Prompt

log = logging.getLogger(__name__)

WAIT_S = 20.0
"""So long the start, or a changed flow, is held up; what is left by then is spoken while calls run."""
MOST = LIVE_KEPT // 2
"""Of the sentences that are kept, the others are left to what has values."""


class SpokenAhead:
    """Speaks what an edition of the flows has no recordings of, one sentence at a time, so that a call that needs
    the voice waits for one at most. `wait_s`: see `WAIT_S`."""

    def __init__(self, wait_s: float = WAIT_S):
        self._wait_s = wait_s
        self._speaking: asyncio.Task[None] | None = None

    async def speak(self, edition: Edition) -> None:
        """Returns when all is spoken, or after `wait_s`; never raises for what cannot be said."""
        self.stop()
        for problem in edition.voice.pieces.problems:
            log.warning("recording_not_played", extra={"fields": {"problem": problem}})
        missing = edition.voice.unrecorded(prompt for flow in edition.flows for prompt in flow.prompts)
        if not missing:
            return
        log.warning("spoken_live", extra={"fields": {
            "prompts": list(dict.fromkeys(prompt.id for prompt in missing)), "mend": "make prompts"}})
        self._speaking = asyncio.create_task(_speak(edition.voice, missing[:MOST]))
        await asyncio.wait({self._speaking}, timeout=self._wait_s)

    def stop(self) -> None:
        """Say no more than the sentence that is being spoken."""
        if self._speaking:
            self._speaking.cancel()


async def _speak(voice: PromptLibrary, prompts: list[Prompt]) -> None:
    for prompt in prompts:
        try:
            await asyncio.to_thread(voice.speak_ahead, prompt)
        except TtsError as error:
            log.warning("not_spoken_ahead", extra={"fields": {"prompt": prompt.id, "error": str(error)}})
            if isinstance(error, SynthesisFailed):
                return
