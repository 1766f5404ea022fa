"""The people of the demo: what a caller, an owner and a person at a seat say, and when.

They know what people know: what the bot just said to them. Which prompt that was, the demo
tells them from the case's log, as a human would tell it by listening.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ASKS_FOR_PLATE = {
    "welcome", "ask_plate_again", "ask_plate_example", "no_input", "no_input_short", "short_plate",
    "short_plate_other", "keys_offer", "correction_prompt", "correction_again",
}
ASKS_YES_OR_NO = {
    "readback", "readback_again", "readback_changed", "readback_short", "yes_no_again", "yes_no_keys",
}
ASKS_OWNER = {
    "owner_greeting", "owner_greeting_words", "owner_repeat", "owner_repeat_other", "owner_who", "owner_who_other",
    "owner_no_input", "owner_no_input_other", "owner_say_again", "owner_say_again_other",
}

TELLS_WHO = {"owner_who", "owner_who_other"}

OFFERS = {"offer_call_or_text", "offer_call_or_text_again"}
ASKS_FOR_MORE = {"call_back_anything", "call_back_offer_person", "call_back_person_keys"}

THAT_IS_ALL = "没有了，谢谢。"
LATER = {"call": "打电话给我。", "text": "发短信给我。"}
"""How callers want the outcome who do not wait on the line."""
YES, NO = "对，没错。", "不对。"
ASKS_WHERE, WHERE = "where_is_it", "在人民公园东门口。"

CALLERS = {
    "ordinary": None,
    "elderly": "我年纪大了，听不清楚。",
    "unclear": "今天天气真好，我想去公园里走一走。",
    "silent": "",
    "asks-person": "转人工。",
}
"""What a caller says to every question; None says the plate, "" says nothing."""

OWNERS = {
    "coming": "好的，我马上来。",
    "later": "我要十分钟。",
    "moved": "车已经开走了。",
    "not-mine": "这不是我的车，你打错了。",
    "refuses": "我现在来不了。",
    "asks-who": "你是谁？",
    "call-later": "我在开会，过一会儿再打。",
    "no-calls": "你们别再打了。",
    "person": "转人工。",
    "no-answer": "",
    "busy": "",
    "off": "",
}
"""What an owner answers when asked to move the car; "" where nobody picks up."""

OWNER_PHONES: Mapping[str, str] = {"no-answer": "no-answer", "busy": "busy", "off": "off"}
"""How the owner's phone behaves where nobody picks it up."""

EXPECTED = {
    "elderly": ("person", "struggling"),
    "unclear": ("person", "unclear"),
    "silent": ("person", "silent"),
    "asks-person": ("person", "asked"),
}
"""The right outcome and reason for each caller who needs a person."""

OWNER_EXPECTED = {
    "asks-who": ("coming", ""),
    "call-later": ("goes-on", ""),
    "no-calls": ("person", "no-calls"),
    "person": ("person", "owner-asked"),
}
"""The same for what owners do that is no outcome by its own name."""


@dataclass(frozen=True)
class Cast:
    """Who takes part: the plate that the caller means, and how caller and owner behave."""

    plate: str
    caller: str
    owner: str
    later: str = ""
    """How a caller who does not wait wants word: `call` or `text`; "" waits on the line."""

    @property
    def expected(self) -> tuple[str, str]:
        """The case's right outcome and reason."""
        if self.later:
            return "goes-on", ""
        return EXPECTED.get(self.caller) or OWNER_EXPECTED.get(self.owner, (self.owner, ""))

    def caller_says(self, prompt_id: str, plate_read: str) -> str:
        """The caller's answer to a prompt: a sentence, the plate itself, or "" for nothing."""
        if prompt_id in ASKS_FOR_PLATE:
            fixed = CALLERS[self.caller]
            return self.plate if fixed is None else fixed
        if prompt_id in ASKS_YES_OR_NO:
            return YES if plate_read == self.plate else NO
        if prompt_id == ASKS_WHERE:
            return WHERE
        if prompt_id in OFFERS and self.later:
            return LATER[self.later]
        return THAT_IS_ALL if prompt_id in ASKS_FOR_MORE else ""

    def owner_says(self, prompt_id: str) -> str:
        """The owner's answer to a prompt, or ""."""
        if prompt_id in TELLS_WHO and self.owner == "asks-who":
            return OWNERS["coming"]
        if prompt_id in ASKS_OWNER:
            return OWNERS[self.owner]
        return "大概十分钟。" if prompt_id == "owner_ask_minutes" else ""

    def lines(self) -> dict[str, set[str]]:
        """Everything that each person may have to say, to be spoken before the calls begin."""
        return {
            "caller": {self.plate, CALLERS[self.caller] or self.plate, YES, NO, WHERE}
            | ({LATER[self.later], THAT_IS_ALL} if self.later else set()),
            "owner": {OWNERS[self.owner], OWNERS["coming"], "大概十分钟。"} - {""},
            "seat": {SEAT_LINE},
        }


SEAT_LINE = "您好，这里是人工坐席，请讲。"
