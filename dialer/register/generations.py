"""The register in use and the one before it, changed so that at every moment there is a whole one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialer.errors import RegisterProblem
from dialer.register import file_format as layout
from dialer.register.keys import sync_folder
from dialer.register.opened import Progress, Register

_PIECE_BYTES = 1 << 22
_SAMPLE = 1000


def previous(register: Path) -> Path:
    """Where the generation before the one in use is."""
    return register.with_name(register.name + ".previous")


def fresh(register: Path) -> Path:
    """Where the next generation is prepared; nobody opens it there."""
    return register.with_name(f".{register.name}.new")


@contextmanager
def changing(register: Path) -> Iterator[None]:
    """One change at a time.

    Raises:
        RegisterProblem: another is at work, or the folder cannot be written.
    """
    lock = register.with_name(f".{register.name}.lock")
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise RegisterProblem(f"{register} cannot be written ({error.strerror}): check the folder") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RegisterProblem(f"{register} is being changed by another program: wait until it is done") from None
    finally:
        os.close(descriptor)


def copy(sealed: Path, register: Path, progress: Progress | None) -> Path:
    """A copy of `sealed` on the disk where `register` is, not yet in use; its path.

    Raises:
        RegisterProblem: it cannot be read or written.
    """
    target = fresh(register)
    try:
        source = open(sealed, "rb")
    except OSError as error:
        raise RegisterProblem(f"{sealed}: {error.strerror}: give the sealed file") from None
    try:
        with source, open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            size, done = os.fstat(source.fileno()).st_size, 0
            while piece := source.read(_PIECE_BYTES):
                done += file.write(piece)
                if progress:
                    progress("copying", done, size)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        raise RegisterProblem(f"{register} cannot be written ({error.strerror}): check the folder") from None
    return target


def put(new: Path, register: Path) -> None:
    """Take `new` into use, and keep what was in use as the previous generation."""
    def replace() -> None:
        if register.exists():
            _link(register, previous(register))
        os.replace(new, register)

    _durably(register, replace)


def swap(register: Path) -> None:
    """Exchange the register in use and the previous one."""
    aside = register.with_name(f".{register.name}.aside")

    def exchange() -> None:
        _link(register, aside)
        os.replace(previous(register), register)
        os.replace(aside, previous(register))

    _durably(register, exchange)


def check_readable(register: Register) -> None:
    """Decrypt a thousand owners, evenly over the file: what was sealed wrongly is never put into use."""
    for at in range(0, len(register), max(1, len(register) // _SAMPLE)):
        if register.find(register.owner(at).plate) != at:
            raise RegisterProblem(f"{register.path} was sealed wrongly: have it sealed again")


def sealed_at(register: Path) -> int:
    """When the register was sealed (epoch s); 0 where there is none that can be read."""
    header = _header(register)
    return header.sealed_at if header else 0


def key_ids(register: Path) -> tuple[bytes, ...]:
    """The ids of the keys that open a register; () where there is none that can be read."""
    header = _header(register)
    return header.key_ids if header else ()


def _header(register: Path) -> layout.Header | None:
    try:
        with open(register, "rb") as file:
            return layout.parse_header(file.read(layout.HEADER_BYTES), os.fstat(file.fileno()).st_size, register)
    except (OSError, RegisterProblem):
        return None


def _link(existing: Path, name: Path) -> None:
    """A second name for a file, in place of what had that name."""
    temporary = name.with_name(f".{name.name.lstrip('.')}.link")
    temporary.unlink(missing_ok=True)
    os.link(existing, temporary)
    os.replace(temporary, name)


def _durably(register: Path, change) -> None:
    try:
        change()
        sync_folder(register.parent)
    except OSError as error:
        raise RegisterProblem(f"{register} cannot be written ({error.strerror}): check the folder") from None
