"""What `ivr owners` does: plain functions for the command line."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dialer.errors import ConfigProblem, KeyProblem, RegisterProblem
from dialer.register import generations
from dialer.register.keys import (
    ID_BYTES,
    KEY_BYTES,
    KeyRing,
    key_id,
    load_key,
    load_keys,
    new_key,
    save_keys,
)
from dialer.register.opened import Progress, Register
from dialer.register.sealing import Sealed, seal, seal_owners
from dialer.vault.audit import AuditReport, verify
from dialer.vault.config import VaultConfig, load_vault_config

_KEY_ID = re.compile(f"[0-9a-fA-F]{{{2 * ID_BYTES}}}")


def make_key(key_file: Path) -> None:
    """Write a new key (mode 0600). Raises `KeyProblem` if the file is there."""
    new_key(key_file)


def seal_list(
    source: Path, key_file: Path | Sequence[Path], target: Path, *, last_wins: bool = False, progress: Progress | None = None
) -> Sealed:
    """Seal an owners' CSV so that the key of each `key_file` opens it.

    `last_wins`: of a plate that stands twice, take the later line.
    Raises `RegisterProblem`, `KeyProblem`.
    """
    files = [key_file] if isinstance(key_file, Path) else list(key_file)
    if any(target.exists() and given.exists() and target.samefile(given) for given in (source, *files)):
        raise RegisterProblem(f"{target} would be overwritten: give the sealed file another name")
    keys = list(dict.fromkeys(load_key(file) for file in files))
    return seal(source, keys, target, duplicates="last" if last_wins else "error", progress=progress, at_least=1)


@dataclass(frozen=True)
class Imported:
    """`count` owners now in use. `older`: sealed before the register that was in use."""

    count: int
    older: bool = False


def import_register(sealed: Path, vault_config: Path, *, progress: Progress | None = None) -> Imported:
    """Check a sealed file with the vault's keys and put it where `vault.toml` says, atomically.

    The register that was in use stays beside it for `roll_back`. A running vault takes the new one
    into use within seconds. Raises `ConfigProblem`, `RegisterProblem`, `KeyProblem`; nothing is
    changed then.
    """
    config = load_vault_config(vault_config)
    ring = _keys(config)
    with generations.changing(config.register):
        fresh = generations.copy(sealed, config.register, progress)
        try:
            with Register(fresh, ring, progress=progress) as register:
                generations.check_readable(register)
                done = Imported(len(register), register.sealed_at < generations.sealed_at(config.register))
            generations.put(fresh, config.register)
        except (RegisterProblem, KeyProblem) as error:
            raise type(error)(str(error).replace(str(fresh), str(sealed))) from None
        finally:
            fresh.unlink(missing_ok=True)
    return done


def roll_back(vault_config: Path, *, progress: Progress | None = None) -> int:
    """Take the register before the one in use, and keep this one in its place; again undoes it.

    Returns the number of owners. Raises `ConfigProblem`, `RegisterProblem` (there is none, or it
    is damaged), `KeyProblem` (its key is gone); nothing is changed then.
    """
    config = load_vault_config(vault_config)
    previous = generations.previous(config.register)
    if not previous.exists():
        raise RegisterProblem(f"{config.register} has no generation before it: import the one you want")
    with generations.changing(config.register):
        with Register(previous, _keys(config), progress=progress) as register:
            count = len(register)
        generations.swap(config.register)
    return count


def rotate_key(sealed: Path, old_key: Path, new_key_file: Path, target: Path, *, progress: Progress | None = None) -> Sealed:
    """Seal a register anew with another key. Raises `RegisterProblem`, `KeyProblem`."""
    with Register(sealed, load_keys(old_key)) as register:
        return seal_owners(register.owners(), load_key(new_key_file), target, count=len(register), progress=progress)


def rotate_vault(vault_config: Path, new_key_file: Path | None = None, *, progress: Progress | None = None) -> Sealed:
    """Give the vault a new key while it runs: the register in use is sealed anew with it.

    The new key, of `new_key_file` or freshly made, becomes the newest of `key_file`; the old ones
    still open what was sealed with them until they are revoked. Raises as `import_register`.
    """
    config = load_vault_config(vault_config)
    if config.key_env or config.key_file is None:
        raise ConfigProblem(f"{vault_config}: a key can be changed only where key_file holds it: set key_file")
    ring = _keys(config)
    key = load_key(new_key_file) if new_key_file else secrets.token_bytes(KEY_BYTES)
    if key in ring.keys[1:] or key_id(key) in dict(ring.retired):
        raise KeyProblem(f"{new_key_file} was in use before: make a new key with 'ivr owners key'")
    with generations.changing(config.register):
        fresh = generations.fresh(config.register)
        try:
            with Register(config.register, ring) as register:
                sealed = seal_owners(register.owners(), key, fresh, count=len(register), progress=progress)
            with Register(fresh, key) as register:
                generations.check_readable(register)
            save_keys(config.key_file, ring.with_new(key))  # from here on both generations open
            generations.put(fresh, config.register)
        finally:
            fresh.unlink(missing_ok=True)
    return Sealed(config.register, sealed.count, sealed.sha256)


@dataclass(frozen=True)
class KeyInUse:
    """A key of the vault by its id: `state` is newest, older or revoked; `opens`: the register in use."""

    id: str
    state: str
    opens: bool = False


def list_keys(vault_config: Path) -> list[KeyInUse]:
    """The vault's keys by their ids, newest first. Raises `ConfigProblem`, `KeyProblem`."""
    config = load_vault_config(vault_config)
    ring, opening = _keys(config), generations.key_ids(config.register)
    states = ["newest"] + ["older"] * (len(ring.keys) - 1)
    found = [KeyInUse(key_id(key).hex(), state, key_id(key) in opening) for key, state in zip(ring.keys, states)]
    return found + [KeyInUse(name.hex(), "revoked") for name, _ in ring.retired]


def revoke_key(key: str, vault_config: Path) -> bool:
    """Take a key out of use for good: nothing that only it opens will be opened again.

    The generation before the one in use goes too, if only that key opens it: True then. The audit
    log still verifies. Raises `ConfigProblem`; `KeyProblem`: no such key, or it is needed.
    """
    config = load_vault_config(vault_config)
    if config.key_env or config.key_file is None:
        raise ConfigProblem(f"{vault_config}: a key can be revoked only where key_file holds it: set key_file")
    ring = _keys(config)
    if not _KEY_ID.fullmatch(key):  # not repeated: it may be the key itself
        raise KeyProblem("this is no key's id: give the 16 hex digits that 'ivr owners keys' shows")
    left = ring.without(bytes.fromhex(key))
    if not _opens(left, config.register):
        raise KeyProblem(f"{config.register} opens with {key} only: run 'ivr owners rotate' or import a new one first")
    before = generations.previous(config.register)
    with generations.changing(config.register):
        save_keys(config.key_file, left)
        lost = before.exists() and not _opens(left, before)
        if lost:
            before.unlink()
    return lost


def audit_verify(vault_config: Path, *, expected_head: str = "") -> AuditReport:
    """Check the vault's audit log, with its keys. Raises `AuditBroken`, `ConfigProblem`, `KeyProblem`."""
    config = load_vault_config(vault_config)
    return verify(config.audit, _keys(config), expected_head=expected_head)


def _opens(ring: KeyRing, register: Path) -> bool:
    return any(ring.by_id(name) for name in generations.key_ids(register))


def _keys(config: VaultConfig) -> KeyRing:
    return load_keys(config.key_file, config.key_env)
