"""The recognizer that a tester asks for, in this process, and a name for its weights and settings."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

from asr.ear.encoder_export import ear_id
from asr.engines.embedded import SETTINGS
from asr.hear import embedded
from asr.recognizer import Recognizer


def recognizer_of(model: Path | None) -> Recognizer:
    """The embedded one, or the one whose model is in the folder (Vosk, sherpa-onnx). Raises AsrError."""
    if model is None:
        return embedded()
    # Imported here, because it brings the servers' clients along.
    from asr.engines.choice import IN_WORKERS, engine_of

    module, factory = IN_WORKERS[engine_of(model)].split(":")
    return getattr(importlib.import_module(module), factory)(model=str(model))


def model_id(model: Path | None) -> str:
    """Which weights and settings: another model, or a changed one, has another name."""
    if model is None:
        settings = SETTINGS.read_bytes() if SETTINGS.exists() else b""
        return f"embedded-{ear_id()}-{hashlib.sha256(settings).hexdigest()[:8]}"
    files = sorted(path for path in model.rglob("*") if path.is_file())
    told = [f"{path.relative_to(model)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return f"{model.name}-{hashlib.sha256(chr(10).join(told).encode()).hexdigest()[:12]}"
