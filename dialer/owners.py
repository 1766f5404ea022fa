"""What `ivr owners` does: plain functions for the command line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from dialer.audit import AuditReport, verify
from dialer.errors import RegisterProblem
from dialer.keys import load_key, new_key
from dialer.register import Register
from dialer.sealing import Sealed, seal, seal_owners, sync_folder
from dialer.vault_config import VaultConfig, load_vault_config

Progress = Callable[[int], None]


def make_key(key_file: Path) -> None:
    """Write a new key (mode 0600). Raises `KeyProblem` if the file is there."""
    new_key(key_file)


def seal_list(
    source: Path, key_file: Path, target: Path, *, last_wins: bool = False, progress: Progress | None = None
) -> Sealed:
    """Seal an owners' CSV. `last_wins`: of a plate that stands twice, take the later line.

    Raises `RegisterProblem`, `KeyProblem`."""
    duplicates = "last" if last_wins else "error"
    return seal(source, load_key(key_file), target, duplicates=duplicates, progress=progress)


def import_register(sealed: Path, vault_config: Path) -> int:
    """Check a sealed file with the vault's key and put it where `vault.toml` says, atomically.

    A running vault takes it into use on SIGHUP. Returns the number of owners.
    Raises `ConfigProblem`, `RegisterProblem`, `KeyProblem`; the old register stays then.
    """
    config = load_vault_config(vault_config)
    with Register(sealed, _key(config)) as register:
        count = len(register)
    fresh = config.register.with_name(f".{config.register.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        with open(sealed, "rb") as source, open(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        os.replace(fresh, config.register)
        sync_folder(config.register.parent)
    except OSError as error:
        raise RegisterProblem(f"{config.register} cannot be written ({error.strerror}): check the folder") from None
    return count


def rotate_key(sealed: Path, old_key: Path, new_key_file: Path, target: Path, *, progress: Progress | None = None) -> Sealed:
    """Seal a register anew with another key. Raises `RegisterProblem`, `KeyProblem`."""
    with Register(sealed, load_key(old_key)) as register:
        return seal_owners(register.owners(), load_key(new_key_file), target, progress=progress)


def audit_verify(vault_config: Path, *, expected_head: str = "") -> AuditReport:
    """Check the vault's audit log, with its key. Raises `AuditBroken`, `ConfigProblem`, `KeyProblem`."""
    config = load_vault_config(vault_config)
    return verify(config.audit, _key(config), expected_head=expected_head)


def _key(config: VaultConfig) -> bytes:
    return load_key(config.key_file, config.key_env)
