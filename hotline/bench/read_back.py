"""How often the first read-back is right: spoken plates, the recognizer, a sealed register."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from asr.pool import RecognizerPool
from asr.training.voices import HELD_OUT
from dialer.vault.supervise import VaultProcess
from hotline.demo.made_up_vault import make_vault
from hotline.move_car.read_back import plate_to_read, whole_plates
from tts.kokoro import Kokoro

LEAD_PCM, TAIL_PCM = bytes(3200), bytes(9600)
DISCARD_PORT = 9
"""No owner is called here."""


@dataclass(frozen=True)
class ReadBack:
    """One plate, who said it, and what the bot would read back after it was said once; `read` "": it asks for it again."""

    plate: str
    voice: str
    read: str

    @property
    def right(self) -> bool:
        return self.plate == self.read


async def read_backs(count: int, seed: int, folder: Path) -> AsyncIterator[ReadBack]:
    """Speak `count` registered plates in the held-out voices, by turns, and hear each once."""
    settings, plates = make_vault(folder / "vault", DISCARD_PORT)
    rng, kokoro = random.Random(seed), Kokoro()
    async with RecognizerPool(1) as ears, VaultProcess(settings, folder / "vault.sock") as vault:
        for number in range(count):
            plate, voice = rng.choice(plates), HELD_OUT[number % len(HELD_OUT)]
            stream = ears.open("plate")
            stream.feed(LEAD_PCM + kokoro.speak(plate, voice) + TAIL_PCM)
            heard = whole_plates(await stream.finish(), ())
            match = await vault.match(f"bench-{number}", heard) if heard else None
            read = plate_to_read(match, heard, (), last=False) if match else ""
            yield ReadBack(plate, voice, read)


def by_voice(results: list[ReadBack]) -> dict[str, tuple[int, int]]:
    """Right and all, for each voice."""
    right = Counter(result.voice for result in results if result.right)
    return {voice: (right[voice], count) for voice, count in Counter(r.voice for r in results).items()}
