"""A case from production becomes a fixture: its sound cut at the prompts, its log what is expected, masked."""

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from asr.grammars.grammar import Grammar
from hotline.errors import CannotRun
from hotline.owners.call import owner_recording
from hotline.replay.house import House
from hotline.replay.mask import first_sound_ms, made_up, masked_sound, masked_text, sayings
from hotline.replay.story import (
    SideStory,
    Span,
    call_back_stories,
    caller_story,
    events_of,
    owner_stories,
)
from hotline.storage.store import Case, Store
from ivr.replay.compare import WORD, heard_words
from ivr.replay.fixture import ANSWERS, FILE, Fixture
from ivr.replay.line import ENDINGS
from ivr.replay.result import Event
from tts import audio

NOT_UNDERSTOOD = "今天天气真好，我想去公园里走一走。"
"""What an owner is made to say whose own words are not kept and meant nothing to the bot."""
KEY_EVERY_MS = 250
HOLD_S = Fixture.hold_s


@dataclass(frozen=True)
class Adopted:
    """A written fixture, and how many spoken numbers were replaced in it."""

    folder: Path
    numbers_masked: int


def adopt(
    store: Store, case_id: str, recordings: Path, folder: Path, house: House, *, owner_audio: bool = False
) -> Adopted:
    """Write the fixture of a closed case. `owner_audio`: keep the owner's own voice, too.

    What was not listened to (waiting, the talk with a seat) is not kept. Raises CannotRun.
    """
    case = store.case(case_id)
    if case is None:
        raise CannotRun(f"there is no case {case_id}; see ivr case list")
    if not case.outcome:
        raise CannotRun(f"case {case_id} is still open; adopt it when it is closed")
    if (folder / FILE).exists():
        raise CannotRun(f"{folder / FILE} is there already; remove it or name another folder with --to")
    return _Adopting(case, events_of(store.events(case_id)), recordings, folder, house, owner_audio).write()


class _Adopting:
    """One case on its way into a folder."""

    def __init__(self, case: Case, events: list[Event], recordings: Path, folder: Path, house: House, owner_audio: bool):
        self._case, self._events, self._folder, self._owner_audio = case, events, folder, owner_audio
        self._recordings, self._house = recordings, house
        self._phone = Grammar.load("phone", house.flows / "grammars")
        self._masked = 0

    def write(self) -> Adopted:
        caller, owners, back = (cut(self._events) for cut in (caller_story, owner_stories, call_back_stories))
        sound = self._sound("caller", caller)
        self._folder.mkdir(parents=True, exist_ok=True)
        fixture: dict[str, Any] = {"about": f"adopted from production: {self._case.outcome}"}
        fixture |= self._house_of(caller)
        fixture["turns"] = self._turns("caller", caller, sound, keep_voice=True)
        fixture |= self._owners(owners)
        if "call_back" in fixture:
            fixture["call_back"] = [self._called(f"call-back-{story.number}", story, f"call-back-{story.number}", keep_voice=True)
                                    for story in back]
        fixture["expect"] = self._expected(caller, owners) | self._told_later(back)
        text = io.StringIO()
        yaml = YAML()
        yaml.width = 110
        yaml.dump(fixture, text)
        (self._folder / FILE).write_text(text.getvalue(), encoding="utf-8")
        return Adopted(self._folder, self._masked)

    def _house_of(self, caller: SideStory) -> Mapping[str, Any]:
        """What stood in the register, and how vault and seats were."""
        told: dict[str, Any] = {}
        plates = _registered(caller.events)
        if plates:
            told["register"] = plates
        if caller.of("vault_unavailable"):
            told["vault"] = "down"
        if caller.of("seat_unavailable") and not caller.of("seat_answered"):
            told["seat"] = "busy" if caller.of("seat_unavailable")[-1].details.get("code") == 486 else "no-answer"
        held = [event.details["hold_s"] for event in caller.of("owner_news") if event.details.get("hold_s", HOLD_S) != HOLD_S]
        return told | ({"hold_s": held[0]} if held else {}) | _word_later(caller)

    def _owners(self, stories: Sequence[SideStory]) -> Mapping[str, Any]:
        """Each number that was called, in order; who was called again speaks on."""
        kept: dict[int, list[SideStory]] = {}
        for story in stories:
            kept.setdefault(story.number, []).append(story)
        told = []
        for number, calls in sorted(kept.items()):
            legs = [self._called(f"owner-{number}-{call}", story, owner_recording(story.seq), keep_voice=self._owner_audio)
                    for call, story in enumerate(calls, 1)]
            turns = [turn for leg in legs for turn in leg.get("turns", ())]
            before = [leg.get("ends", ANSWERS) for leg in legs[:-1]]
            told.append(({"before": before} if {*before} - {ANSWERS} or "ends" in legs[-1] and before else {}) | legs[-1] | ({"turns": turns} if turns else {}))
        return ({"attempts": len(stories)} if len(stories) > len(told) else {}) | ({"owner": told} if told else {})

    def _called(self, name: str, story: SideStory, recording: str, *, keep_voice: bool) -> Mapping[str, Any]:
        """Somebody who was rung."""
        told: dict[str, Any] = {}
        rang = next((event.ms for event in story.of("ringing")), None)
        if unreached := story.of("unreached"):
            outcome = unreached[0].details["outcome"]
            told["ends"] = outcome if outcome in ENDINGS else "failed"
            if rang is not None and outcome != "no-answer":
                told["rings_ms"] = max(0, unreached[0].ms - rang)
            return told
        told["rings_ms"] = -rang if rang is not None else 0
        told["turns"] = self._turns(name, story, self._sound(recording, story), keep_voice=keep_voice)
        return told

    def _sound(self, recording: str, story: SideStory) -> "_Sound":
        return _Sound(self._recordings / f"{self._case.id}-{recording}.wav", story)

    def _turns(self, name: str, story: SideStory, sound: "_Sound", *, keep_voice: bool) -> list[Mapping[str, Any]]:
        turns: list[dict[str, Any]] = []
        for span in story.spans:
            if span.answers:
                pcm = sound.between(span.from_ms, _ends_ms(span, story))
                turns.append(self._turn(f"{name}-{len(turns) + 1}", span, pcm, keep_voice))
        answers = [span for span in story.spans if span.answers]
        asked = [span for span in story.spans if not answers or span.from_ms > answers[-1].from_ms]
        last = asked[0] if asked else None
        for ms, key in story.pressed:
            on = [span for span in story.spans if span.from_ms <= ms and span.prompt != "still_calling"][-1]
            turns.append({"on": on.prompt, "over_ms": max(0, ms - on.from_ms), "key": key})
        if story.hung_up_ms is not None and last and story.hung_up_ms >= last.from_ms and not story.pressed:
            turns.append({"on": last.prompt, "over_ms": max(0, story.hung_up_ms - last.from_ms), "hang_up": "yes"})
        elif story.hung_up_ms is not None:
            turns.append({"after_ms": 200, "hang_up": "yes"})
        return turns

    def _turn(self, name: str, span: Span, pcm: bytes, keep_voice: bool) -> dict[str, Any]:
        turn: dict[str, Any] = {"on": span.prompt}
        if not span.heard:
            return turn | {"over_ms": 0, "audio": self._kept(name, pcm)}
        first = span.heard[0]
        heard = [masked_text(heard_words(event)) for event in span.heard]
        if first.details["how"] == "key":
            keys = first.details["text"].split()[-1]
            at = first.ms - span.from_ms - KEY_EVERY_MS * (len(keys) - 1)
            turn |= {"over_ms": max(0, at), "key": keys}
        elif digits := _number_heard(span.heard):
            self._masked += 1
            turn |= {"over_ms": _begins_ms(pcm), "say": made_up(digits)}
        elif keep_voice:
            turn |= {"over_ms": 0, "audio": self._kept(name, pcm)}
        elif first.details["how"] != "no_input":
            said = first.details["text"] if first.details["how"] == "match" else NOT_UNDERSTOOD
            turn |= {"over_ms": _begins_ms(pcm), "say": masked_text(said)}
        return turn | {"heard": heard if len(heard) > 1 else heard[0]}

    def _kept(self, name: str, pcm: bytes) -> str:
        """The file of what was said, numbers in it masked."""
        pcm, masked = masked_sound(pcm, self._house.ears.recognizer, self._phone)
        self._masked += masked
        audio.write_file(self._folder / f"{name}.flac", pcm)
        return f"{name}.flac"

    def _expected(self, caller: SideStory, owners: Sequence[SideStory]) -> Mapping[str, Any]:
        told: dict[str, Any] = {"outcome": self._case.outcome}
        if self._case.reason:
            told["reason"] = self._case.reason
        if matched := caller.of("matched"):
            told["plate"] = matched[-1].details["plate"]
        told["states"] = [event.details["name"] for event in caller.of("state")]
        answers = [event for story in owners for event in (*story.of("answer"), *story.of("unreached"))]
        if answers:
            told["owner"] = {"outcome": answers[-1].details["outcome"]}
            minutes = [event.details["minutes"] for event in answers if event.details.get("minutes")]
            if minutes:
                told["owner"]["minutes"] = minutes[-1]
        return told

    def _told_later(self, back: Sequence[SideStory]) -> Mapping[str, Any]:
        """What became of the promise to the caller, where something did."""
        told: dict[str, Any] = {}
        if word := [event.kind for event in self._events if event.kind in WORD]:
            told["promise"] = WORD[word[-1]]
        ends = [event for story in back for event in story.events if event.kind in ("unreached", "call_back_ended")]
        if ends:
            told["call_back"] = {"outcome": ends[-1].details["outcome"],
                                 "states": [event.details["name"] for story in back for event in story.of("state")]}
        return told


class _Sound:
    """What came in on a recorded leg, by the log's time."""

    def __init__(self, path: Path, story: SideStory) -> None:
        try:
            with wave.open(str(path)) as file:
                both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        except (OSError, EOFError, ValueError, wave.Error) as error:
            raise CannotRun(f"the recording {path} cannot be read ({error}); "
                            "name the folder that holds it with --recordings") from None
        self._received = np.ascontiguousarray(both[:, 0]).tobytes()
        first_said_ms = story.spans[0].from_ms if story.spans else 0
        self._late_ms = first_sound_ms(np.ascontiguousarray(both[:, 1]).tobytes()) - first_said_ms

    def between(self, from_ms: int, to_ms: int) -> bytes:
        """PCM of what came in from one time of the log to another."""
        start, end = (max(0, ms + self._late_ms) * 16 for ms in (from_ms, to_ms))
        return self._received[start:end]


def _ends_ms(span: Span, story: SideStory) -> int:
    """A span ends where the person leaves, or the last of it was heard: what follows is not kept."""
    ends = [span.answers[-1].ms, span.to_ms, *([story.hung_up_ms] if story.hung_up_ms is not None else [])]
    return min(end for end in ends if end > span.from_ms)


def _registered(events: Sequence[Event]) -> list[str]:
    """Plates that the register had: surely matched ones, and what a caller confirmed and was found."""
    plates: dict[str, None] = {}
    read = ""
    for event in events:
        if event.kind == "matched":
            read = event.details["plate"]
            if event.details["how"] == "match":
                plates[read] = None
        elif event.kind == "did" and event.details.get("result") == "found" and read:
            plates[read] = None
    return list(plates)


def _word_later(caller: SideStory) -> Mapping[str, Any]:
    """What the caller's line showed, and whether they could be called back and texts be sent."""
    done = {event.details["action"]: event.details["result"] for event in caller.of("did")}
    ways = done.get("ways_back", "none")
    told: dict[str, Any] = {"phone": "landline" if ways == "call" else "mobile"} if ways != "none" else {}
    if "text" in ways or done.get("send_text") == "queued":
        told["texts"] = "sent"
    return told | ({"call_back": []} if "call" in ways else {})


def _number_heard(heard: Sequence[Event]) -> int:
    """How many digits the longest number has that was heard as an answer; 0 for none."""
    return max((len(event.details["value"]) for event in heard
                if event.details["value"].isdigit() and len(event.details["value"]) >= 7), default=0)


def _begins_ms(pcm: bytes) -> int:
    """When somebody begins to speak in this piece."""
    return next((began for began, _ in sayings(pcm)), 0)
