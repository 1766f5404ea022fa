"""A sealed register opened for lookups: memory-mapped, binary search, one owner decrypted at a time."""

from __future__ import annotations

import hashlib
import hmac
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dialer import sealing
from dialer.errors import KeyProblem, RegisterProblem
from dialer.owner import Owner


class Register:
    """Lookups in a sealed register. Use as a context, or `close()` it.

    Raises:
        RegisterProblem: the file is missing, torn, tampered with, or of another version.
        KeyProblem: it was sealed with another key.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        try:
            with open(path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise RegisterProblem(f"{path}: {error.strerror}: run 'ivr owners import' first") from None
        except ValueError:
            raise RegisterProblem(f"{path} is empty: import the sealed register again") from None
        try:
            self._check(key)
        except BaseException:
            self._map.close()
            raise

    def __enter__(self) -> "Register":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.count

    def close(self) -> None:
        """Give the file back."""
        self._map.close()

    def find(self, plate: str) -> int | None:
        """Where the normalised `plate` is, or None. Takes the same number of steps either way."""
        wanted = self._keys.blind(plate)
        low, high = 0, self.count
        for _ in range(self.count.bit_length()):
            middle = (low + high) // 2
            before = self._index(min(middle, self.count - 1)) < wanted
            if low < high:
                low, high = (middle + 1, high) if before else (low, middle)
        found = self.count > 0 and hmac.compare_digest(self._index(min(low, self.count - 1)), wanted)
        return low if found else None

    def owner(self, at: int) -> Owner:
        """Decrypt the owner at a place that `find` gave.

        Raises:
            RegisterProblem: the record was changed after it was sealed.
        """
        start = self._records + at * self._record_bytes
        record = self._map[start : start + self._record_bytes]
        nonce, sealed = record[: sealing.NONCE_BYTES], record[sealing.NONCE_BYTES :]
        try:
            padded = self._cipher.decrypt(nonce, sealed, self._file_id + self._index(at))
        except InvalidTag:
            raise RegisterProblem(f"record {at} of {self.path} was changed: import it again") from None
        (size,) = struct.unpack_from("<H", padded)
        return Owner.unpack(padded[2 : 2 + size])

    def owners(self) -> Iterator[Owner]:
        """Every owner, for sealing anew with another key."""
        return (self.owner(at) for at in range(self.count))

    def _index(self, at: int) -> bytes:
        start = sealing.HEADER_BYTES + at * sealing.INDEX_BYTES
        return self._map[start : start + sealing.INDEX_BYTES]

    def _check(self, key: bytes) -> None:
        path, head = self.path, self._map[: sealing.HEADER_BYTES]
        if len(head) < sealing.HEADER_BYTES or not head.startswith(sealing.MAGIC):
            raise RegisterProblem(f"{path} is not a sealed register: run 'ivr owners seal' to make one")
        _, version, index_bytes, record_bytes, count, self.sealed_at, file_id, digest = (
            sealing.FIELDS.unpack_from(head)
        )
        if version != sealing.VERSION or index_bytes != sealing.INDEX_BYTES:
            raise RegisterProblem(f"{path} has format {version}, not {sealing.VERSION}: update this program")
        self._records = sealing.HEADER_BYTES + count * index_bytes
        if len(self._map) != self._records + count * record_bytes:
            raise RegisterProblem(f"{path} is cut short or has grown: copy the sealed file again")
        with memoryview(self._map) as view, view[sealing.HEADER_BYTES :] as body:
            if not hmac.compare_digest(hashlib.sha256(body).digest(), digest):
                raise RegisterProblem(f"{path} is damaged: copy the sealed file again")
        keys = sealing.FileKeys.of(key, file_id)
        mac = hmac.digest(keys.header, head[: sealing.FIELDS.size], "sha256")
        if not hmac.compare_digest(mac, head[sealing.FIELDS.size : sealing.FIELDS.size + 32]):
            raise KeyProblem(f"{path} was sealed with another key, or changed: use the key it was sealed with")
        self.count, self._record_bytes, self._file_id = count, record_bytes, file_id
        self._keys, self._cipher = keys, AESGCM(keys.record)
