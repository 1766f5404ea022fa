"""Reads Whisper's encoder weights out of a CTranslate2 ``model.bin``."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np

from asr.recognizer import ModelMissing

_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_encoder(path: Path, sha256: str | None = None) -> dict[str, np.ndarray]:
    """Variables under ``encoder/``, name without that prefix, as float32.

    Raises ModelMissing where the file is absent or its SHA-256 is not ``sha256``.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelMissing(f"{path} is missing: run `make setup` to fetch it.") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise ModelMissing(f"{path} is not the expected file: delete it and run `make setup`.")
    return dict(_variables(data))


def _variables(data: bytes):
    _version, position = struct.unpack_from("<I", data)[0], 4
    _spec, position = _string(data, position)
    _revision, count = struct.unpack_from("<II", data, position)
    position += 8
    for _ in range(count):
        name, position = _string(data, position)
        rank = data[position]
        shape = struct.unpack_from(f"<{rank}I", data, position + 1)
        position += 1 + 4 * rank
        kind, size = struct.unpack_from("<BI", data, position)
        position += 5
        if name.startswith("encoder/"):
            values = np.frombuffer(data, _TYPES[kind], size // np.dtype(_TYPES[kind]).itemsize,
                                   position)
            yield name.removeprefix("encoder/"), values.reshape(shape).astype(np.float32)
        position += size


def _string(data: bytes, position: int) -> tuple[str, int]:
    size = struct.unpack_from("<H", data, position)[0]
    return data[position + 2: position + 1 + size].decode(), position + 2 + size
