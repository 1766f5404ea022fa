"""A vault's folder, for the tests that run a vault in it."""

import pytest
from vault_house import NUMBER, PLATE, free_port

from dialer.register.keys import load_key, new_key
from dialer.register.made_up import write_owners
from dialer.register.sealing import seal


@pytest.fixture
def house(tmp_path):
    """A vault's folder; `house.port` is where owners' phones are."""

    class House:
        port = free_port()
        config = tmp_path / "vault.toml"
        socket = tmp_path / "v.sock"
        audit = tmp_path / "audit.jsonl"
        key = tmp_path / "owners.key"
        folder = tmp_path

    new_key(House.key)
    write_owners(tmp_path / "o.csv", 500, pinned={PLATE: NUMBER, "赣KB1234": "00055500001", "赣KD1234": "00055500002"})
    seal(tmp_path / "o.csv", load_key(House.key), tmp_path / "owners.reg")
    (tmp_path / "o.csv").unlink()
    House.config.write_text(f'key_file = "owners.key"\ndial = "sip:{{number}}@127.0.0.1:{House.port}"\n')
    return House
