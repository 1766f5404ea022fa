"""The sealed register's format, version 2, which police and vault share.

Little endian::

    header 512 bytes: magic 8s | version u16 | key slots u16 | record bytes u32 | count u64
                      | sealed at (epoch s) u64 | file id 16s | SHA-256 of the body 32s
                      | up to 4 slots of: key id 8s | nonce 12s | file key, wrapped 48s
                      | zeros | HMAC of all before 32s
    body: count records | count × u64, first half of the blind index, ascending
          | count × u64, second half

The **file key** is random and new for each file; it stands in the header only wrapped
(AES-256-GCM) with each key that may open the file. The keys of index, records and header are
derived from it, so two issues of a register cannot be compared. A **blind index** is
HMAC-SHA256(index key, plate) cut to 16 bytes: among 10^9 plates the chance of one collision is
10^-21, and without the key it tells nothing. A **record** is nonce (12) and AES-256-GCM of the
padded owner, bound to its index and file, so that records cannot be swapped; all have one
length. The SHA-256 finds a torn body, the HMAC a changed header.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dialer.errors import KeyProblem, RegisterProblem
from dialer.register.keys import KeyRing, derive, key_id

MAGIC = b"OWNREG\r\n"  # a transfer in text mode would damage it
VERSION = 2
HEADER_BYTES = 512
INDEX_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
MOST_SLOTS = 4
_MAC_BYTES = 32
_FIELDS = struct.Struct("<8sHHIQQ16s32s")
_SLOT = struct.Struct("<8s12s48s")


@dataclass(frozen=True, repr=False)
class FileKeys:
    """The keys of one register file."""

    index: bytes
    record: bytes
    header: bytes

    @classmethod
    def of(cls, file_key: bytes) -> "FileKeys":
        return cls(*(derive(file_key, purpose) for purpose in ("index", "record", "header")))

    def blind(self, plate: str) -> bytes:
        """The blind index of a normalised plate, 16 bytes."""
        return hmac.digest(self.index, plate.encode(), "sha256")[:INDEX_BYTES]


@dataclass(frozen=True)
class Header:
    """What stands before the body. `slots`: (key id, nonce, wrapped file key)."""

    record_bytes: int
    count: int
    sealed_at: int
    file_id: bytes
    digest: bytes
    slots: tuple[tuple[bytes, bytes, bytes], ...]

    @property
    def file_bytes(self) -> int:
        """How long the whole file must be."""
        return HEADER_BYTES + self.count * (self.record_bytes + INDEX_BYTES)

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """The keys that open it."""
        return tuple(name for name, _, _ in self.slots)

    def pack(self, keys: FileKeys) -> bytes:
        """The header's bytes, authenticated."""
        fields = _FIELDS.pack(
            MAGIC, VERSION, len(self.slots), self.record_bytes, self.count, self.sealed_at, self.file_id, self.digest
        )
        plain = (fields + b"".join(_SLOT.pack(*slot) for slot in self.slots)).ljust(HEADER_BYTES - _MAC_BYTES, b"\0")
        return plain + hmac.digest(keys.header, plain, "sha256")


def wrap(file_key: bytes, file_id: bytes, keys: Sequence[bytes]) -> tuple[tuple[bytes, bytes, bytes], ...]:
    """A slot for each of `keys`.

    Raises:
        KeyProblem: more keys than there are slots.
    """
    if len(keys) > MOST_SLOTS:
        raise KeyProblem(f"a register is sealed for at most {MOST_SLOTS} keys: name fewer")
    slots = []
    for key in keys:
        nonce = secrets.token_bytes(NONCE_BYTES)
        slots.append((key_id(key), nonce, _cipher(key).encrypt(nonce, file_key, file_id)))
    return tuple(slots)


def parse_header(data: bytes, size: int, path: Path) -> Header:
    """The header of the file at `path`, which has `size` bytes.

    Raises:
        RegisterProblem: it is no sealed register, of another version, or not of that size.
    """
    if size == 0:
        raise RegisterProblem(f"{path} is empty: copy the sealed file again")
    if not data.startswith(MAGIC):
        raise RegisterProblem(f"{path} is not a sealed register: run 'ivr owners seal' to make one")
    if len(data) < HEADER_BYTES:
        raise RegisterProblem(f"{path} is cut short: copy the sealed file again")
    _, version, slots, record_bytes, count, sealed_at, file_id, digest = _FIELDS.unpack_from(data)
    if version != VERSION:
        raise RegisterProblem(f"{path} has format {version}, this program reads {VERSION}: seal it with this program's version")
    if not 0 < slots <= MOST_SLOTS or record_bytes < NONCE_BYTES + TAG_BYTES:
        raise RegisterProblem(f"{path} is damaged: copy the sealed file again")
    found = tuple(_SLOT.unpack_from(data, _FIELDS.size + number * _SLOT.size) for number in range(slots))
    header = Header(record_bytes, count, sealed_at, file_id, digest, found)
    if size != header.file_bytes:
        raise RegisterProblem(f"{path} is cut short or has grown: copy the sealed file again")
    return header


def unlock(data: bytes, header: Header, ring: KeyRing, path: Path) -> FileKeys:
    """The file's keys, with one of `ring`.

    Raises:
        KeyProblem: it was sealed for other keys, or for revoked ones.
        RegisterProblem: the header was changed.
    """
    for name, nonce, wrapped in header.slots:
        key = ring.by_id(name)
        if key is None:
            continue
        try:
            keys = FileKeys.of(_cipher(key).decrypt(nonce, wrapped, header.file_id))
        except InvalidTag:
            break
        mac = hmac.digest(keys.header, data[: HEADER_BYTES - _MAC_BYTES], "sha256")
        if hmac.compare_digest(mac, data[HEADER_BYTES - _MAC_BYTES : HEADER_BYTES]):
            return keys
        break
    else:
        if set(header.key_ids) & {name for name, _ in ring.retired}:
            raise KeyProblem(f"{path} was sealed with a key that is revoked: have it sealed with the key now in use")
        ids = ", ".join(name.hex() for name in header.key_ids)
        raise KeyProblem(f"{path} was sealed with another key ({ids}): use the key it was sealed with")
    raise RegisterProblem(f"{path} was changed after it was sealed: copy the sealed file again")


def body_digest() -> "hashlib._Hash":
    """The hash of the body, to be fed in the file's order."""
    return hashlib.sha256()


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(derive(key, "wrap"))
