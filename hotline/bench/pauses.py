"""What shorter waiting costs: plates said in groups with pauses between, by voices never trained on.

    python -m hotline.bench.pauses --look 96 --sure 160

Each plate is heard turn by turn on the call's own time, with the recognizer in this process: how many
turns end in a pause within the plate (cut), and how long after the last sound the others end, without
the time that decoding takes (some 60 ms on a free core).
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from asr.training.voices import HELD_OUT
from hotline.bench.turn_figures import spread
from ivr.call import Call
from ivr.flow.load import load_profiles
from ivr.replay import ears as local
from ivr.turn import Listening, exchange
from tts.caller_voice import say

FLOWS = Path(__file__).resolve().parents[2] / "flows"
GROUPS = (("赣K", "12", "345"), ("赣A3", "D678"), ("京B", "6F0", "21"))
PAUSES_MS = (200, 300, 400, 500, 600, 700)
QUIET = bytes(320)
AUDIBLE = 0.03


class SpokenCall(Call):
    """Frames of a recording, as fast as they are taken."""

    def __init__(self, pcm_8k: bytes):
        super().__init__("pauses")
        self._frames = iter([pcm_8k[at: at + 320].ljust(320, b"\0") for at in range(0, len(pcm_8k), 320)])

    async def next(self):
        await asyncio.sleep(0)
        if not self._inbox:
            self._put_frame(next(self._frames, QUIET), QUIET)
        return self._take()

    async def answer(self) -> None: ...
    def play(self, pcm_8k: bytes, mark: str) -> None: ...
    def flush(self) -> None: ...
    def bridge(self, other: Call) -> None: ...
    def hangup(self) -> None: ...


async def measure(look_ms: int, sure_ms: int) -> dict:
    """{"plates", "cut": {pause: [cut, all]}, "after": …} for the profile `plate` with these two."""
    local.HEARING_S = 0
    ears = local.LocalEars()
    profile = replace(load_profiles(FLOWS / "profiles.yaml")["plate"], look_ms=look_ms, sure_ms=sure_ms)
    waits, cut = [], {pause_ms: [0, 0] for pause_ms in PAUSES_MS}
    for voice in HELD_OUT:
        for groups in GROUPS:
            spoken = [_trimmed(say(group, voice)) for group in groups]
            for pause_ms in PAUSES_MS:
                pcm, last_began_ms = _joined(spoken, pause_ms)
                call = SpokenCall(pcm)
                await exchange(call, b"", "mark", Listening("plate", profile), ears)
                cut[pause_ms][1] += 1
                if call.now_ms < last_began_ms:
                    cut[pause_ms][0] += 1
                else:
                    waits.append(call.now_ms - len(pcm) // 16)
    return {"look_ms": look_ms, "sure_ms": sure_ms, "voices": len(HELD_OUT), "plates": len(HELD_OUT) * len(GROUPS),
            "cut": cut, "after": spread(waits)}


def _joined(spoken: list[bytes], pause_ms: int) -> tuple[bytes, int]:
    """The groups with pauses between, and when the last one begins, ms."""
    pause, pcm = bytes(16 * pause_ms), bytes(16 * 300)
    for group in spoken[:-1]:
        pcm += group + pause
    return pcm + spoken[-1], len(pcm) // 16


def _trimmed(pcm_8k: bytes) -> bytes:
    samples = np.frombuffer(pcm_8k, "<i2")
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE * np.abs(samples).max())
    return samples[loud[0]: loud[-1] + 1].tobytes()


@click.command(help=__doc__)
@click.option("--look", "look_ms", default=190, show_default=True)
@click.option("--sure", "sure_ms", default=250, show_default=True)
def main(look_ms: int, sure_ms: int) -> None:
    click.echo(json.dumps(asyncio.run(measure(look_ms, sure_ms))))


if __name__ == "__main__":
    main()
