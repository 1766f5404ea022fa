"""Holds what happened against what the fixture expects."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from ivr.call import FRAME_MS
from ivr.level import rms
from ivr.replay.fixture import Expected, Fixture, Script
from ivr.replay.result import CALL_BACK, Event, Mismatch, Replayed, Track

AUDIBLE = 300
"""RMS, in sample units, from which on a frame of the caller's counts as their voice (−41 dBFS)."""
WORD = {"promise_kept": "kept", "promise_unkept": "unkept"}
"""What becomes of a promise, by the log's entries."""


def mismatches(fixture: Fixture, lived: Replayed) -> tuple[Mismatch, ...]:
    """Everything that differs, the caller's turns first."""
    return tuple([
        *_turns("caller", fixture.caller, lived),
        *(each for script in fixture.owner[-1:] for each in _turns("owner", script, lived)),
        *(each for script in (fixture.call_back or ())[-1:] for each in _turns(CALL_BACK, script, lived)),
        *_side("", fixture.expected, lived, "caller"),
        *_side("owner ", fixture.owner_expected, lived, "owner"),
        *_side(f"{CALL_BACK} ", fixture.call_back_expected, lived, CALL_BACK),
    ])


def heard_words(event: Event) -> str:
    """What a `heard` entry says, as fixtures write it: a value, `no_input`, `no_match` or `key 1`."""
    how = event.details["how"]
    if how == "key":
        return f"key {event.details['text']}"
    return event.details["value"] if how == "match" else how


def _turns(side: str, script: Script, lived: Replayed) -> Iterator[Mismatch]:
    taken = dict(lived.turns.get(side, ()))
    heard: dict[int, list[Event]] = defaultdict(list)
    for of, entry, turn in lived.heard_in:
        if of == side:
            heard[turn].append(lived.events[entry])
    name = "" if side == "caller" else f"{side} "
    for index, turn in enumerate(script.turns):
        if index not in taken:
            said = ", ".join(event.details["prompt"] for event in lived.of(side, "said")) or "nothing"
            yield Mismatch(name + turn.name, "this turn to come", f"only these prompts: {said}")
            return
        if turn.heard is None:
            continue
        got = [heard_words(event) for event in heard[index]]
        if got != list(turn.heard):
            at = next((event.ms for event, wanted in zip(heard[index], turn.heard) if heard_words(event) != wanted),
                      heard[index][-1].ms if heard[index] else taken[index])
            yield Mismatch(name + turn.name, _listed(turn.heard), _listed(map(_with_text, heard[index])), at)


def _with_text(event: Event) -> str:
    """A heard value with the words that it was heard in."""
    words, text = heard_words(event), event.details["text"]
    if event.details["how"] != "match" or text == words:
        return words
    sure = event.details["probability"]
    return f"{words} (“{text}”{'' if sure is None else f' {sure:.2f}'})"


def _listed(values) -> str:
    return ", then ".join(values) or "nothing heard"


def _side(name: str, wanted: Expected, lived: Replayed, side: str) -> Iterator[Mismatch]:
    facts = _facts(lived, side)
    for field in fields(Expected):
        expected = getattr(wanted, field.name)
        if expected is None or field.name in ("seconds", "reply_ms", "barge_in_ms"):
            continue
        got = facts[field.name]
        if isinstance(expected, tuple):
            if list(expected) != got:
                yield _first_difference(name + field.name, list(expected), got)
        elif expected != got:
            yield Mismatch(name + field.name, expected or "none", got or "none")
    yield from _limits(name, wanted, lived, side)


def _facts(lived: Replayed, side: str) -> dict[str, object]:
    own = side == "caller"
    answers = [event for event in lived.events if event.side == "owner" and event.kind in ("answer", "unreached")]
    ends = answers if side == "owner" else [
        event for event in lived.events if event.side == side and event.kind in ("unreached", "call_back_ended")]
    word = [event.kind for event in lived.events if event.kind in WORD]
    matched = [event.details["plate"] for event in lived.of("caller", "matched")]
    return {
        "outcome": lived.outcome if own else (ends[-1].details["outcome"] if ends else ""),
        "reason": lived.reason if own else "",
        "plate": matched[-1] if matched else "",
        "minutes": next((e.details["minutes"] for e in reversed(answers) if e.details.get("minutes")), ""),
        "prompts": [event.details["prompt"] for event in lived.of(side, "said")],
        "states": [event.details["name"] for event in lived.of(side, "state")],
        "texts": [event.details["text"] for event in lived.of("desk", "text_sent")],
        "promise": WORD[word[-1]] if word else "",
    }


def _first_difference(where: str, wanted: list[str], got: list[str]) -> Mismatch:
    place = next((at for at, (one, other) in enumerate(zip(wanted, got)) if one != other), min(len(wanted), len(got)))
    before = f" after {wanted[place - 1]}" if place else ""
    return Mismatch(where, f"{wanted[place] if place < len(wanted) else 'the end'}{before}",
                    f"{got[place] if place < len(got) else 'the end'} (all: {', '.join(got)})")


def _limits(name: str, wanted: Expected, lived: Replayed, side: str) -> Iterator[Mismatch]:
    tracks = [track for track in lived.tracks if track.side == side]
    if wanted.seconds is not None:
        lasted = sum(track.length_ms for track in tracks) / 1000
        if lasted > wanted.seconds:
            yield Mismatch(f"{name}seconds", f"at most {wanted.seconds} s", f"{lasted:.1f} s")
    if wanted.reply_ms is not None:
        for event in lived.of(side, "reply"):
            if event.details["ms"] > wanted.reply_ms:
                yield Mismatch(f"{name}reply_ms", f"at most {wanted.reply_ms} ms", f"{event.details['ms']} ms", event.ms)
    if wanted.barge_in_ms is not None:
        for track in tracks:
            yield from _barge_ins(name, wanted.barge_in_ms, track, lived)


def _barge_ins(name: str, most_ms: int, track: Track, lived: Replayed) -> Iterator[Mismatch]:
    """How long the bot spoke on after speech that interrupted it had begun."""
    for event in lived.of(track.side, "heard"):
        if not event.details.get("interrupted"):
            continue
        began = max((ms for _, ms in lived.turns[track.side] if ms < event.ms), default=None)
        if began is None:
            continue
        spoke_on = spoke_on_ms(track, began, event.ms)
        if spoke_on > most_ms:
            yield Mismatch(f"{name}barge_in_ms", f"silence within {most_ms} ms", f"{spoke_on} ms", began)


def spoke_on_ms(track: Track, from_ms: int, until_ms: int) -> int:
    """From the first audible frame received in this time to the last that the bot sent in it."""
    first, last = ((ms - track.began_ms) // FRAME_MS for ms in (from_ms, until_ms))
    voice = next((at for at in range(first, last) if rms(_frame(track.received, at)) > AUDIBLE), last)
    sent = [at for at in range(voice, last) if np.any(np.frombuffer(_frame(track.sent, at), "<i2"))]
    return (sent[-1] + 1 - voice) * FRAME_MS if sent else 0


def _frame(pcm: bytes, at: int) -> bytes:
    return pcm[at * FRAME_MS * 16: (at + 1) * FRAME_MS * 16]
