"""A vault of made-up owners in a folder: sealed register, key and settings, for demo and bench."""

from pathlib import Path

from dialer.owners import make_key, seal_list
from dialer.register.made_up import write_owners

OWNERS = 3000
SETTINGS = """\
# Every owner's phone is the one softphone on this machine.
register = "owners.reg"
key_file = "owners.key"
audit = "audit.jsonl"
outside = 0.005   # few owners: a plate that is none of theirs weighs less than in a whole city
rounds_per_caller = 500   # one phone makes all the calls
dial = "sip:{{number}}@127.0.0.1:{owner_port}"
"""


def make_vault(folder: Path, owner_port: int, pinned: dict[str, str] | None = None) -> tuple[Path, list[str]]:
    """The vault's settings file and its plates, `pinned` (plate → number) among them.

    The open list of owners is deleted once it is sealed.
    """
    folder.mkdir(exist_ok=True)
    key, owners = folder / "owners.key", folder / "owners.csv"
    if not key.exists():
        make_key(key)
    plates = write_owners(owners, OWNERS, pinned=pinned)
    seal_list(owners, key, folder / "owners.reg")
    owners.unlink()
    settings = folder / "vault.toml"
    settings.write_text(SETTINGS.format(owner_port=owner_port), encoding="utf-8")
    return settings, plates
