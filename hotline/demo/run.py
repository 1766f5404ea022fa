"""Runs the demo: builds its world, starts engine and phones, lets the call happen, sums up."""

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from hotline.cases.casebook import Entry
from hotline.demo.director import Director
from hotline.demo.ending import Ending
from hotline.demo.gateway_process import GatewayProcess, connected
from hotline.demo.people import OWNER_PHONES, Cast
from hotline.demo.phone import Phone
from hotline.demo.show import Show
from hotline.demo.tally import Tally
from hotline.demo.voices import speak_lines
from hotline.demo.world import World, build_world, free_udp_ports
from hotline.engine import Engine
from hotline.errors import CannotRun

CALL_LIMIT_S = 150
OWNER_RING_S = 15
OWNER_TAKES_S, SEAT_TAKES_S = 8.5, 1.5
"""How long telephones ring: an owner's until they have it out of their pocket."""
SHORT_WAITS = {"owner_attempts": 2, "owner_busy_wait_s": 8, "owner_no_answer_wait_s": 8, "owner_off_wait_s": 8}
"""Minutes in earnest: the demo's caller hears of a second attempt, and how it ends, while one watches."""
CALLER_NUMBER = "13900000001"
FLOWS = Path(__file__).resolve().parents[2] / "flows"


@dataclass(frozen=True)
class Options:
    """What `ivr demo` was asked for."""

    cast: Cast
    voice: str
    owner_voice: str
    folder: Path
    keep: bool = False
    port: int = 0


async def run_demo(options: Options, console: Console) -> Tally:
    """One whole call between real phones. Returns what it came to."""
    recordings = await asyncio.to_thread(
        speak_lines, options.cast.lines(), options.voice, options.owner_voice, options.folder / "speech", console
    )
    world = build_world(options.folder, FLOWS, options.cast.plate, OWNER_RING_S, options.port, **SHORT_WAITS)
    show, tally = Show(console), Tally()
    director, ending = Director(options.cast, recordings), Ending()

    def listen(entry: Entry) -> None:
        show.entry(entry)
        tally.take(entry)
        director.entry(entry)
        ending.entry(entry)

    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(GatewayProcess(show.delivered))
        (caller_port,) = free_udp_ports(1)
        world = connected(world, gateway.port, caller_port, **({"hold_s": 1} if options.cast.later else {}))
        console.print(f"starting the engine, its SIP worker and the vault … ({world.hotline_uri})", style="dim", highlight=False)
        engine = await stack.enter_async_context(Engine(world.config, [listen]))
        running = [asyncio.create_task(engine.serve())]
        stack.callback(lambda: [task.cancel() for task in running])
        phones = {"owner": _owner_script(world, options), "seat": _waiting(world.seat_port)}
        if not options.keep:
            phones["caller"] = {"mode": "call", "uri": world.hotline_uri, "user": CALLER_NUMBER, "steps": [{"obey": {}}]}
            if options.cast.later:
                phones["called-back"] = _waiting(caller_port)
        for name, script in phones.items():
            phone = await stack.enter_async_context(Phone(name, script, world.folder / "phones" / f"{name}.wav"))
            running.append(asyncio.create_task(director.part(name)(phone)))
        if options.keep:
            _tell_how_to_call(console, world, options.cast.plate)
            await _until_told_to_stop()
            console.print("ending …", style="dim")
            return tally
        await _until_over(ending)
        await engine.store.flushed()
    show.summary(tally, world.config.recordings, world.config.data / "cases.db")
    return tally


async def _until_told_to_stop() -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


async def _until_over(ending: Ending) -> None:
    try:
        await asyncio.wait_for(ending.over.wait(), CALL_LIMIT_S)
    except TimeoutError:
        raise CannotRun(f"the call did not end within {CALL_LIMIT_S} s; try ivr doctor") from None


def _owner_script(world: World, options: Options) -> dict:
    behaviour = OWNER_PHONES.get(options.cast.owner)
    if behaviour:
        return {"mode": "wait", "port": world.owner_port, "answer": [behaviour] * 9, "wait_timeout_s": 600}
    script = _waiting(world.owner_port, OWNER_TAKES_S)
    return script | ({"answer": ["busy", *script["answer"]]} if options.cast.later else {})


def _waiting(port: int, takes_s: float = SEAT_TAKES_S) -> dict:
    return {
        "mode": "wait", "port": port, "answer": [{"after_s": takes_s}] * 50, "wait_timeout_s": 86400,
        "steps": [{"obey": {}}],
    }


def _tell_how_to_call(console: Console, world: World, plate: str) -> None:
    console.print(
        f"\n[bold]Call [cyan]{world.hotline_uri}[/] with any softphone[/] (baresip, Linphone; G.711, on this machine)\n"
        f"and say the plate [bold]{plate}[/]. Key 0 or “人工” rings the seat. Ctrl-C ends it.\n"
        f"Settings, register, cases and recordings: {world.folder}\n",
        highlight=False,
    )
