"""Lets the people of the demo answer: when a phone hears the bot fall silent, its owner speaks."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from hotline.cases.casebook import Entry
from hotline.demo.people import SEAT_LINE, Cast
from hotline.demo.phone import Phone

THINKING_S = 0.45
"""From when a phone reports silence until its owner speaks; a bot that goes on is let finish."""
SEAT_TALK_S = 3.0
"""How long the person at the seat talks before hanging up."""


class Director:
    """Hears the case's log as a person hears the call, and puts words into the phones."""

    def __init__(self, cast: Cast, recordings: dict[str, dict[str, Path]]):
        self._cast, self._recordings = cast, recordings
        self._prompts = {"caller": "", "owner": ""}
        self._plate_read = ""

    def entry(self, entry: Entry) -> None:
        """What the bot just said, and which plate it read."""
        if entry.kind == "said" and entry.side in self._prompts:
            self._prompts[entry.side] = entry.details["prompt"]
        elif entry.kind == "matched":
            self._plate_read = entry.details["plate"]

    def part(self, name: str) -> Callable[[Phone], Awaitable[None]]:
        """Who is at a phone of this name; who is called back is the caller."""
        return {"caller": self.caller, "called-back": self.caller, "owner": self.owner, "seat": self.seat}[name]

    async def caller(self, phone: Phone) -> None:
        """Play the caller until their phone's process ends."""
        await self._converse("caller", phone)

    async def owner(self, phone: Phone) -> None:
        """Play the owner until their phone's process ends."""
        await self._converse("owner", phone)

    async def seat(self, phone: Phone) -> None:
        """Play the person at the seat: greet, talk for a while, hang up."""
        async for event in phone.events():
            if event["event"] == "answered":
                await asyncio.sleep(0.5)
                await phone.say(self._recordings["seat"][SEAT_LINE])
                await asyncio.sleep(SEAT_TALK_S)
                await phone.hang_up()

    async def _converse(self, who: str, phone: Phone) -> None:
        thinking: asyncio.Task[None] | None = None
        async for event in phone.events():
            if event["event"] in ("speech_start", "ended") and thinking:
                thinking.cancel()
            if event["event"] == "speech_end":
                thinking = asyncio.create_task(self._answer(who, phone))

    async def _answer(self, who: str, phone: Phone) -> None:
        await asyncio.sleep(THINKING_S)
        prompt, self._prompts[who] = self._prompts[who], ""
        words = self._cast.caller_says(prompt, self._plate_read) if who == "caller" else self._cast.owner_says(prompt)
        if words:
            await phone.say(self._recordings[who][words])
