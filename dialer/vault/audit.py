"""The audit log: one JSON line an event, each chained to the one before.

`hash` is SHA-256 over the line before it and this line's content: anybody can check it, and an
edit or a removed line shows. `mac` is an HMAC of the hash: only the vault's newest key makes one, so
a log written anew by somebody else shows too. After a new key was used, no older one may follow. What was
cut off at the end shows only against a head noted elsewhere: note `head` daily. No plain plate and no
number is ever written.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.errors import AuditBroken, AuditInUse, AuditUnreadable
from dialer.register.keys import KeyRing

_FIRST = "0" * 64
ENDS_WITHIN_S = 5.0
"""A vault that was told to end has ended by then."""


@dataclass(frozen=True)
class AuditReport:
    """A log that holds together: its number of entries and the hash of the last."""

    entries: int
    head: str


class AuditLog:
    """Appends to the log, on disk before it returns. Safe from several threads; no second one can write the file.

    Raises:
        AuditInUse: another process writes it, and goes on doing so.
        AuditBroken: the log's last entry does not fit.
        AuditUnreadable: it cannot be read or written.
    """

    def __init__(self, path: Path, keys: KeyRing | bytes, clock: Callable[[], float] = time.time) -> None:
        self._path, self._key = path, KeyRing.of(keys).audit_keys[0]
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise _unreadable(path, error) from None
        try:
            _lock(self._file, path)
            torn = _drop_torn_line(path)
            report = verify(path, keys)
        except BaseException:
            os.close(self._file)
            raise
        self._next, self._head = report.entries + 1, report.head
        if torn:
            self.append("repaired", dropped_bytes=torn)

    def append(self, kind: str, **details: Any) -> None:
        """Write one entry and wait until the disk has it.

        Raises:
            OSError: it could not be written; the log is as it was before.
        """
        with self._lock:
            entry = {"seq": self._next, "at": round(self._clock(), 3), "kind": kind, **details}
            digest = _digest(self._head, entry)
            line = {**entry, "hash": digest, "mac": _mac(self._key, digest)}
            self._write((_json(line) + "\n").encode())
            self._next, self._head = self._next + 1, digest

    def _write(self, data: bytes) -> None:
        """All of it or nothing: half a line would break the chain for whatever follows."""
        end = os.fstat(self._file).st_size
        try:
            if os.write(self._file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)
            raise

    def use(self, keys: KeyRing) -> None:
        """Write with the newest of `keys` from now on."""
        with self._lock:
            self._key = keys.audit_keys[0]

    def plate_mark(self, plate: str) -> str:
        """A plate's mark in this log: the same plate has the same mark, and nothing tells which."""
        return self._mark("plate", plate)

    def caller_mark(self, caller: str) -> str:
        """A caller's mark in this log, likewise."""
        return self._mark("caller", caller)

    def since(self, kind: str, seconds: float) -> Iterator[dict[str, Any]]:
        """Entries of `kind` of the last so many seconds, each with its `age_s`; oldest first.

        A clock that was set back makes entries young, never old.
        """
        now = self._clock()
        with open(self._path, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                age_s = max(0.0, now - entry["at"])
                if entry["kind"] == kind and age_s <= seconds:
                    yield {**entry, "age_s": age_s}

    def _mark(self, what: str, value: str) -> str:
        return hmac.digest(self._key, f"{what} {value}".encode(), "sha256").hex()[:16]

    def close(self) -> None:
        os.close(self._file)


class _Signers:
    """Which key may have written the next line: the one of the line before, or a newer one."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.audit_keys

    def signed(self, digest: str, mac: object) -> bool:
        for age, key in enumerate(self._keys):
            if isinstance(mac, str) and hmac.compare_digest(mac.encode(), _mac(key, digest).encode()):
                self._keys = self._keys[: age + 1]
                return True
        return False


def verify(path: Path, keys: KeyRing | bytes | None = None, *, expected_head: str = "") -> AuditReport:
    """Check the whole log; without a key, the chain only.

    `expected_head`: a head noted earlier that must still be in the log.

    Raises:
        AuditBroken: says which line does not fit.
        AuditUnreadable: there is no log, or it cannot be read.
    """
    signers = _Signers(KeyRing.of(keys)) if keys is not None else None
    head, count, seen = _FIRST, 0, not expected_head
    try:
        with open(path, encoding="utf-8") as file:
            for count, line in enumerate(file, 1):
                head = _checked(path, count, line, head, signers)
                seen = seen or head == expected_head
    except OSError as error:
        raise _unreadable(path, error) from None
    except UnicodeDecodeError:
        raise AuditBroken(f"{path}:{count + 1} is not text: the log was damaged") from None
    if not seen:
        raise AuditBroken(f"{path} no longer holds the head noted before: entries were removed")
    return AuditReport(count, head)


def _unreadable(path: Path, error: OSError) -> AuditUnreadable:
    return AuditUnreadable(f"{path}: {error.strerror}: name the vault's audit log in vault.toml")


def _checked(path: Path, number: int, line: str, head: str, signers: _Signers | None) -> str:
    try:
        entry = json.loads(line)
        digest, mac = entry.pop("hash"), entry.pop("mac")
        fits = entry["seq"] == number and digest == _digest(head, entry)
    except (ValueError, KeyError, TypeError, AttributeError):
        fits = False
    if not fits or not line.endswith("\n"):
        raise AuditBroken(f"{path}:{number} does not follow from the line before: the log was changed")
    if signers is not None and not signers.signed(digest, mac):
        raise AuditBroken(f"{path}:{number} was not written with this key: the log was changed")
    return digest


def _lock(file: int, path: Path) -> None:
    """Keep all others from writing: two vaults at once would break the chain. One that is just ending is waited for."""
    until = time.monotonic() + ENDS_WITHIN_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise AuditInUse(f"{path}: another vault writes this log: stop it first, or give this one a log of its own "
                                 "(audit in vault.toml)") from None
        time.sleep(0.1)


def _drop_torn_line(path: Path) -> int:
    """Remove what a crash in the middle of a write left; the number of bytes removed."""
    data = path.read_bytes()
    torn = len(data) - (data.rfind(b"\n") + 1)
    if torn:
        os.truncate(path, len(data) - torn)
    return torn


def _digest(head: str, entry: dict[str, Any]) -> str:
    return hashlib.sha256((head + _json(entry)).encode()).hexdigest()


def _mac(key: bytes, digest: str) -> str:
    return hmac.digest(key, digest.encode(), "sha256").hex()


def _json(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
