"""The register's master key, and the keys derived from it (HKDF-SHA256, RFC 5869)."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dialer.errors import KeyProblem

KEY_BYTES = 32


def new_key(path: Path) -> None:
    """Write a new random key to `path` (64 hex digits, mode 0600).

    Raises:
        KeyProblem: there is a file already; a key in use must not be overwritten.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyProblem(f"{path} is there already: give the new key another name") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")


def load_key(
    path: Path | None, variable: str = "", environment: Mapping[str, str] = os.environ
) -> bytes:
    """The master key from the environment variable `variable` if named, else from `path`.

    Raises:
        KeyProblem: missing, not 64 hex digits, or readable by other users.
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


def derive(master: bytes, purpose: str, salt: bytes = b"") -> bytes:
    """A 32-byte key for one purpose; keys of different purposes or salts tell nothing of each other."""
    return HKDF(SHA256(), KEY_BYTES, salt, b"hotline owners " + purpose.encode()).derive(master)


def _parsed(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyProblem(f"{where} holds no key: it must be {2 * KEY_BYTES} hex digits")
    return key
