"""The sealed register's file: what the police's side writes and the vault opens.

Layout (little endian)::

    header 128 bytes: magic 8s | version u16 | index bytes u16 | record bytes u32 | count u64
                      | sealed at (epoch s) u64 | file id 16s | SHA-256 of the body 32s
                      | HMAC of all that 32s | zeros
    body: count blind indexes, sorted | count records in the same order

A blind index is HMAC-SHA256(index key, plate), cut to 16 bytes: among 10^9 plates the chance
of one collision is 10^-21, and without the key an index tells nothing. A record is nonce (12)
and AES-256-GCM of the padded owner, bound to its index and file, so that records cannot be
swapped. All records have one length. Keys are derived per file: two issues of a register
cannot be compared. The SHA-256 finds a torn file without the key; the HMAC finds a wrong key.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import os
import secrets
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dialer.errors import RegisterProblem
from dialer.keys import derive
from dialer.owner import Owner, field_problems
from dialer.secret import Secret
from plate_parser import rules

MAGIC = b"OWNREG\r\n"  # a transfer in text mode would damage it
VERSION = 1
HEADER_BYTES = 128
INDEX_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
FIELDS = struct.Struct("<8sHHIQQ16s32s")
COLUMNS = ("plate", "phone", "phone2", "address", "language", "quiet")
_PAD_TO = 32
_SHOWN_PROBLEMS = 10
Progress = Callable[[int], None]  # rows done


@dataclass(frozen=True)
class FileKeys:
    """The keys of one register file."""

    index: bytes
    record: bytes
    header: bytes

    @classmethod
    def of(cls, master: bytes, file_id: bytes) -> "FileKeys":
        return cls(*(derive(master, purpose, file_id) for purpose in ("index", "record", "header")))

    def blind(self, plate: str) -> bytes:
        """The blind index of a normalised plate."""
        return hmac.digest(self.index, plate.encode(), "sha256")[:INDEX_BYTES]


@dataclass(frozen=True)
class Sealed:
    """What was sealed: `path`, how many owners, and the file's SHA-256 to compare by telephone."""

    path: Path
    count: int
    sha256: str


def seal(
    source: Path,
    key: bytes,
    target: Path,
    *,
    duplicates: Literal["error", "last"] = "error",
    progress: Progress | None = None,
) -> Sealed:
    """Seal the owners' list `source` (CSV, UTF-8, columns `COLUMNS`) into `target`, atomically.

    Raises:
        RegisterProblem: a row is wrong (up to ten are named by line, never by content), a plate
            stands twice, or a file cannot be read or written.
    """
    return seal_owners(_read(source, duplicates), key, target, progress=progress)


def seal_owners(
    owners: Iterable[Owner], key: bytes, target: Path, *, progress: Progress | None = None
) -> Sealed:
    """Seal owners that are already in memory; each plate once."""
    file_id = secrets.token_bytes(16)
    keys = FileKeys.of(key, file_id)
    rows = sorted((keys.blind(owner.plate), owner.pack()) for owner in owners)
    longest = max((len(plain) for _, plain in rows), default=0)
    plain_bytes = -(-(longest + 2) // _PAD_TO) * _PAD_TO
    cipher = AESGCM(keys.record)

    def body() -> Iterator[bytes]:
        yield b"".join(index for index, _ in rows)
        for done, (index, plain) in enumerate(rows, 1):
            nonce = secrets.token_bytes(NONCE_BYTES)
            padded = struct.pack("<H", len(plain)) + plain.ljust(plain_bytes - 2, b"\0")
            yield nonce + cipher.encrypt(nonce, padded, file_id + index)
            if progress and done % 1000 == 0:
                progress(done)

    record_bytes = NONCE_BYTES + plain_bytes + TAG_BYTES
    digest = _write(target, body(), keys, file_id, record_bytes, len(rows))
    return Sealed(target, len(rows), digest)


def _write(
    target: Path, body: Iterator[bytes], keys: FileKeys, file_id: bytes, record_bytes: int, count: int
) -> str:
    """Body first, header last, then the name: nobody ever opens half a file."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".sealing-", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(HEADER_BYTES))
            digest = hashlib.sha256()
            for piece in body:
                digest.update(piece)
                file.write(piece)
            fields = FIELDS.pack(
                MAGIC, VERSION, INDEX_BYTES, record_bytes, count, int(time.time()), file_id, digest.digest()
            )
            file.seek(0)
            file.write(fields + hmac.digest(keys.header, fields, "sha256"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        raise RegisterProblem(f"{target} cannot be written ({error.strerror}): check the folder") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(source: Path, duplicates: str) -> list[Owner]:
    owners: dict[str, Owner] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    try:
        with open(source, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if set(reader.fieldnames or ()) - set(COLUMNS) or not {"plate", "phone"} <= set(reader.fieldnames or ()):
                raise RegisterProblem(f"{source}:1: the first line must name the columns {', '.join(COLUMNS)}")
            for row in reader:
                owner, found = _owner(row)
                if duplicates == "error" and owner.plate in lines:
                    found.append(f"the same plate is on line {lines[owner.plate]}")
                problems += [f"{source}:{reader.line_num}: {problem}" for problem in found]
                owners[owner.plate], lines[owner.plate] = owner, reader.line_num
    except OSError as error:
        raise RegisterProblem(f"{source}: {error.strerror}: give the owners' CSV file") from None
    except UnicodeDecodeError:
        raise RegisterProblem(f"{source} is not UTF-8: save it as CSV UTF-8") from None
    except csv.Error as error:
        raise RegisterProblem(f"{source}:{reader.line_num}: this is not CSV ({error})") from None
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        tail = [f"and {more} more"] if more > 0 else []
        raise RegisterProblem("\n".join(problems[:_SHOWN_PROBLEMS] + tail))
    return list(owners.values())


def _owner(row: dict[str | None, object]) -> tuple[Owner, list[str]]:
    if None in row or None in row.values():
        problems = ["the line has not as many fields as there are columns"]
    else:
        problems = []
    text = {name: str(value or "").strip() for name, value in row.items() if name}
    plate = rules.normalize(text["plate"])
    if rules.classify(plate) is None:
        problems.append("plate is not a legal number plate")
    problems += field_problems(text)
    numbers = tuple(Secret(n) for n in (text.get("phone"), text.get("phone2")) if n)
    owner = Owner(plate, numbers, text.get("address", ""), text.get("language") or "zh", text.get("quiet", ""))
    return owner, problems
