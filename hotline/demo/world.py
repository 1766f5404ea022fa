"""The demo's world in one folder: settings, a sealed register of made-up owners, free ports."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotline.config import EngineConfig
from hotline.demo.made_up_vault import make_vault

SEAT = "seat1"
PINNED_NUMBER = "00010000001"
BOUNDARY_PORT = 20000
"""Ports are asked for from here up, below the range that the system hands out by itself."""

SIP_CONF = """\
; Written by ivr demo: loopback only, no trunk, one seat.
[transport]
bind = 127.0.0.1
port = {sip}
[media]
codecs = alaw, ulaw
rtp_range = {rtp}-{rtp_last}
[limits]
seat_legs = 1
[seats]
{seat_name} = sip:{seat_name}@127.0.0.1:{seat}
"""


@dataclass(frozen=True)
class World:
    """Where everything of one demo is. Ports are UDP on 127.0.0.1."""

    folder: Path
    config: EngineConfig
    sip_port: int
    owner_port: int
    seat_port: int

    @property
    def hotline_uri(self) -> str:
        """The number to dial."""
        return f"sip:12345@127.0.0.1:{self.sip_port}"


def build_world(
    folder: Path, flows: Path, plate: str, owner_ring_s: int, sip_port: int = 0, more_plates: tuple[str, ...] = (),
    **settings: Any,
) -> World:
    """Write a demo's settings and seal its register. `plate` and `more_plates` are in it, each of another owner.

    `settings`: more of the engine's, such as how often owners are tried.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found_sip, owner, seat = free_udp_ports(3)
    sip = sip_port or found_sip
    rtp = free_udp_range(200)
    sip_conf = folder / "sip.conf"
    sip_conf.write_text(SIP_CONF.format(
        sip=sip, rtp=rtp, rtp_last=rtp + 199, seat=seat, seat_name=SEAT), encoding="utf-8")
    numbers = {each: f"{int(PINNED_NUMBER) + place:011d}" for place, each in enumerate((plate, *more_plates))}
    vault_config, _ = make_vault(folder / "vault", owner, pinned=numbers)
    config = EngineConfig(
        data=folder, flows=flows, sip_conf=sip_conf, vault_config=vault_config,
        owner_ring_s=owner_ring_s, seat_ring_s=15, finish_calls_s=5, **settings,
    )
    return World(folder, config, sip, owner, seat)


def free_udp_ports(count: int) -> list[int]:
    """Ports that were free just now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def free_udp_range(length: int) -> int:
    """First port of a run of `length` ports, the first of which is free."""
    for first in range(BOUNDARY_PORT, 32000, length):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", first))
            except OSError:
                continue
            return first
    raise OSError("no free UDP port between 20000 and 32000")
