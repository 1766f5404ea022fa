"""A case's log cut into what each side did, and to which prompt: the turns of its fixture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from hotline.storage.store import CaseEvent
from ivr.replay.result import Event

SAME_MS = 60
"""Prompts said so close together are one to whoever listens."""


@dataclass(frozen=True)
class Span:
    """From one prompt to the next: what was heard in it, and which key or end came. Times in ms of the leg."""

    prompt: str
    from_ms: int
    to_ms: int
    heard: tuple[Event, ...] = ()
    words: tuple[Event, ...] = ()
    """What was said on hold for the owner to hear, passed on or not."""

    @property
    def answers(self) -> tuple[Event, ...]:
        """All that was said or keyed in it."""
        return self.heard or self.words


@dataclass(frozen=True)
class SideStory:
    """One leg's part of the log, its times counted from its answer."""

    events: tuple[Event, ...]
    spans: tuple[Span, ...] = ()
    hung_up_ms: int | None = None
    pressed: tuple[tuple[int, str], ...] = field(default=())
    """Keys that ended an action, with their times."""
    number: int = 1
    """Which of an owner's numbers was called, or which try of a call back it is."""
    seq: int = 1
    """Which attempt of a request to an owner it is."""

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


def events_of(stored: Sequence[tuple[CaseEvent, Mapping[str, Any]]]) -> list[Event]:
    """A stored log as events, in ms since its first entry."""
    if not stored:
        return []
    start = datetime.fromisoformat(stored[0][0].at)
    return [Event(round((datetime.fromisoformat(entry.at) - start).total_seconds() * 1000),
                  entry.side, entry.kind, details) for entry, details in stored]


def caller_story(events: Sequence[Event]) -> SideStory:
    """The caller's side of the call that they made; being called back is another call."""
    own = [event for event in events if event.side == "caller"]
    return _story(list(takewhile(lambda event: event.kind != "call_back", own)))


def owner_stories(events: Sequence[Event]) -> list[SideStory]:
    """One story a call to the owner, in order."""
    calls, number, seq = [], 1, 1
    for event in events:
        if event.side != "owner":
            continue
        if event.kind == "attempt":
            number, seq = event.details.get("number", 1), event.details.get("seq", 1)
        elif event.kind == "dialled":
            calls.append((number, seq, []))
        if calls and event.kind != "attempt":
            calls[-1][2].append(event)
    return [replace(_story(call), number=number, seq=seq) for number, seq, call in calls]


def call_back_stories(events: Sequence[Event]) -> list[SideStory]:
    """One story a call back to the caller, in order."""
    calls: list[list[Event]] = []
    for event in events:
        if event.side == "caller" and event.kind == "call_back":
            calls.append([])
        if event.side == "caller" and calls:
            calls[-1].append(event)
    return [replace(_story(call), number=call[0].details["seq"]) for call in calls]


def _story(events: list[Event]) -> SideStory:
    up_ms = next((event.ms for event in events if event.kind == "answered"), events[0].ms if events else 0)
    events = [replace(event, ms=event.ms - up_ms) for event in events]
    hung_up = next((event.ms for event in events if event.kind == "hung_up" and event.details.get("by") == "remote"), None)
    pressed = tuple((event.ms, event.details["result"].removeprefix("key ")) for event in events
                    if event.kind == "did" and event.details["result"].startswith("key "))
    return SideStory(tuple(events), tuple(_spans(events)), hung_up, pressed)


def _spans(events: list[Event]) -> list[Span]:
    """Each prompt after which something was heard, up to the next prompt."""
    said: list[Event] = []
    for event in events:
        if event.kind == "said" and not (said and event.ms - said[-1].ms < SAME_MS):
            said.append(event)
    over = max((event.ms for event in events), default=0)
    spans = []
    for place, prompt in enumerate(said):
        until = said[place + 1].ms if place + 1 < len(said) else over
        within = [event for event in events if prompt.ms < event.ms <= until]
        heard = tuple(event for event in within if event.kind == "heard")
        words = tuple(event for event in within if event.kind in ("words", "words_refused"))
        spans.append(Span(prompt.details["prompt"], prompt.ms, until, heard, words))
    return spans
