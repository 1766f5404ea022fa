"""How often the first read-back is right: spoken plates, the recognizer, a sealed register."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from asr.pool import RecognizerPool
from dialer.made_up import write_owners
from dialer.owners import make_key, seal_list
from dialer.supervise import VaultProcess
from hotline.move_car import plate_to_read, whole_plates
from tts.kokoro import Kokoro

HELD_OUT_VOICES = (
    "zf_xiaoyi", "zm_yunxi", "zm_yunyang", "af_bella", "am_michael", "bf_emma", "ff_siwis", "jm_kumo",
)
"""Kokoro voices that the recognizer was never trained on (see asr/models/README.md)."""
OWNERS = 3000
LEAD_PCM, TAIL_PCM = bytes(3200), bytes(9600)
VAULT_TOML = 'register = "owners.reg"\nkey_file = "owners.key"\noutside = 0.005\ndial = "sip:{number}@127.0.0.1:9"\n'


@dataclass(frozen=True)
class ReadBack:
    """One plate, who said it, and what the bot would read back first."""

    plate: str
    voice: str
    read: str

    @property
    def right(self) -> bool:
        return self.plate == self.read


async def read_backs(count: int, seed: int, folder: Path) -> AsyncIterator[ReadBack]:
    """Speak `count` registered plates in the held-out voices, by turns, and hear each once."""
    plates = _seal(folder)
    rng, kokoro = random.Random(seed), Kokoro()
    async with RecognizerPool(1) as ears, VaultProcess(folder / "vault.toml", folder / "vault.sock") as vault:
        for number in range(count):
            plate, voice = rng.choice(plates), HELD_OUT_VOICES[number % len(HELD_OUT_VOICES)]
            stream = ears.open("plate")
            stream.feed(LEAD_PCM + kokoro.speak(plate, voice) + TAIL_PCM)
            heard = whole_plates(await stream.finish(), ())
            read = plate_to_read(await vault.match(f"bench-{number}", heard), heard, ()) if heard else ""
            yield ReadBack(plate, voice, read)


def by_voice(results: list[ReadBack]) -> dict[str, tuple[int, int]]:
    """Right and all, for each voice."""
    right = Counter(result.voice for result in results if result.right)
    return {voice: (right[voice], count) for voice, count in Counter(r.voice for r in results).items()}


def _seal(folder: Path) -> list[str]:
    owners, key = folder / "owners.csv", folder / "owners.key"
    plates = write_owners(owners, OWNERS)
    make_key(key)
    seal_list(owners, key, folder / "owners.reg")
    (folder / "vault.toml").write_text(VAULT_TOML, encoding="utf-8")
    return plates
