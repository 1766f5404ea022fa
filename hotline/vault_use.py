"""Which vault the engine works with, whether the flow that it serves needs one, and what the doctor finds of it."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from dialer.register.keys import load_keys
from dialer.register.opened import Register
from dialer.vault.client import Vault
from dialer.vault.config import load_vault_config
from dialer.vault.supervise import VaultProcess, no_vault, vault_elsewhere
from hotline.config import EngineConfig
from hotline.move_car.case_again import CaseAgain
from hotline.move_car.plate_actions import PlateActions
from ivr.flow.actions import declared
from ivr.flow.load import load_flow
from ivr.flow.model import Flow
from ivr.flow.source import FlowError

NEED_VAULT = {*declared(PlateActions, CaseAgain), "call_owner", "ask_owner"}
"""What flows do that is about a car and its owner."""
WRITE_IT = "write vault.toml as docs/register.md says, and start again"
_ANSWERS_WITHIN_S = 2.0


def open_vault(config: EngineConfig, without: bool) -> AbstractAsyncContextManager[Vault]:
    """The vault that runs by itself, where `vault_socket` names its socket, else a child; none if `without`."""
    if config.vault_socket != Path():
        return vault_elsewhere(config.vault_socket)
    run = config.data / "run"
    run.mkdir(parents=True, exist_ok=True)
    if without:
        return no_vault(run / "vault.sock")
    return VaultProcess(config.vault_config, run / "vault.sock")


def goes_without(config: EngineConfig, flow: Flow) -> bool:
    """Whether no vault is set up, and the flow needs none."""
    return config.vault_socket == Path() and _missing(config.vault_config) and not vault_needs(flow)


def vault_needs(flow: Flow) -> list[FlowError]:
    """For each action of the flow, and of those that it runs, that cannot be done without the vault: a problem."""
    found = [FlowError(state.at("do>", "do"), f"'{state.action}' needs the vault, and there is none: {WRITE_IT}")
             for state in flow.states.values() if state.action in NEED_VAULT]
    return found + [problem for each in flow.subflows.values() for problem in vault_needs(each)]


async def examine_vault(config: EngineConfig) -> str:
    """What the doctor says of it. Raises what `ivr serve` would stop with."""
    if config.vault_socket != Path():
        return await _answering(config.vault_socket)
    if _missing(config.vault_config) and _flow_needs_none(config.flows / f"{config.inbound_flow}.yaml"):
        return f"none; the flow {config.inbound_flow} needs none"
    if not _allowed(config.vault_config):
        return _not_ours(config.vault_config)
    vault = load_vault_config(config.vault_config)
    for path in filter(None, (vault.key_file, vault.register)):
        if not _allowed(path):
            return _not_ours(path)
    vault.sip()
    with Register(vault.register, load_keys(vault.key_file, vault.key_env)) as register:
        return f"{config.vault_config}, {len(register)} owners"


def _flow_needs_none(path: Path) -> bool:
    try:
        return not vault_needs(load_flow(path))
    except FlowError:       # which is found elsewhere
        return False


async def _answering(socket: Path) -> str:
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            _, writer = await asyncio.open_unix_connection(str(socket))
        writer.close()
    except PermissionError:
        return _not_ours(socket)
    except (OSError, TimeoutError):
        raise RuntimeError(f"no vault can be reached on {socket}: start it (ivr vault)") from None
    return f"one answers on {socket}"


def _missing(path: Path) -> bool:
    try:
        return not path.exists()
    except PermissionError:
        return False


def _allowed(path: Path) -> bool:
    """Whether this user may read it, if it is there."""
    try:
        path.open("rb").close()
    except PermissionError:
        return False
    except OSError:
        return True
    return True


def _not_ours(path: Path) -> str:
    return f"{path} may not be read by this user; the one that runs the vault must"
