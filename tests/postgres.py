"""A PostgreSQL of a test's own: Debian's programs, an unprivileged user, a folder, loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

SETTINGS = (
    "listen_addresses = '127.0.0.1'\nmax_connections = 100\nshared_buffers = 16MB\n"
    "fsync = off\n"  # no test cuts the power
)


def programs() -> Path | None:
    """The folder of the newest server's programs, None where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


class PrivatePostgres:
    """A server that starts with the first `start` and ends with `remove`."""

    def __init__(self, bin_folder: Path):
        self._bin, self._databases = bin_folder, 0
        self._folder = Path(tempfile.mkdtemp(prefix="ivr-postgres-"))
        self._user = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._run("initdb", "-D", self._folder / "data", "-U", "ivr", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (self._folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(f"{SETTINGS}port = {self.port}\nunix_socket_directories = '{self._folder}'\n")

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", self._folder / "data", "-l", self._folder / "log")

    def stop(self) -> None:
        """At once, as when its machine dies."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", self._folder / "data")

    def remove(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    def url(self, database: str, user: str = "ivr") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The address of what looks like an empty database: a schema, which is its user's own. (A database is 300
        files; a schema is none.)"""
        self._databases += 1
        name = f"test_{self._databases}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} SUPERUSER LOGIN")
            connection.execute(f"CREATE SCHEMA AUTHORIZATION {name}")
        return self.url("postgres", name)

    def dump(self, url: str) -> bytes:
        """All that a database holds, as pg_dump tells it."""
        return subprocess.run([self._bin / "pg_dump", url], check=True, capture_output=True).stdout

    def _run(self, program: str, *arguments: object) -> None:
        # pg_ctl's server keeps its output open: it must not be a pipe that somebody waits for
        with (self._folder / f"{program}.out").open("ab") as out:
            done = subprocess.run([self._bin / program, *map(str, arguments)], stdout=out, stderr=out,
                                  stdin=subprocess.DEVNULL, cwd="/", **self._user)
        assert done.returncode == 0, (self._folder / f"{program}.out").read_text()
