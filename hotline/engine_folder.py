"""The folder of one engine: its name among those that share a database, and that no other works in it."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from pathlib import Path

from hotline.errors import CannotRun


def keep_private() -> None:
    """Whatever this process and its children write from now on, only their own user may read: callers' voices, plates."""
    os.umask(0o077)


class EngineFolder:
    """`data`, held by this process until it ends or `release` is called.

    `name` stays the same over restarts in the folder and on the machine, so that an engine knows
    what it left behind when it was killed. Raises CannotRun where another engine holds the folder,
    or nothing can be written there.
    """

    def __init__(self, data: Path) -> None:
        path = data / "engine.id"
        try:
            data.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+", encoding="ascii")
            os.chmod(path, 0o600)
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.seek(0)
            mark = self._file.read().strip()
            if not mark:
                mark = secrets.token_hex(4)
                self._file.write(f"{mark}\n")
                self._file.flush()
        except BlockingIOError:
            raise CannotRun(f"another engine works in {data}: end it, or give this one an [engine] data of its own") from None
        except OSError as error:
            raise CannotRun(f"nothing can be kept in {data} ({os.strerror(error.errno)}): "
                            "check [engine] data in ivr.toml and the folder's rights") from None
        self.name = f"{socket.gethostname()}/{mark}"

    def release(self) -> None:
        """Another engine may have the folder."""
        self._file.close()
