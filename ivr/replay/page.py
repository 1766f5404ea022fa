"""Replays as one HTML file that needs nothing else: seen, read and heard on one time axis."""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from asr.listening.endpointing import SPEECH_OFF, SPEECH_ON
from asr.listening.vad import VoiceActivity
from ivr.call import FRAME_MS
from ivr.replay.compare import heard_words
from ivr.replay.result import Event, Replayed, Track

TEMPLATE = Path(__file__).with_name("page.html")
PEAK_MS = 40
"""One column of a waveform."""
VAD_MS = 32
SHOWN = ("matched", "did", "dialled", "ringing", "answered", "unreached", "answer", "hung_up", "trouble", "vault_unavailable",
         "seat_called", "seat_answered", "seat_unavailable", "caller_not_told", "struggle", "pace", "promised", "call_back",
         "promise_kept", "promise_unkept", "text_queued", "text_sent", "text_failed")
"""Entries that are drawn as decisions, beside states."""


def write_page(path: Path, results: Sequence[Replayed]) -> None:
    """Write the page, failures first. Raises OSError."""
    told = [_conversation(each) for each in sorted(results, key=lambda each: each.passed)]
    data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    path.write_text(TEMPLATE.read_text(encoding="utf-8").replace("/*CONVERSATIONS*/", data, 1), encoding="utf-8")


def _conversation(result: Replayed) -> dict[str, Any]:
    return {
        "name": result.name, "about": result.about, "passed": result.passed,
        "outcome": result.outcome, "reason": result.reason,
        "ms": max([round(result.call_s * 1000), *(track.began_ms + track.length_ms for track in result.tracks)]),
        "call_ms": round(result.call_s * 1000),
        "mismatches": [{"where": m.where, "wanted": m.wanted, "got": m.got, "ms": m.ms} for m in result.mismatches],
        "tracks": [_track(track, result) for track in result.tracks],
        "elsewhere": [(event.ms, event.side, _step(event)["text"]) for event in result.events
                      if event.kind in SHOWN and not any(_within(event, track) for track in result.tracks)],
        "audio": _audio(result.tracks),
    }


def _within(event: Event, track: Track) -> bool:
    """Whether it is told beside this leg."""
    return event.side == track.side and event.ms <= track.began_ms + track.length_ms + 1000


def _track(track: Track, result: Replayed) -> dict[str, Any]:
    until = track.began_ms + track.length_ms
    since = max((each.began_ms + each.length_ms + 1000 for each in result.tracks
                 if each.side == track.side and each.began_ms < track.began_ms), default=-1)
    own = [event for event in result.events if _within(event, track) and event.ms > since]
    said = [event for event in own if event.kind == "said"]
    wrong = {mismatch.ms: mismatch.wanted for mismatch in result.mismatches if mismatch.ms is not None}
    return {
        "side": track.side, "from": track.began_ms, "to": until,
        "received": _peaks(track.received), "sent": _peaks(track.sent), "speech": _speech(track),
        "prompts": [_prompt(piece, said) for piece in track.played],
        "heard": [_heard(event, wrong.get(event.ms, "")) for event in own if event.kind == "heard"],
        "steps": [_step(event) for event in own if event.kind in SHOWN or event.kind == "state"],
    }


def _prompt(piece: tuple[int, int, bool], said: Sequence[Event]) -> dict[str, Any]:
    began, ended, cut = piece
    event = next((each for each in reversed(said) if each.ms <= began), None)
    details = event.details if event else {"prompt": "", "text": ""}
    return {"from": began, "to": ended, "cut": cut, "id": details["prompt"], "text": details["text"]}


def _heard(event: Event, wanted: str) -> dict[str, Any]:
    details = event.details
    return {"ms": event.ms, "value": heard_words(event), "text": details.get("text", ""), "how": details["how"],
            "sure": details.get("probability"), "over": bool(details.get("interrupted")), "wrong": wanted}


def _step(event: Event) -> dict[str, Any]:
    if event.kind == "state":
        return {"ms": event.ms, "kind": "state", "text": event.details["name"]}
    values = " ".join(f"{value:.2f}" if isinstance(value, float) else str(value)
                      for value in event.details.values() if value not in ("", None))
    return {"ms": event.ms, "kind": event.kind, "text": f"{event.kind.replace('_', ' ')} {values}".strip()}


def _speech(track: Track) -> list[tuple[int, int]]:
    """Where the voice activity detection finds speech in what came in (ms of the conversation)."""
    spans, began = [], None
    for at, probability in enumerate(VoiceActivity(8000).feed(track.received)):
        ms = track.began_ms + at * VAD_MS
        if began is None and probability >= SPEECH_ON:
            began = ms
        elif began is not None and probability < SPEECH_OFF:
            spans.append((began, ms))
            began = None
    return spans if began is None else [*spans, (began, track.began_ms + track.length_ms)]


def _peaks(pcm: bytes) -> str:
    """The loudest sample of every `PEAK_MS`, by its square root, a byte each, in base64."""
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(np.float32)) / 32768
    step = 8 * PEAK_MS
    padded = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    loudest = padded.max(axis=1) if len(padded) else np.zeros(0)
    return base64.b64encode((np.sqrt(loudest) * 255).astype(np.uint8).tobytes()).decode()


def _audio(tracks: Sequence[Track]) -> str:
    """The whole conversation as a data URI: the caller's calls on the left, the owners' on the right."""
    if not tracks:
        return ""
    frames = max((track.began_ms // FRAME_MS + 1) * FRAME_MS * 8 + 8 * track.length_ms for track in tracks)
    both = np.zeros((frames, 2), np.float32)
    for track in tracks:
        for pcm in (track.received, track.sent):
            samples = np.frombuffer(pcm, "<i2") / 32768
            both[8 * track.began_ms: 8 * track.began_ms + len(samples), int(track.side == "owner")] += samples
    file = io.BytesIO()
    soundfile.write(file, np.clip(both, -1, 1), 8000, format="OGG", subtype="OPUS", compression_level=0.985)
    return "data:audio/ogg;base64," + base64.b64encode(file.getvalue()).decode()
