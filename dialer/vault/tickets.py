"""Tickets: what the queue keeps of an owner, so that a later attempt can be made; only the vault opens one.

A ticket is a plate, a case and a time, encrypted with a key of the vault's (AES-256-GCM) and written as
text. No number is in it: whoever renews one gets tokens for the owner that the register has then.
Marks are keyed hashes of a plate and of an owner, with a key of their own that outlives a change of
the register's keys: the same owner has the same mark, and nothing tells which.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dialer.errors import KeyProblem, LookupRefused
from dialer.register.file_format import NONCE_BYTES
from dialer.register.keys import KEY_BYTES, derive, sync_folder
from dialer.register.owner import Owner

_LONGEST = 512
_PURPOSE = b"owner ticket 1"


@dataclass(frozen=True)
class OwnerTicket:
    """Whose car a case is about. `made_at`: seconds since 1970."""

    case: str
    plate: str
    made_at: float


class TicketOffice:
    """Makes tickets and marks, and opens tickets, with the key in `key_file` (made where there is none).

    `clock` gives seconds since 1970. Raises `KeyProblem` where the file cannot be used.
    """

    def __init__(self, key_file: Path, life_s: float, clock: Callable[[], float]) -> None:
        master = _load_or_make(key_file)
        self._marks, self._cipher = derive(master, "marks"), AESGCM(derive(master, "tickets"))
        self._life_s, self._clock = life_s, clock

    def seal(self, case: str, plate: str) -> str:
        """A ticket for a case that found `plate`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = json.dumps([case, plate, round(self._clock(), 3)], ensure_ascii=False).encode()
        sealed = nonce + self._cipher.encrypt(nonce, plain, _PURPOSE)
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, ticket: object) -> OwnerTicket:
        """What a ticket stands for.

        Raises:
            LookupRefused: it is none of this vault's, or too old ("ticket").
        """
        try:
            if not isinstance(ticket, str) or len(ticket) > _LONGEST:
                raise ValueError
            sealed = base64.b64decode(ticket, altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _PURPOSE)
        except (ValueError, InvalidTag):
            raise LookupRefused("ticket", "the ticket is not this vault's: match the plate again") from None
        found = OwnerTicket(*json.loads(plain))
        if abs(self._clock() - found.made_at) > self._life_s:  # a clock set back makes none younger
            raise LookupRefused("ticket", "the ticket is too old: match the plate again")
        return found

    def car_mark(self, plate: str) -> str:
        """The car, for a queue that must know the same car again."""
        return self._mark("car", plate)

    def owner_mark(self, owner: Owner) -> str:
        """The owner, by the number that is called first: several cars may be one owner's."""
        return self._mark("owner", owner.numbers[0].reveal())

    def _mark(self, what: str, value: str) -> str:
        return hmac.digest(self._marks, f"{what} {value}".encode(), "sha256").hex()[:24]


def _load_or_make(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise KeyProblem(f"{path} can be read by other users: run chmod 600 {path}")
        key = bytes.fromhex(path.read_text(encoding="ascii", errors="replace").strip())
    except OSError as error:
        raise KeyProblem(f"{path} cannot be used ({error.strerror}): set ticket_key to a file in a folder "
                         "that the vault's user may write") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyProblem(f"{path} holds no key of {2 * KEY_BYTES} hex digits: take the file back from the backup, "
                         "or delete it: calls that wait are then given up")
    return key


def _make(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
