"""Reading settings in TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from dialer.errors import ConfigProblem


def read_toml(path: Path, mend: str) -> dict[str, Any]:
    """What a file of settings says. Raises ConfigProblem; `mend`: what to do where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigProblem(f"{path}: {error.strerror}: {mend}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigProblem(f"{path} is not TOML: {error}") from None
