"""The register's keys: a key file holds one or several, newest first, so that a change needs no pause.

Each line of a key file is one of::

    64 hex digits                       a key in use; the first seals, all of them open
    retired KEY-ID 64 hex digits        a revoked key: only what verifies its part of the audit log

Keys for one purpose are derived with HKDF-SHA256 (RFC 5869).
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dialer.errors import KeyProblem

KEY_BYTES = 32
ID_BYTES = 8
_RETIRED = "retired"


@dataclass(frozen=True, repr=False)
class KeyRing:
    """`keys`: in use, newest first. `retired`: (key's id, its audit key) of revoked ones, newest first."""

    keys: tuple[bytes, ...]
    retired: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def of(cls, keys: "KeyRing | bytes") -> "KeyRing":
        """A ring, or a single key as one."""
        return keys if isinstance(keys, KeyRing) else cls((keys,))

    @property
    def newest(self) -> bytes:
        """The key that seals, and that the audit log is written with."""
        return self.keys[0]

    @property
    def audit_keys(self) -> tuple[bytes, ...]:
        """What verifies the audit log, newest first."""
        return tuple(derive(key, "audit") for key in self.keys) + tuple(key for _, key in self.retired)

    def by_id(self, wanted: bytes) -> bytes | None:
        """The key in use with this id."""
        return next((key for key in self.keys if key_id(key) == wanted), None)

    def with_new(self, key: bytes) -> "KeyRing":
        """The ring with `key` as its newest."""
        return replace(self, keys=(key, *(old for old in self.keys if old != key)))

    def without(self, revoked: bytes) -> "KeyRing":
        """The ring after the key with the id `revoked` was revoked.

        Raises:
            KeyProblem: there is no such key, or it is the newest, which is in use.
        """
        key = self.by_id(revoked)
        if key is None:
            raise KeyProblem(f"no key in use has the id {revoked.hex()}: see 'ivr owners keys'")
        if key == self.newest:
            raise KeyProblem(f"{revoked.hex()} is the newest key: run 'ivr owners rotate' before it is revoked")
        kept = tuple(other for other in self.keys if other != key)
        return KeyRing(kept, ((revoked, derive(key, "audit")), *self.retired))


def key_id(key: bytes) -> bytes:
    """A key's public name, 8 bytes: tells keys apart and nothing of them."""
    return derive(key, "id")[:ID_BYTES]


def new_key(path: Path) -> None:
    """Write a new random key to `path` (64 hex digits, mode 0600).

    Raises:
        KeyProblem: there is a file already (a key in use must not be overwritten), or no way to write.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyProblem(f"{path} is there already: give the new key another name") from None
    except OSError as error:
        raise KeyProblem(f"{path} cannot be written ({error.strerror}): check the folder") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())


def load_key(path: Path | None, variable: str = "", environment: Mapping[str, str] = os.environ) -> bytes:
    """The newest key; as `load_keys`."""
    return load_keys(path, variable, environment).newest


def load_keys(path: Path | None, variable: str = "", environment: Mapping[str, str] = os.environ) -> KeyRing:
    """The keys from the environment variable `variable` if named, else from `path`.

    Raises:
        KeyProblem: missing, not 64 hex digits a line, or readable by other users.
    """
    if variable:
        if variable not in environment:
            raise KeyProblem(f"the environment variable {variable} is not set: put the key there")
        return _parsed(environment[variable], f"the environment variable {variable}")
    if path is None:
        raise KeyProblem("no key is named: set key_file or key_env in vault.toml")
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise KeyProblem(f"{path}: {error.strerror}: put the register's key there") from None
    if stat.S_IMODE(mode) & 0o077:
        raise KeyProblem(f"{path} can be read by other users: run chmod 600 {path}")
    return _parsed(text, str(path))


def save_keys(path: Path, ring: KeyRing) -> None:
    """Replace the key file at once; owner and mode stay as they are.

    Raises:
        KeyProblem: it cannot be written; the old one is as it was.
    """
    lines = [key.hex() for key in ring.keys]
    lines += [f"{_RETIRED} {name.hex()} {key.hex()}" for name, key in ring.retired]
    temporary = None
    try:
        before = path.stat()
        descriptor, temporary = tempfile.mkstemp(prefix=".keys-", dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            os.fchown(descriptor, before.st_uid, before.st_gid)
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise KeyProblem(f"{path} cannot be written ({error.strerror}): run this as the vault's user") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def derive(master: bytes, purpose: str, salt: bytes = b"") -> bytes:
    """A 32-byte key for one purpose; keys of different purposes or salts tell nothing of each other."""
    return HKDF(SHA256(), KEY_BYTES, salt, b"hotline owners " + purpose.encode()).derive(master)


def sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parsed(text: str, where: str) -> KeyRing:
    keys, retired = [], []
    words = iter(text.split())
    for word in words:
        if word == _RETIRED:
            retired.append((_bytes(next(words, ""), ID_BYTES, where), _bytes(next(words, ""), KEY_BYTES, where)))
        else:
            keys.append(_bytes(word, KEY_BYTES, where))
    if not keys:
        raise KeyProblem(f"{where} holds no key: it must be {2 * KEY_BYTES} hex digits")
    return KeyRing(tuple(dict.fromkeys(keys)), tuple(retired))


def _bytes(word: str, length: int, where: str) -> bytes:
    try:
        value = bytes.fromhex(word)
    except ValueError:
        value = b""
    if len(value) != length:
        raise KeyProblem(f"{where} holds no key: it must be {2 * KEY_BYTES} hex digits")
    return value
