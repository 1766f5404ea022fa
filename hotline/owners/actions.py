"""What an owner's conversation can do: hear what the caller said, and be put through to a person."""

from collections.abc import Awaitable, Callable

from hotline.desk.desk import Desk
from hotline.desk.put_through import put_through
from ivr.flow.actions import action
from ivr.flow.conversation import Conversation
from tts.words import Words

CallersWords = Callable[[], Awaitable[Words | None]]
"""What a caller said for the owner to hear, as far as it is known by now."""


async def no_words() -> None:
    """No caller said anything."""


class OwnerActions:
    """The actions of one call to an owner."""

    def __init__(self, desk: Desk, case_id: str, callers_words: CallersWords = no_words):
        self.case_id = case_id
        self._desk, self._callers_words = desk, callers_words

    @action("known", "unknown", sets={"words": "words"})
    async def callers_words(self, conversation: Conversation) -> str:
        """What the caller said for the owner to hear: where the car stands."""
        if words := await self._callers_words():
            conversation.values["words"] = words
        return "known" if words else "unknown"

    @action("talked", "failed", needs=("reason",), person=True)
    async def transfer(self, conversation: Conversation) -> str:
        """Put the owner through to a seat; who hangs up before it answers has asked for a person all the same."""
        conversation.branch_if_hung_up = "failed"
        return await put_through(self._desk, self.case_id, conversation.argument, conversation)
