"""Sealing an owners' list: rows stream through, encrypted at once; nothing readable touches the disk.

Of each row only its 16-byte index, its line and its place are kept in memory; the encrypted
records wait in a file without a name, which vanishes with the process, until the order is known.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import struct
import tempfile
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dialer.errors import RegisterProblem
from dialer.register import file_format as layout
from dialer.register.file_format import FileKeys, Header
from dialer.register.keys import KEY_BYTES, sync_folder
from dialer.register.owner import PACKED_BYTES, Owner
from dialer.register.owners_csv import Problems, read_rows

PLAIN_BYTES = PACKED_BYTES + 2
RECORD_BYTES = layout.NONCE_BYTES + PLAIN_BYTES + layout.TAG_BYTES
_CHUNK = 1 << 14
Progress = Callable[[str, int, int], None]
"""Called with (what is done, done so far, of how many)."""


@dataclass(frozen=True)
class Sealed:
    """What was sealed: `path`, how many owners, and the SHA-256 of the body to compare by telephone."""

    path: Path
    count: int
    sha256: str


def seal(
    source: Path,
    keys: bytes | Sequence[bytes],
    target: Path,
    *,
    duplicates: Literal["error", "last"] = "error",
    progress: Progress | None = None,
    at_least: int = 0,
) -> Sealed:
    """Seal the owners' list `source` (CSV, see `dialer.register.owners_csv`) into `target`, atomically.

    `keys`: those that may open it, each by itself; at most four. Fewer than `at_least` owners are refused.

    Raises:
        RegisterProblem: a row is wrong (up to ten are named by line, never by content), a plate
            stands twice, or a file cannot be read or written.
    """
    problems = Problems(source)
    rows = read_rows(source, problems, progress or (lambda *_: None))
    return _seal(rows, keys, target, progress, problems, keep_last=duplicates == "last", at_least=at_least)


def seal_owners(
    owners: Iterable[Owner], keys: bytes | Sequence[bytes], target: Path, *,
    count: int = 0, progress: Progress | None = None,
) -> Sealed:
    """Seal owners that come one by one; each plate once. `count`: how many, for the progress."""
    return _seal(_counted(owners, count, progress), keys, target, progress, Problems(target))


def _counted(owners: Iterable[Owner], count: int, progress: Progress | None) -> Iterator[tuple[int, Owner]]:
    for number, owner in enumerate(owners, 1):
        if progress and number % _CHUNK == 0:
            progress("sealing", number, max(number, count))
        yield number, owner


def _seal(
    rows: Iterable[tuple[int, Owner]], keys: bytes | Sequence[bytes], target: Path,
    progress: Progress | None, problems: Problems, keep_last: bool = False, at_least: int = 0,
) -> Sealed:
    file_key, file_id = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(16)
    slots = layout.wrap(file_key, file_id, [keys] if isinstance(keys, bytes) else list(keys))
    file_keys = FileKeys.of(file_key)
    try:
        with tempfile.TemporaryFile(prefix=".sealing-", dir=target.parent) as spool:
            indexes, lines = _encrypt(rows, spool, file_keys, file_id)
            problems.raise_any()
            order = _order(indexes, lines, problems, keep_last)
            problems.raise_any()
            if len(order) < at_least:
                raise RegisterProblem("the list has no owner in it: in use, such a register would find nobody")
            header = Header(RECORD_BYTES, len(order), int(time.time()), file_id, bytes(32), slots)
            digest = _write(target, header, file_keys, spool, indexes, order, progress or (lambda *_: None))
    except OSError as error:
        raise RegisterProblem(f"{target} cannot be written ({error.strerror}): check the folder") from None
    return Sealed(target, len(order), digest)


def _encrypt(
    rows: Iterable[tuple[int, Owner]], spool: BinaryIO, keys: FileKeys, file_id: bytes
) -> tuple[np.ndarray, array]:
    """Records in the order of `rows` into `spool`; indexes (rows × 2, u64) and the rows' lines."""
    encrypt, blind = AESGCM(keys.record).encrypt, keys.blind
    indexes, lines = bytearray(), array("Q")
    rows = iter(rows)
    while chunk := list(itertools.islice(rows, _CHUNK)):
        nonces = secrets.token_bytes(layout.NONCE_BYTES * len(chunk))
        for number, (line, owner) in enumerate(chunk):
            plain, index = owner.pack(), blind(owner.plate)
            if len(plain) > PACKED_BYTES:
                raise RegisterProblem("an owner's record is too long: give fewer or shorter numbers")
            nonce = nonces[number * layout.NONCE_BYTES : (number + 1) * layout.NONCE_BYTES]
            padded = (struct.pack("<H", len(plain)) + plain).ljust(PLAIN_BYTES, b"\0")
            spool.write(nonce + encrypt(nonce, padded, file_id + index))
            indexes += index
            lines.append(line)
    return np.frombuffer(indexes, "<u8").reshape(-1, 2), lines


def _order(indexes: np.ndarray, lines: array, problems: Problems, keep_last: bool) -> np.ndarray:
    """Rows in the order of their indexes, each plate once; plates that stand twice are problems."""
    order = np.lexsort((indexes[:, 1], indexes[:, 0]))  # stable: of one plate, the later row is last
    ordered = indexes[order]
    same = (ordered[1:] == ordered[:-1]).all(axis=1)
    if keep_last:
        return order[np.append(~same, True)] if len(order) else order
    twice = [(lines[order[at + 1]], lines[order[at]]) for at in np.flatnonzero(same).tolist()]
    for line, before in sorted(twice):
        problems.add(line, f"the same plate is on line {before}")
    return order


def _write(
    target: Path, header: Header, keys: FileKeys, spool: BinaryIO, indexes: np.ndarray, order: np.ndarray, progress: Progress
) -> str:
    """Body first, header last, then the name: nobody ever opens half a file."""
    spool.flush()
    digest = layout.body_digest()
    descriptor, temporary = tempfile.mkstemp(prefix=".sealing-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(layout.HEADER_BYTES))
            for piece in _body(spool, indexes, order, progress):
                digest.update(piece)
                file.write(piece)
            file.seek(0)
            file.write(replace(header, digest=digest.digest()).pack(keys))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    return digest.hexdigest()


def _body(spool: BinaryIO, indexes: np.ndarray, order: np.ndarray, progress: Progress) -> Iterator[bytes | memoryview]:
    if not len(order):
        return
    records = np.memmap(spool, np.uint8, "r", shape=(len(indexes), RECORD_BYTES))
    for at in range(0, len(order), _CHUNK):
        yield memoryview(records[order[at : at + _CHUNK]]).cast("B")
        progress("writing", at, len(order))
    for half in (0, 1):
        yield memoryview(np.ascontiguousarray(indexes[order, half])).cast("B")
    progress("writing", len(order), len(order))
