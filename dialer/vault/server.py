"""The vault: `python -m dialer.vault --config vault.toml --socket PATH`.

The one process with the register's keys. It answers one JSON line per connection on PATH
(`match`, `renew`, `text`), and serves a line on PATH.line whose `dial` takes a token. A register or key file that
changed is taken into use by itself, or at once on SIGHUP; calls go on. Exit codes: 0 told to end, 2 cannot
run (the sentence is on stderr).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from http import HTTPStatus
from pathlib import Path

from dialer.errors import ConfigProblem, DialerError, LookupRefused, VaultFailed
from dialer.register.keys import load_keys
from dialer.register.opened import Register
from dialer.texting.settings import load_gateway
from dialer.vault.audit import AuditLog
from dialer.vault.config import VaultConfig, load_vault_config
from dialer.vault.lookups import Lookups
from dialer.vault.owner_texts import OwnerTexts
from ivr.sip.config import ConfigError
from ivr.sip.line import Ended, Leg, LegEvent, LineError
from ivr.sip.line_server import DialRefused, LineServer
from ivr.sip.supervisor import Supervisor

log = logging.getLogger(__name__)
_MOST_REQUEST_BYTES = 1 << 16
_REQUEST_S = 5.0
_LOOK_S = 1.0  # how often the files are looked at for a change
_GRID_S = 0.02  # answers leave at multiples of this after the request: what is left of timing drowns in it

_STRANGE = ("request", "ticket")
"""Refusals of what no engine of ours asks: malformed requests, tickets that are not this vault's or too old."""


def line_socket(socket: Path) -> Path:
    """Where the vault on `socket` serves its line."""
    return socket.with_name(socket.name + ".line")


class VaultServer:
    """Lookups and owners' calls behind two Unix sockets (mode 0600, or 0660 for `socket_group`)."""

    def __init__(self, config: VaultConfig, socket: Path) -> None:
        self._config, self._socket = config, socket
        self._stamp = self._files()
        keys = load_keys(config.key_file, config.key_env)
        self._audit = AuditLog(config.audit, keys)
        register = Register(config.register, keys)
        self._lookups = Lookups(config, register, self._audit, time.monotonic)
        gateway = load_gateway(config.text_gateway) if config.text_gateway else None
        self._texts = OwnerTexts(config, gateway, self._audit)
        self._supervisor = Supervisor(config.sip(), name="vault")
        self._one_at_a_time = asyncio.Lock()
        self._refreshing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls: dict[str, tuple[str, float]] = {}  # leg id → case, begun at

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises VaultFailed where another vault serves the socket."""
        await self._require_free()
        line = await self._supervisor.start()
        server = LineServer(line_socket(self._socket), line.capacity, self._dial)
        server.on_event = self._note_end
        line.on_notice = _log_notice
        aside = asyncio.create_task(self._turn_away()), asyncio.create_task(self._watch_files())
        await server.start()
        requests = await self._listen()
        self._share()
        self._audit.append("opened", owners=len(self._lookups.register))
        try:
            await stop.wait()
        finally:
            requests.close()
            self._socket.unlink(missing_ok=True)
            await server.stop()
            for task in aside:
                task.cancel()
            await self._supervisor.stop()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._audit.append("closed")

    async def _require_free(self) -> None:
        try:
            _, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return
        writer.close()
        raise VaultFailed(f"another vault serves {self._socket}: stop it first, or give this one a socket of its own")

    def _share(self) -> None:
        """Let `socket_group` connect; without it only the vault's own user may."""
        if not self._config.socket_group:
            return
        for path in (self._socket, line_socket(self._socket)):
            try:
                shutil.chown(path, group=self._config.socket_group)
            except (LookupError, PermissionError):
                raise ConfigProblem(f"socket_group {self._config.socket_group!r}: there is no such group, or the vault's "
                                    "user is not in it: create it and add both users") from None
            path.chmod(0o660)

    def reopen(self) -> None:
        """Take the register and the keys as they are on disk now; the old ones stay if these are bad."""
        self._spawn(self._refresh())

    async def _watch_files(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._files() != self._stamp:
                await self._refresh()

    async def _refresh(self) -> None:
        async with self._refreshing:
            self._stamp = self._files()
            try:
                keys = load_keys(self._config.key_file, self._config.key_env)
                fresh = await asyncio.to_thread(Register, self._config.register, keys)
            except DialerError as error:
                log.error("the register in use stays: %s", error)
                return
            async with self._one_at_a_time:
                before, self._lookups.register = self._lookups.register, fresh
                before.close()
                self._audit.use(keys)
                await asyncio.to_thread(self._audit.append, "opened", owners=len(fresh))

    def _files(self) -> tuple[object, ...]:
        """What changes when the register or the key file was replaced or written."""
        seen = []
        for path in (self._config.register, self._config.key_file):
            try:
                stat = path.stat() if path else None
            except OSError:
                stat = None
            seen.append(stat and (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode))
        return tuple(seen)

    # --- requests ---

    async def _listen(self) -> asyncio.Server:
        self._socket.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._answer, str(self._socket), limit=_MOST_REQUEST_BYTES)
        finally:
            os.umask(before)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), _REQUEST_S)
            writer.write(json.dumps(await self._reply(line), ensure_ascii=False).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, ValueError, ConnectionError):
            log.warning("a request was dropped: it was too slow, too long or cut off")
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> Mapping[str, object]:
        begun = time.monotonic()
        reply = await self._answer_to(line)
        await asyncio.sleep(_GRID_S - (time.monotonic() - begun) % _GRID_S)
        return reply

    async def _answer_to(self, line: bytes) -> Mapping[str, object]:
        try:
            request = _read_request(line)
            if request.get("op") == "text":
                return await self._send_text(request)
            wanted = {"match": (self._lookups.match, "case", "heard", "caller", "denied"), "renew": (self._lookups.renew, "ticket")}
            if not isinstance(request.get("op"), str) or request["op"] not in wanted:
                raise LookupRefused("request", f"the vault knows these requests only: {', '.join((*wanted, 'text'))}")
            work, *names = wanted[request["op"]]
            async with self._one_at_a_time:  # budgets and the audit are in order
                return await asyncio.to_thread(work, *(request.get(name) for name in names))
        except LookupRefused as refused:
            if refused.kind in _STRANGE:
                await asyncio.to_thread(self._lookups.note_refusal, refused.kind)
            return {"refused": refused.kind, "text": str(refused)}
        except Exception as error:  # the text of an error could hold what was decrypted
            log.error("a request failed: %s", type(error).__name__)
            return {"refused": "fault", "text": "the vault failed at this request: hand the call to a person"}

    async def _send_text(self, request: Mapping[str, object]) -> Mapping[str, object]:
        async with self._one_at_a_time:
            found, owner = await asyncio.to_thread(self._lookups.owner_of, request.get("ticket"))
        mark = self._lookups.owner_mark(owner)
        return vars(await self._texts.send(found.case, owner, mark, request.get("id"), request.get("text")))

    # --- owners' calls ---

    async def _dial(self, token: str, ring_timeout_s: float, headers: Mapping[str, str]) -> Leg:
        """Headers are not passed on: they could take the call elsewhere, or mark it."""
        ticket = self._lookups.tokens.take(token)
        if ticket is None:
            await asyncio.to_thread(self._lookups.note_refusal, "token")
            raise DialRefused(403, "the token is unknown, used or expired: match the plate again")
        now = time.localtime()
        if ticket.owner.is_quiet_at(now.tm_hour * 60 + now.tm_min):
            await asyncio.to_thread(self._audit.append, "dial_refused", case=ticket.case, why="quiet")
            raise DialRefused(480, "the owner asked not to be called at this hour")
        mark = self._audit.plate_mark(ticket.owner.plate)
        begun = time.monotonic()
        number = ticket.owner.numbers[ticket.which].reveal()
        target = self._config.dial.replace("{number}", number)
        try:
            await asyncio.to_thread(self._audit.append, "dial", case=ticket.case, plate=mark, which=ticket.which)
            leg = await self._supervisor.line.dial(target, ring_timeout_s=ring_timeout_s)
        except (asyncio.CancelledError, LineError) as error:  # no leg will tell of an end
            self._audit_end(ticket.case, begun, 503 if isinstance(error, LineError) else 487, "local")
            raise
        _guard(leg)
        self._calls[leg.id] = (ticket.case, begun)
        return leg

    def _note_end(self, token: str, leg: Leg, event: LegEvent) -> None:
        if isinstance(event, Ended):
            case, begun = self._calls.pop(leg.id, ("", time.monotonic()))
            self._audit_end(case, begun, event.code, event.by)

    def _audit_end(self, case: str, begun: float, code: int, by: str) -> None:
        seconds = round(time.monotonic() - begun, 1)
        self._spawn(asyncio.to_thread(self._audit.append, "ended", case=case, code=code, by=by, seconds=seconds))

    async def _turn_away(self) -> None:
        async for leg in self._supervisor.line.incoming():
            leg.reject(603)  # nobody calls the vault

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("the audit log lacks an entry (%s): see to its disk", type(task.exception()).__name__)


def _log_notice(kind: str, _text: str) -> None:
    """By kind alone: the text can hold what the trunk or a peer wrote."""
    if kind == "registration-failed":
        log.warning("owners cannot be called: registration-failed: check [trunk] in sip_conf")
    elif kind != "registered":
        log.warning("the line of owners' calls: %s", kind)


def _guard(leg: Leg) -> None:
    """No text of the peer or of the SIP stack passes to the engine: only the standard phrase.

    The reason of `Ended` is the one free text that the far side can write; the mark of `Played` is
    the engine's own, and all else is codes and keys.
    """
    deliver = leg.deliver

    def without_text(event: LegEvent) -> None:
        if isinstance(event, Ended):
            event = Ended(event.code, _phrase(event.code), event.by)
        deliver(event)

    leg.deliver = without_text  # type: ignore[method-assign]


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in HTTPStatus.__members__.values() else ""


async def serve(config: VaultConfig, socket: Path, until_stdin_closes: bool = False) -> None:
    """Run a vault on `socket` until SIGTERM or SIGINT, or until standard input closes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    vault = VaultServer(config, socket)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, vault.reopen)
    if until_stdin_closes:
        loop.add_reader(0, lambda: stop.set() if not os.read(0, 1) else None)
    await vault.run(stop)


def _read_request(line: bytes) -> Mapping[str, object]:
    """Raises LookupRefused."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise LookupRefused("request", "a request is one JSON object on one line")
    return request


def main() -> int:
    """Run the vault; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m dialer.vault", description=__doc__)
    parser.add_argument("--config", required=True, type=Path, help="vault.toml")
    parser.add_argument("--socket", required=True, type=Path, help="Unix socket to serve")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the parent process")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="vault: %(message)s")
    try:
        config = load_vault_config(arguments.config)
        asyncio.run(serve(config, arguments.socket, arguments.until_stdin_closes))
    except (DialerError, ConfigError, LineError) as error:
        print(f"vault: {error}", file=sys.stderr)
        return 2
    return 0
