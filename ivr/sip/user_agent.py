"""pjsua2 set up for a worker: endpoint, transports, codecs and accounts."""

from __future__ import annotations

import ctypes
import ipaddress
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pjsua2 as pj

from ivr.sip.config import SipConfig, Trunk

_ADDRESS_IN_USE = 120_098  # PJ_ERRNO_START_SYS + EADDRINUSE
_MOST_CALLS = 128  # asked for; the build clamps it
_RETRY_REGISTRATION_S = 30


class StartError(Exception):
    """The SIP stack cannot start. ``kind``: ``port-taken`` or ``sip``."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Invite:
    """What an INVITE says, read from its text: pjsua2 gives no header of it."""

    remote: str
    called: str
    headers: dict[str, str]
    source: str

    @classmethod
    def read(cls, data: pj.SipRxData) -> "Invite":
        # Bytes that are not UTF-8 come as lone surrogates, which nobody could print or store.
        text = data.wholeMsg.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        head, *lines = text.partition("\r\n\r\n")[0].split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            name = _LONG_NAMES.get(name.strip().lower(), name.strip())
            if colon and name.lower() not in _OWN_HEADERS:
                headers.setdefault(name, value.strip())
        request_uri = head.split(" ")[1] if " " in head else ""
        return cls(
            remote=_user_part(headers.get("From", "")),
            called=_user_part(request_uri),
            headers=headers,
            source=data.srcAddress,
        )

    def comes_from(self, networks: tuple[str, ...]) -> bool:
        """Whether the peer is in one of ``networks``; none named lets all in."""
        if not networks:
            return True
        host = self.source.rpartition(":")[0].strip("[]").partition("%")[0]
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False  # not an address that could be allowed
        return any(address in ipaddress.ip_network(n) for n in networks)


class LineAccount(pj.Account):
    """An account whose calls and registration news go to two functions."""

    def __init__(
        self,
        on_invite: Callable[[pj.Account, int, Invite], None],
        on_registration: Callable[[int, str], None],
    ) -> None:
        super().__init__()
        self._on_invite = on_invite
        self._on_registration = on_registration

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:  # noqa: N802
        self._on_invite(self, prm.callId, Invite.read(prm.rdata))

    def onRegState(self, prm: pj.OnRegStateParam) -> None:  # noqa: N802
        if prm.expiration or prm.code // 100 != 2:
            self._on_registration(prm.code, prm.reason)


class UserAgent:
    """The started endpoint. ``direct`` dials URIs, ``trunk`` (or None) dials numbers.

    Raises:
        StartError: a port is taken, or pjsua2 refuses the configuration.
    """

    def __init__(
        self,
        config: SipConfig,
        on_invite: Callable[[pj.Account, int, Invite], None],
        on_registration: Callable[[int, str], None],
    ) -> None:
        self._config = config
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        self.endpoint.libInit(_endpoint_config())
        self.capacity = _call_limit()
        self.port = self._open_transports()
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        self._choose_codecs()
        self.direct = LineAccount(on_invite, on_registration)
        self.direct.create(self._direct_account())
        self.trunk = None
        if config.trunk is not None:
            self.trunk = LineAccount(on_invite, on_registration)
            self.trunk.create(self._trunk_account(config.trunk))

    def route(self, target: str) -> tuple[pj.Account, str]:
        """The account and URI by which ``target`` (SIP URI or number) is dialled.

        Raises:
            ValueError: it is neither, or a number without a trunk. Never repeats the target.
        """
        if target.lower().startswith(("sip:", "sips:")):
            if re.search(r"[\s<>\"]", target) or self.endpoint.utilVerifySipUri(target):
                raise ValueError("the SIP URI to dial is malformed")
            return self.direct, target
        if not re.fullmatch(r"[0-9A-Za-z*#+._-]{1,32}", target):
            raise ValueError("what is to be dialled is neither a number nor a SIP URI")
        if self.trunk is None:
            raise ValueError("numbers need a [trunk] in sip.conf")
        user = target.replace("#", "%23")
        return self.trunk, f"sip:{user}@{self._trunk_domain(self._config.trunk)}"

    def unregister(self) -> bool:
        """Take the registration back, if there is one; True where an answer may come."""
        registered = self.trunk_is_registered()
        if registered:
            self.trunk.setRegistration(False)
        return registered

    def trunk_is_registered(self) -> bool:
        """Whether the registrar still believes that calls should come here."""
        return self.trunk is not None and self.trunk.getInfo().regIsActive

    # --- setting up ---

    def _open_transports(self) -> int:
        transport = self._config.transport
        port = transport.port
        wanted = [("UDP", pj.PJSIP_TRANSPORT_UDP)]
        if transport.tcp:
            wanted.append(("TCP", pj.PJSIP_TRANSPORT_TCP))
        for name, kind in wanted:
            settings = pj.TransportConfig()
            settings.port = port
            self._address(settings)
            try:
                opened = self.endpoint.transportCreate(kind, settings)
            except pj.Error as error:
                raise _start_error(error, f"{transport.bind} {name} port {port}") from error
            port = port or int(self.endpoint.transportGetInfo(opened).localName.rpartition(":")[2])
        return port

    def _address(self, settings: pj.TransportConfig) -> None:
        """Needed on the transport *and* on each account's media."""
        transport = self._config.transport
        if transport.bind not in ("0.0.0.0", "::"):
            settings.boundAddress = transport.bind
        if transport.public_address:
            settings.publicAddress = transport.public_address

    def _choose_codecs(self) -> None:
        wanted = self._config.media.codecs
        for codec in self.endpoint.codecEnum2():
            base = codec.codecId.rsplit("/", 1)[0]
            priority = 255 - wanted.index(base) if base in wanted else 0
            self.endpoint.codecSetPriority(codec.codecId, priority)

    def _direct_account(self) -> pj.AccountConfig:
        transport = self._config.transport
        host = transport.public_address or transport.bind
        account = pj.AccountConfig()
        account.idUri = f"sip:hotline@{host}:{self.port}"
        self._media(account)
        return account

    def _trunk_account(self, trunk: Trunk) -> pj.AccountConfig:
        account = pj.AccountConfig()
        account.idUri = f"sip:{trunk.username or 'hotline'}@{self._trunk_domain(trunk)}"
        if trunk.register:
            account.regConfig.registrarUri = f"sip:{trunk.registrar}"
            account.regConfig.timeoutSec = trunk.expiry_s
            account.regConfig.retryIntervalSec = _RETRY_REGISTRATION_S
        if trunk.outbound_proxy:
            account.sipConfig.proxies.append(f"<{trunk.outbound_proxy};lr>")
        if trunk.username:
            credentials = pj.AuthCredInfo("digest", trunk.realm, trunk.username, 0, trunk.password)
            account.sipConfig.authCreds.append(credentials)
        self._media(account)
        return account

    def _trunk_domain(self, trunk: Trunk) -> str:
        return trunk.domain or trunk.registrar

    def _media(self, account: pj.AccountConfig) -> None:
        first, last = self._config.media.rtp_range
        settings = account.mediaConfig.transportConfig
        settings.port, settings.portRange = first, last - first
        self._address(settings)


# The short forms of RFC 3261 §7.3.3, and headers that are SIP's own business.
_LONG_NAMES = {"f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "v": "Via", "s": "Subject",
               "l": "Content-Length", "c": "Content-Type", "k": "Supported"}  # fmt: skip
_OWN_HEADERS = {"via", "max-forwards", "cseq", "content-length", "content-type", "allow",
                "supported", "route", "record-route", "authorization",
                "proxy-authorization"}  # fmt: skip


def _user_part(address: str) -> str:
    match = re.search(r"(?:sips?|tel):([^@;>\s]+)", address, re.IGNORECASE)
    if match is None or ("@" not in address and "tel:" not in address.lower()):
        return ""
    return match[1].replace("%23", "#")


def _endpoint_config() -> pj.EpConfig:
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 0  # numbers are in SIP messages
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.maxCalls = _MOST_CALLS
    config.uaConfig.userAgent = "hotline"
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    config.medConfig.noVad = True
    return config


def _call_limit() -> int:
    """What this build allows: libInit clamps maxCalls without a word."""
    [library] = [m for name, m in sys.modules.items() if name.rpartition(".")[2] == "_pjsua2"]
    return ctypes.CDLL(library.__file__).pjsua_call_get_max_count()


def _start_error(error: pj.Error, what: str) -> StartError:
    if error.status == _ADDRESS_IN_USE:
        return StartError(
            "port-taken",
            f"{what} is in use by another program: stop that program, "
            "or set another port under [transport] in sip.conf",
        )
    return StartError("sip", f"{what} cannot be opened ({error.reason}): check [transport]")
