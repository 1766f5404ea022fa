"""How the bot takes turns, from the packets: calls through real SIP by telephones of their own process."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr.training.voices import HELD_OUT
from dialer.register.made_up import made_up_plates
from hotline.bench.made_sounds import cough
from hotline.bench.turn_figures import (
    longest_silence_ms,
    packets_of,
    reply_ms,
    silence_ms,
    sound_ms,
    spread,
)
from hotline.demo.people import YES
from hotline.demo.world import World, build_world
from hotline.engine import Engine
from hotline.errors import CannotRun
from tts.audio import write_file
from tts.caller_voice import say

FLOWS = Path(__file__).resolve().parents[2] / "flows"
PHONE = Path(__file__).with_name("packet_phone.py")
PLATES_SEED = 24
OVER_WELCOME = ("喂，你好。", "再说一遍。", "我要挪车。", "听不清楚。")
OVER_THE_NEXT = ("换人工吧。", "停一下。", "不对。", "喂？")
"""What is said over two prompts of one call. Nothing is said over the answer to 人工: it cannot be interrupted."""
OWNER_ANSWERS = ("好的，我马上来。", "我要十分钟。", "这不是我的车，你打错了。")
ECHO_DB, ECHO_DELAYS_MS = -20, (60, 120, 180, 250)
CALL_LIMIT_S, ECHO_CALL_S, BARGE_IN_CALL_S = 40, 7.0, 12.0
CALLS_A_BARGE_IN_CALL = 3
"""For so many conversations one call with nothing but barge-ins is held."""
STRETCHED_MS = 60
"""A silence so much longer than the prompt's own longest one is a pause that something caused."""
INTERRUPTED_MS = 1000
"""A silence after which the bot has given its prompt up: a caller who waits for its end speaks after 700."""
TARGETS = {"p50_ms": 300, "p95_ms": 600, "barge_in_max_ms": 120, "coughs_interrupted": 0, "echo_interrupted": 0}
OF_CONVERSATIONS = ("p50_ms", "p95_ms")
"""The targets that calls with nothing but barge-ins do not measure."""


@dataclass
class Figures:
    """What was measured so far."""

    replies: dict[str, list[float]] = field(default_factory=lambda: {"plate": [], "yes": [], "owner": []})
    silences: list[float] = field(default_factory=list)
    coughs: int = 0
    coughs_paused: int = 0
    coughs_interrupted: int = 0
    echo_calls: int = 0
    echo_interrupted: int = 0
    unfinished: int = 0
    """Callers whose call did not come to its end."""
    owners_called: int = 0
    owners_not_rung: int = 0
    """Owners who were not called while the caller was on the line: the plate was not heard right, say."""


async def measure_turns(
    calls: int, folder: Path, step: Callable[[], None], echo_delays_ms: Sequence[int] = ECHO_DELAYS_MS,
    barge_in_calls: int = 0,
) -> dict:
    """Hold `calls` conversations, `barge_in_calls` in which two prompts are spoken over, and one with nothing
    but an echo for each delay; `step` is called after each.

    Raises `TtsError` where no voice can speak.
    """
    plates = tuple(made_up_plates(max(calls, 1), seed=PLATES_SEED))
    sayings = await asyncio.to_thread(_speak, plates[:calls], folder)
    over_prompts = await asyncio.to_thread(_speak_over, barge_in_calls, folder)
    world = build_world(folder / "world", FLOWS, plates[0], 12, more_plates=plates[1:])
    figures = Figures()
    async with Engine(world.config, []) as engine:
        serving = asyncio.create_task(engine.serve())
        welcome = packets_of(engine.flows.current.voice.render("welcome", {}).pcm_8k)
        try:
            for number, says in enumerate(sayings):
                await _conversation(number, world, says, welcome, figures)
                step()
            for number, (first, second) in enumerate(over_prompts):
                await _barge_in(number, world, first, second, figures)
                step()
            for delay_ms in echo_delays_ms:
                await _echo_alone(delay_ms, world, welcome, figures)
                step()
        finally:
            serving.cancel()
    return report(calls, figures, barge_in_calls)


def report(calls: int, figures: Figures, barge_in_calls: int = 0) -> dict:
    """The figures as they are written down, and whether the targets are met."""
    replies = spread([ms for each in figures.replies.values() for ms in each])
    silences = spread(figures.silences)
    found = {
        "calls": calls, "barge_in_calls": barge_in_calls, "voices": list(HELD_OUT[:max(calls, barge_in_calls)]), "synthetic_voices": True,
        "turns": replies["n"], "p50_ms": replies["p50_ms"], "p95_ms": replies["p95_ms"], "max_ms": replies["max_ms"],
        "by_turn": {name: spread(each) for name, each in figures.replies.items()},
        "barge_in": silences,
        "coughs": {"n": figures.coughs, "paused": figures.coughs_paused, "interrupted": figures.coughs_interrupted},
        "echo": {"calls": figures.echo_calls, "db": ECHO_DB, "delays_ms": ECHO_DELAYS_MS,
                 "interrupted": figures.echo_interrupted},
        "owners": {"called": figures.owners_called, "not_rung": figures.owners_not_rung},
        "unfinished": figures.unfinished,
        "targets": {name: most for name, most in TARGETS.items() if calls or name not in OF_CONVERSATIONS},
        "machine": {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)},
    }
    found["missed"] = _missed(found)
    return found


def _missed(found: dict) -> list[str]:
    """The targets that are not met; what was not measured is not met."""
    figures = {
        "p50_ms": found["p50_ms"], "p95_ms": found["p95_ms"], "barge_in_max_ms": found["barge_in"]["max_ms"],
        "coughs_interrupted": found["coughs"]["interrupted"], "echo_interrupted": found["echo"]["interrupted"],
    }
    return [name for name, most in found["targets"].items() if figures[name] is None or figures[name] > most]


async def _conversation(number: int, world: World, says: dict[str, Path], welcome, figures: Figures) -> None:
    """A caller with a plate, who coughs, or speaks over the welcome, or both; and the owner's answer."""
    interrupts, coughs = number % 3 != 2, number % 2 == 0
    steps = [_step("speech", 1000, says["cough"], "cough", aside=True)] if coughs else []
    steps.append(_step("speech", 3200, says["plate"], "plate") if interrupts else _step("quiet", 700, says["plate"], "plate"))
    steps.append(_step("quiet", 1000, says["yes"], "yes"))
    owner_step = _step("speech", 2500, says["owner"], "owner") if number % 2 else _step("quiet", 500, says["owner"], "owner")
    owner = _Telephone({"wait": world.owner_port, "steps": [owner_step], "patience_s": 2 * CALL_LIMIT_S, "limit_s": 30})
    caller = _Telephone(_calls(number, world, steps, CALL_LIMIT_S))
    async with owner, caller:
        taken = await caller.result(CALL_LIMIT_S + 10)
        answered = await owner.result(5)
    figures.owners_called += 1
    figures.owners_not_rung += answered is None
    figures.unfinished += taken is None
    for each in (taken, answered):
        if each is not None:
            _note(each, welcome, figures)


async def _barge_in(number: int, world: World, first: Path, second: Path, figures: Figures) -> None:
    """A caller who speaks over the welcome and over what the bot says to that."""
    steps = [_step("speech", 600 + 370 * number % 2400, first, "over"), _step("speech", 500 + 230 * number % 600, second, "over")]
    async with _Telephone(_calls(number, world, steps, BARGE_IN_CALL_S) | {"then_s": 1.5}) as phone:
        taken = await phone.result(BARGE_IN_CALL_S + 10)
    figures.unfinished += taken is None
    if taken is not None:
        _note(taken, (), figures)


def _calls(number: int, world: World, steps: list[dict], limit_s: float) -> dict:
    """The plan of a caller's telephone, each under a name of its own, on which the bot's voice comes back."""
    delay_ms = ECHO_DELAYS_MS[number % len(ECHO_DELAYS_MS)]
    return {"call": world.sip_port, "from": f"bench{number}", "steps": steps, "limit_s": limit_s,
            "echo_db": ECHO_DB, "echo_ms": delay_ms}


async def _echo_alone(delay_ms: int, world: World, welcome, figures: Figures) -> None:
    """A telephone that says nothing but gives back what it hears."""
    plan = {"call": world.sip_port, "steps": [], "limit_s": ECHO_CALL_S, "echo_db": ECHO_DB, "echo_ms": delay_ms}
    async with _Telephone(plan) as phone:
        taken = await phone.result(ECHO_CALL_S + 10)
    if taken is None:
        figures.unfinished += 1
        return
    received = taken["received"]
    stretched = longest_silence_ms(_spoken(received), 0, float("inf")) > _own_silence_ms(welcome) + STRETCHED_MS
    figures.echo_calls += 1
    figures.echo_interrupted += stretched or abs(sound_ms(received) - sound_ms(welcome)) > 2 * STRETCHED_MS


def _note(taken: dict, welcome, figures: Figures) -> None:
    received, said = taken["received"], [each for each in taken["said"] if each["last_s"]]
    for place, each in enumerate(said):
        if each["label"] == "cough":
            until_s = min([after["first_s"] for after in said[place + 1:]] or [each["last_s"] + 2])
            _note_cough(received, each["first_s"], until_s, welcome, figures)
            continue
        if each["label"] in figures.replies:
            figures.replies[each["label"]].append(reply_ms(received, each["last_s"]))
        if (silent := silence_ms(received, each["first_s"])) is not None:
            figures.silences.append(silent)


def _note_cough(received, from_s: float, until_s: float, welcome, figures: Figures) -> None:
    figures.coughs += 1
    silence = longest_silence_ms(received, from_s, until_s)
    figures.coughs_paused += _own_silence_ms(welcome) + STRETCHED_MS < silence <= INTERRUPTED_MS
    figures.coughs_interrupted += silence > INTERRUPTED_MS


def _spoken(received):
    """From the first packet with sound to the last."""
    loud = [place for place, (_, sound) in enumerate(received) if sound]
    return received[loud[0]: loud[-1] + 1] if loud else []


def _own_silence_ms(prompt) -> float:
    return longest_silence_ms(_spoken(prompt), 0, float("inf"))


def _step(on: str, ms: int, say_: Path, label: str, **more) -> dict:
    return {"on": on, "ms": ms, "say": str(say_), "label": label, **more}


def _speak(plates: Sequence[str], folder: Path) -> list[dict[str, Path]]:
    """For each call a plate, a yes, an owner's answer in held-out voices, and a cough, as WAV files."""
    sayings = []
    for number, plate in enumerate(plates):
        caller, owner = HELD_OUT[number % len(HELD_OUT)], HELD_OUT[(number + 3) % len(HELD_OUT)]
        sounds = {
            "plate": say(plate, caller), "yes": say(YES, caller),
            "owner": say(OWNER_ANSWERS[number % len(OWNER_ANSWERS)], owner), "cough": cough(number),
        }
        sayings.append({label: _wav(folder / f"{number}-{label}.wav", pcm) for label, pcm in sounds.items()})
    return sayings


def _speak_over(calls: int, folder: Path) -> list[tuple[Path, Path]]:
    """For each barge-in call two short sayings in a held-out voice."""
    return [tuple(_wav(folder / f"over-{number}-{place}.wav", say(texts[(number + number // len(HELD_OUT)) % len(texts)], HELD_OUT[number % len(HELD_OUT)]))
                  for place, texts in enumerate((OVER_WELCOME, OVER_THE_NEXT)))
            for number in range(calls)]


def _wav(path: Path, pcm_8k: bytes) -> Path:
    write_file(path, pcm_8k)
    return path


class _Telephone:
    """A `packet_phone` process. Entered, it is ready; left, it has ended."""

    def __init__(self, plan: dict):
        self._plan = plan

    async def __aenter__(self) -> "_Telephone":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(PHONE), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=1 << 24)
        self._process.stdin.write(json.dumps(self._plan).encode())
        self._process.stdin.close()
        if await self._process.stdout.readline() != b"ready\n":
            raise CannotRun("the bench's telephone does not start; see its words above, or try ivr doctor")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def result(self, limit_s: float) -> dict | None:
        """What it stamped, once its call is over; None where it took none, or not in time."""
        try:
            async with asyncio.timeout(limit_s):
                return json.loads(await self._process.stdout.read() or b"null")
        except TimeoutError:
            return None
