"""Builds and loads the compiled beam search (``beam.c``): ``python -m asr.search.beam_library``.

C and not numba, by measurement: numba with llvmlite is 208 MB on disk, 120 MB more in each worker and
0.4 s at each start, and compiles anew wherever its cache cannot be written (a service's own user, a
read-only checkout). This library is 20 kB, is built in under a second by set-up, and loads in 1 ms.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from asr.recognizer import AsrError, ModelMissing

SOURCE = Path(__file__).with_name("beam.c")
FOLDER = Path(__file__).resolve().parents[2] / ".models"
COMPILERS = ("cc", "gcc", "clang")
_FLAGS = ("-O3", "-std=c11", "-Wall", "-shared", "-fPIC")
_COMPILE_TIMEOUT_S = 60


def main() -> int:
    try:
        print(build())
    except AsrError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


@functools.cache
def load() -> ctypes.CDLL:
    """The library, built first where set-up has not; raises ModelMissing where it cannot be."""
    path = library_path()
    if not path.exists():
        build()
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise ModelMissing(f"{path} does not load on this machine: delete it and run "
                           "`make -B setup`.") from error


def library_path(source: Path = SOURCE, folder: Path = FOLDER) -> Path:
    """Named by its source, so that a library never serves another version of it."""
    text = source.read_bytes() + " ".join(_FLAGS).encode()
    return folder / f"beam-{platform.machine()}-{hashlib.sha256(text).hexdigest()[:16]}.so"


def build(source: Path = SOURCE, folder: Path = FOLDER) -> Path:
    """Compiles it unless it is there; raises ModelMissing with what to install."""
    path = library_path(source, folder)
    if path.exists():
        return path
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise ModelMissing("There is no C compiler for the beam search: run `apt-get install gcc "
                           "libc6-dev` as root, then `make -B setup`.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            made = Path(temporary) / path.name
            subprocess.run([compiler, *_FLAGS, str(source), "-o", str(made), "-lm"], check=True,
                           capture_output=True, text=True, timeout=_COMPILE_TIMEOUT_S)
            os.replace(made, path)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().partition("\n")[0]
        raise ModelMissing(f"The beam search was not built ({said}): run `apt-get install gcc "
                           "libc6-dev` as root, then `make -B setup`.") from error
    return path


if __name__ == "__main__":
    sys.exit(main())
