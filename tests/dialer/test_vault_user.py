"""The vault under a user of its own: the engine's user may ask it, nobody else may, and no key is shared."""

import asyncio
import grp
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from vault_house import NUMBER, PLATE

from dialer.errors import VaultFailed
from dialer.register.keys import load_key, new_key
from dialer.register.made_up import write_owners
from dialer.register.sealing import seal
from dialer.vault.supervise import vault_elsewhere

ROOT = Path(__file__).resolve().parents[2]
VAULT_USER, GROUP = 65534, 60
"""nobody; Debian's group `games`."""
STRANGER = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ntry: s.connect(sys.argv[1])\nexcept PermissionError: sys.exit(7)\n"


@pytest.fixture
def apart():
    """A folder that the vault's user owns."""
    folder = Path(tempfile.mkdtemp(prefix="vault-user-"))
    new_key(folder / "owners.key")
    write_owners(folder / "o.csv", 50, pinned={PLATE: NUMBER})
    seal(folder / "o.csv", load_key(folder / "owners.key"), folder / "owners.reg")
    (folder / "o.csv").unlink()
    yield folder
    shutil.rmtree(folder)


def _interpreter() -> str:
    """A Python that any user may run; this one may lie in its owner's home."""
    own, system = Path(sys.executable).resolve(), Path(f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}")
    reachable = all(parent.stat().st_mode & 0o001 for parent in own.parents)
    if not reachable and not system.exists():
        pytest.skip("no Python here that another user may run")
    return sys.executable if reachable else str(system)


def _settings(folder: Path, group: str) -> None:
    (folder / "vault.toml").write_text(f'key_file = "owners.key"\nsocket_group = "{group}"\n')


async def _as(user: int, group: int, *command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(str(part) for part in command), cwd=ROOT, user=user, group=group, extra_groups=[],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(Path(pytest.__file__).parents[1]))), "HOME": "/"})


@pytest.mark.skipif(os.geteuid() != 0, reason="starts processes as other users")
async def test_who_is_in_the_sockets_group_is_answered_and_others_are_not(apart):
    _settings(apart, grp.getgrgid(GROUP).gr_name)
    for path in (apart, *apart.iterdir()):
        os.chown(path, VAULT_USER, GROUP)
    apart.chmod(0o755)
    vault = await _as(VAULT_USER, GROUP, _interpreter(), "-m", "hotline", "vault",
                      "--config", apart / "vault.toml", "--socket", apart / "v.sock")
    try:
        async with vault_elsewhere(apart / "v.sock") as there:
            assert (await there.match("c1", [(PLATE, 0.97)])).plate == PLATE
        assert (apart / "v.sock").stat().st_mode & 0o777 == 0o660
        ends = [await (await _as(user, group, _interpreter(), "-c", STRANGER, apart / "v.sock")).wait()
                for user, group in ((1, GROUP), (1, 1))]
        assert ends == [0, 7]
    finally:
        vault.terminate()
        await vault.wait()


async def test_a_group_that_is_not_there_and_a_vault_that_is_not_are_said_in_a_sentence(apart, monkeypatch):
    _settings(apart, "no-such-group")
    vault = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hotline", "vault", "--config", str(apart / "vault.toml"), "--socket", str(apart / "v.sock"),
        cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    _, said = await vault.communicate()
    assert vault.returncode == 2 and b"no-such-group" in said and b"Traceback" not in said
    monkeypatch.setattr("dialer.vault.supervise._START_S", 0.3)
    with pytest.raises(VaultFailed, match="ivr vault"):
        async with vault_elsewhere(apart / "nobody.sock"):
            pass
