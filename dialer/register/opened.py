"""A sealed register opened for lookups: the index in memory, one owner read and decrypted at a time.

Nothing is memory-mapped: a file that is cut short under a running vault is an error at the next
record, not the end of the process.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dialer.errors import RegisterProblem
from dialer.register import file_format as layout
from dialer.register.keys import KeyRing
from dialer.register.owner import Owner

Progress = Callable[[str, int, int], None]
"""Called with (what is done, done so far, of how many)."""
_PIECE_BYTES = 1 << 23


class Register:
    """Lookups in a sealed register. Use as a context, or `close()` it. 16 bytes of memory a plate.

    Raises:
        RegisterProblem: the file is missing, torn, tampered with, or of another version.
        KeyProblem: it was sealed with another key, or with one that is revoked.
    """

    def __init__(self, path: Path, keys: KeyRing | bytes, *, progress: Progress | None = None) -> None:
        self.path = path
        try:
            self._stream = open(path, "rb", buffering=0)
        except OSError as error:
            raise RegisterProblem(f"{path}: {error.strerror}: run 'ivr owners import' first") from None
        self._file = self._stream.fileno()
        try:
            self._open(KeyRing.of(keys), progress or (lambda *_: None))
        except OSError as error:
            self.close()
            raise RegisterProblem(f"{path} cannot be read ({error.strerror}): copy the sealed file again") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Register":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.count

    def close(self) -> None:
        """Give the file back."""
        self._stream.close()
        self._file = -1  # the number may soon be another file's

    def find(self, plate: str) -> int | None:
        """Where the normalised `plate` is, or None."""
        return self.find_all([plate])[0]

    def find_all(self, plates: Sequence[str]) -> list[int | None]:
        """Where each normalised plate is, or None. The work is the same for hits and misses."""
        if not plates or not self.count:
            return [None] * len(plates)
        wanted = np.frombuffer(b"".join(map(self._keys.blind, plates)), "<u8").reshape(-1, 2)
        first = np.searchsorted(self._first, wanted[:, 0])
        found = np.full(len(plates), -1)
        for step in (1, 0):  # two indexes may share their first half
            at = np.minimum(first + step, self.count - 1)
            hit = (self._first[at] == wanted[:, 0]) & (self._second[at] == wanted[:, 1])
            found = np.where(hit, at, found)
        return [at if at >= 0 else None for at in found.tolist()]

    def owner(self, at: int) -> Owner:
        """Decrypt the owner at a place that `find` gave.

        Raises:
            RegisterProblem: the record was changed after it was sealed, or cannot be read.
        """
        size = self._header.record_bytes
        index = struct.pack("<QQ", int(self._first[at]), int(self._second[at]))
        try:
            record = os.pread(self._file, size, layout.HEADER_BYTES + at * size)
            nonce, sealed = record[: layout.NONCE_BYTES], record[layout.NONCE_BYTES :]
            padded = self._cipher.decrypt(nonce, sealed, self._header.file_id + index)
        except (InvalidTag, ValueError, OSError):
            raise RegisterProblem(f"record {at} of {self.path} was changed: import it again") from None
        (length,) = struct.unpack_from("<H", padded)
        return Owner.unpack(padded[2 : 2 + length])

    def owners(self) -> Iterator[Owner]:
        """Every owner, for sealing anew with another key."""
        return (self.owner(at) for at in range(self.count))

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """The ids of the keys that open this file."""
        return self._header.key_ids

    @property
    def sealed_at(self) -> int:
        """When it was sealed, by the sealing machine's clock (epoch s)."""
        return self._header.sealed_at

    def _open(self, ring: KeyRing, progress: Progress) -> None:
        data, size = os.pread(self._file, layout.HEADER_BYTES, 0), os.fstat(self._file).st_size
        header = self._header = layout.parse_header(data, size, self.path)
        self._keys = layout.unlock(data, header, ring, self.path)
        self._cipher = AESGCM(self._keys.record)
        self.count = header.count
        digest = layout.body_digest()
        index_at = layout.HEADER_BYTES + header.count * header.record_bytes
        for at in range(layout.HEADER_BYTES, index_at, _PIECE_BYTES):
            digest.update(os.pread(self._file, min(_PIECE_BYTES, index_at - at), at))
            progress("checking", at, size)
        columns = []
        for number in range(2):
            column = self._read(index_at + number * 8 * self.count, 8 * self.count)
            digest.update(column)
            columns.append(np.frombuffer(column, "<u8"))
        progress("checking", size, size)
        self._first, self._second = columns
        if not hmac.compare_digest(digest.digest(), header.digest):
            raise RegisterProblem(f"{self.path} is damaged: copy the sealed file again")

    def _read(self, at: int, size: int) -> bytearray:
        """All of it: one read gives at most 2 GiB."""
        into = bytearray(size)
        view, done = memoryview(into), 0
        while done < size:
            got = os.preadv(self._file, [view[done : done + _PIECE_BYTES]], at + done)
            if not got:
                raise RegisterProblem(f"{self.path} is cut short: copy the sealed file again")
            done += got
        return into
