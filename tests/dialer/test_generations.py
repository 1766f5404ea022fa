"""Import, roll-back, a change of keys and their revocation: what is in use is always whole."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dialer import owners
from dialer.errors import AuditBroken, KeyProblem, RegisterProblem
from dialer.register import generations
from dialer.register.keys import key_id, load_key, load_keys, new_key
from dialer.register.opened import Register
from dialer.register.owner import Owner
from dialer.register.sealing import seal_owners
from dialer.register.secret import Secret
from dialer.vault.audit import AuditLog, verify

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """A vault's folder without a vault in it."""

    def __init__(self, folder):
        self.folder, self.config, self.live = folder, folder / "vault.toml", folder / "owners.reg"
        self.key_file = folder / "owners.key"
        new_key(self.key_file)
        self.config.write_text('key_file = "owners.key"\n')

    def sealed(self, count, key=None):
        path = self.folder / f"in-{count}.reg"
        rows = (Owner(f"赣K{n:05d}", (Secret("0001234567"),)) for n in range(count))
        seal_owners(rows, key or load_key(self.key_file), path)
        return path

    def count(self):
        with Register(self.live, load_keys(self.key_file)) as register:
            assert all(register.owner(at).numbers[0].reveal() == "0001234567" for at in range(len(register)))
            return len(register)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_the_generation_before_comes_back_and_goes_again(site):
    for count in (10, 20, 30):
        assert owners.import_register(site.sealed(count), site.config).count == count
    assert owners.roll_back(site.config) == 20 == site.count()
    assert owners.roll_back(site.config) == 30 == site.count()


def test_there_is_nothing_to_go_back_to_after_one_import(site):
    owners.import_register(site.sealed(10), site.config)
    with pytest.raises(RegisterProblem, match="no generation before"):
        owners.roll_back(site.config)
    assert site.count() == 10


def test_a_damaged_generation_before_is_not_taken(site):
    for count in (10, 20):
        owners.import_register(site.sealed(count), site.config)
    before = generations.previous(site.live)
    before.write_bytes(before.read_bytes()[:-5])
    with pytest.raises(RegisterProblem, match="cut short"):
        owners.roll_back(site.config)
    assert site.count() == 20


def test_what_cannot_be_imported_changes_nothing_and_is_named_by_its_own_name(site):
    owners.import_register(site.sealed(10), site.config)
    whole = site.sealed(20).read_bytes()
    damaged = {
        "torn.reg": whole[:-1], "foreign.reg": b"%PDF-1.7" + whole, "empty.reg": b"",
        "flipped.reg": whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:], "short.reg": whole[:100],
    }
    for name, data in damaged.items():
        (site.folder / name).write_bytes(data)
        with pytest.raises(RegisterProblem, match=name) as caught:
            owners.import_register(site.folder / name, site.config)
        assert "\n" not in str(caught.value) and ".new" not in str(caught.value)
    with pytest.raises(RegisterProblem, match="give the sealed file"):
        owners.import_register(site.folder / "nobody.reg", site.config)
    with pytest.raises(KeyProblem, match="another key"):
        owners.import_register(site.sealed(30, bytes(32)), site.config)
    assert site.count() == 10 and not generations.previous(site.live).exists()
    assert not generations.fresh(site.live).exists()


def test_an_older_version_is_named(site):
    data = bytearray(site.sealed(3).read_bytes())
    data[8] = 1
    (site.folder / "old.reg").write_bytes(data)
    with pytest.raises(RegisterProblem, match="format 1, this program reads 2"):
        owners.import_register(site.folder / "old.reg", site.config)


def test_a_register_sealed_before_the_one_in_use_is_told(site, monkeypatch):
    old, new = site.sealed(1), site.sealed(2)
    monkeypatch.setattr(time, "time", lambda: 5e9)  # the sealing machine's clock was wrong
    ahead = site.sealed(3)
    assert not owners.import_register(old, site.config).older
    assert not owners.import_register(ahead, site.config).older
    assert owners.import_register(new, site.config).older and site.count() == 2


def test_one_change_at_a_time(site):
    owners.import_register(site.sealed(10), site.config)
    with open(site.folder / ".owners.reg.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RegisterProblem, match="another program"):
            owners.import_register(site.sealed(20), site.config)
    assert site.count() == 10


def test_an_import_killed_at_any_moment_leaves_a_whole_register(site):
    owners.import_register(site.sealed(10), site.config)
    site.sealed(20_000)
    for pause_s in (0.0, 0.02, 0.05, 0.1, 0.2):
        child = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom dialer import owners\n"
             "from pathlib import Path\nprint('ready', flush=True)\n"
             f"owners.import_register(Path('in-20000.reg'), Path('vault.toml'))"],
            cwd=site.folder, stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(pause_s)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        with Register(site.live, load_keys(site.key_file)) as register:
            assert len(register) in (10, 20_000)
    assert owners.import_register(site.sealed(30), site.config).count == 30 == site.count()


def test_a_vaults_key_changes_and_the_old_one_is_revoked(site):
    old = key_id(load_key(site.key_file)).hex()
    owners.import_register(site.sealed(10), site.config)
    stale = site.sealed(11)
    with pytest.raises(KeyProblem, match="newest key"):
        owners.revoke_key(old, site.config)
    owners.rotate_vault(site.config)
    assert site.count() == 10 and load_key(site.key_file).hex() not in (site.folder / "vault.toml").read_text()
    assert [(key.state, key.opens) for key in owners.list_keys(site.config)] == [("newest", True), ("older", False)]
    assert owners.roll_back(site.config) == 10 and owners.roll_back(site.config) == 10  # both keys open still
    assert owners.revoke_key(old, site.config) is True  # the generation before went with it
    assert [key.state for key in owners.list_keys(site.config)] == ["newest", "revoked"]
    with pytest.raises(KeyProblem, match="revoked"):
        owners.import_register(stale, site.config)
    with pytest.raises(RegisterProblem, match="no generation before"):
        owners.roll_back(site.config)
    assert site.count() == 10
    with pytest.raises(KeyProblem, match="16 hex digits"):
        owners.revoke_key("hello", site.config)
    assert os.stat(site.key_file).st_mode & 0o777 == 0o600


def test_a_key_that_alone_opens_the_register_is_not_revoked(site):
    old = load_key(site.key_file)
    owners.import_register(site.sealed(10), site.config)
    owners.rotate_vault(site.config)
    owners.import_register(site.sealed(12, old), site.config)
    with pytest.raises(KeyProblem, match="rotate"):
        owners.revoke_key(key_id(old).hex(), site.config)
    assert site.count() == 12


def test_the_next_key_is_given_by_hand_and_none_comes_back(site):
    owners.import_register(site.sealed(10), site.config)
    new_key(site.folder / "next.key")
    first = site.folder / "first.key"
    first.write_bytes(site.key_file.read_bytes())
    first.chmod(0o600)
    owners.rotate_vault(site.config, site.folder / "next.key")
    assert owners.import_register(site.sealed(15, load_key(site.folder / "next.key")), site.config).count == 15
    with pytest.raises(KeyProblem, match="in use before"):
        owners.rotate_vault(site.config, first)


def test_a_register_sealed_for_two_keys_opens_with_either(site):
    new_key(site.folder / "next.key")
    (site.folder / "o.csv").write_text("plate,phone\n赣K12345,0001234567\n", encoding="utf-8")
    both = [site.key_file, site.folder / "next.key"]
    owners.seal_list(site.folder / "o.csv", both, site.folder / "both.reg")
    for file in both:
        with Register(site.folder / "both.reg", load_key(file)) as register:
            assert register.owner(register.find("赣K12345")).numbers[0].reveal() == "0001234567"
    with pytest.raises(KeyProblem, match="at most 4"):
        seal_owners([], [bytes([n]) * 32 for n in range(5)], site.folder / "five.reg")


def test_the_audit_log_verifies_over_a_change_of_keys_and_a_revocation(site):
    old = load_keys(site.key_file)
    log = AuditLog(site.folder / "audit.jsonl", old)
    log.append("match", case="a")
    owners.import_register(site.sealed(10), site.config)
    owners.rotate_vault(site.config)
    log.use(load_keys(site.key_file))
    log.append("match", case="b")
    log.close()
    owners.revoke_key(key_id(old.newest).hex(), site.config)
    assert owners.audit_verify(site.config).entries == 2
    forger = AuditLog(site.folder / "forged.jsonl", old)
    forger.append("match", case="a")
    forger.use(load_keys(site.key_file))
    forger.append("match", case="b")
    forger.use(old)  # who holds the old key writes on
    forger.append("match", case="c")
    with pytest.raises(AuditBroken, match="forged.jsonl:3"):
        verify(site.folder / "forged.jsonl", load_keys(site.key_file))
