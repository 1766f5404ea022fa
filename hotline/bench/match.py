"""How soon a round of likely plates is looked up in a sealed register, and what a plate costs on disk."""

from __future__ import annotations

import csv
import math
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dialer.owners import import_register, make_key, seal_list
from dialer.register.keys import load_keys
from dialer.register.opened import Register
from dialer.register.owners_csv import COLUMNS
from dialer.vault.audit import AuditLog
from dialer.vault.config import VaultConfig, load_vault_config
from dialer.vault.lookups import Lookups
from hotline.errors import CannotRun
from plate_parser import rules
from plate_parser.variants import likely_variants

VARIANTS = 300
MOST_PLATES = 50_000_000
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SERIALS = 100_000
_STRIDE = 7_368_787
_BYTES_NEEDED = 700
"""Of disk a plate, while its register is sealed and imported."""
Progress = Callable[[str, int, int], None]


def measure_match(folder: Path, plates: int, rounds: int, seed: int, progress: Progress) -> dict[str, object]:
    """Seal `plates` made-up owners in `folder` (empty), import them, and look up `rounds` rounds.

    `p50_ms`, `p95_ms`: one round of 300 plates, all turned into blind indexes and sought, and one
    owner decrypted. `match_p95_ms`: a whole answer of the vault, with the variants, the decision and the
    audit log on disk. `import_s`: of a sealed file; `seal_s`: of the open list.

    Raises:
        CannotRun: the disk is too small.
    """
    if shutil.disk_usage(folder).free < plates * _BYTES_NEEDED:
        need = math.ceil(plates * _BYTES_NEEDED / 1e9)
        raise CannotRun(f"{folder} has less than {need} GB free: set TMPDIR to a folder that has, or take fewer plates")
    figures = _prepare(folder, plates, progress)
    config = load_vault_config(folder / "vault.toml")
    begun = time.perf_counter()
    with Register(config.register, load_keys(config.key_file), progress=progress) as register:
        figures["open_s"] = round(time.perf_counter() - begun, 2)
        figures["bytes_per_plate"] = round(config.register.stat().st_size / plates, 1)
        asked = _asked(plates, rounds, seed)
        figures |= _rounds(register, asked, seed, progress) | _matches(config, register, asked, progress)
    return {"plates": plates, "variants": VARIANTS, "rounds": rounds, **figures}


def made_up_plates(count: int) -> Iterator[str]:
    """Different plates, spread evenly over all provinces and letters."""
    provinces = list(rules.provinces())
    size = len(provinces) * len(_LETTERS) * _SERIALS
    stride = next(n for n in range(_STRIDE, _STRIDE + 100) if math.gcd(n, size) == 1)
    for number in range(count):
        head, serial = divmod(number * stride % size, _SERIALS)
        yield f"{provinces[head // len(_LETTERS)]}{_LETTERS[head % len(_LETTERS)]}{serial:05d}"


def _prepare(folder: Path, plates: int, progress: Progress) -> dict[str, object]:
    listed, sealed, key = folder / "owners.csv", folder / "in.reg", folder / "owners.key"
    with open(listed, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for number, plate in enumerate(made_up_plates(plates)):
            rows.writerow((plate, f"000{number:08d}", f"0009{number % 10**7:07d}", "", "先生", "zh", "22:00-07:00"))
            if number % 10_000 == 0:
                progress("making plates up", number, plates)
    make_key(key)
    (folder / "vault.toml").write_text('key_file = "owners.key"\nlookups_per_hour = 1000000000\n', encoding="utf-8")
    begun = time.perf_counter()
    seal_list(listed, key, sealed, progress=progress)
    listed.unlink()
    sealed_at = time.perf_counter()
    import_register(sealed, folder / "vault.toml", progress=progress)
    done = time.perf_counter()
    sealed.unlink()
    return {"seal_s": round(sealed_at - begun, 1), "import_s": round(done - sealed_at, 1)}


def _asked(plates: int, rounds: int, seed: int) -> list[str]:
    """What callers say: every other one is registered."""
    rng = random.Random(seed)
    known = [*made_up_plates(min(plates, 4 * rounds))]
    unknown = [f"{plate[:2]}{plate[2:6]}{rng.choice(_LETTERS)}" for plate in known]
    return [rng.choice(known if number % 2 else unknown) for number in range(rounds)]


def _rounds(register: Register, asked: list[str], seed: int, progress: Progress) -> dict[str, object]:
    rng = random.Random(seed)
    taken_s = []
    for number, plate in enumerate(asked, 1):
        variants = [variant for variant, _ in likely_variants([(plate, 0.8)], VARIANTS)]
        variants += [f"-{filler}" for filler in range(VARIANTS - len(variants))]
        anywhere = rng.randrange(len(register))
        begun = time.perf_counter()
        found = next((at for at in register.find_all(variants) if at is not None), anywhere)
        register.owner(found)
        taken_s.append(time.perf_counter() - begun)
        progress("looking up", number, len(asked))
    return {
        "p50_ms": _at_share(taken_s, 0.5), "p95_ms": _at_share(taken_s, 0.95),
        "lookups_per_s": round(VARIANTS * len(taken_s) / sum(taken_s)),
    }


def _matches(config: VaultConfig, register: Register, asked: list[str], progress: Progress) -> dict[str, object]:
    audit = AuditLog(config.audit, load_keys(config.key_file))
    vault = Lookups(config, register, audit, time.monotonic)
    taken_s, found = [], 0
    for number, plate in enumerate(asked, 1):
        begun = time.perf_counter()
        found += vault.match(f"bench-{number}", [[plate, 0.95]])["plate"] == plate
        taken_s.append(time.perf_counter() - begun)
        progress("matching", number, len(asked))
    audit.close()
    return {"match_p95_ms": _at_share(taken_s, 0.95), "matched": found}


def _at_share(taken_s: list[float], share: float) -> float:
    """The quantile, in ms."""
    return round(sorted(taken_s)[min(len(taken_s) - 1, int(share * len(taken_s)))] * 1000, 3)
