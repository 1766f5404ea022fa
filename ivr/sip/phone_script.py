"""The scripted phone's script and the events it prints. Shares no code with the bot."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

STEPS = (
    "play", "turns", "wait_speech_end", "dtmf", "sleep", "hold", "hangup", "wait_hangup", "obey",
)  # fmt: skip


class ScriptFailed(Exception):
    """What happened is not what the script wants (exit code 1)."""


class CannotRun(Exception):
    """The script or a file is wrong, or a port is taken (exit code 2)."""


class Events:
    """Prints one line an event."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._offset = time.time() - time.monotonic()

    def say(self, event: str, at: float | None = None, **details: Any) -> None:
        t = time.monotonic() if at is None else at
        if self._as_json:
            line = json.dumps({"event": event, "t": round(t, 4),
                               "wall": round(t + self._offset, 4), **details})  # fmt: skip
        else:
            line = " ".join([f"{t:.3f}", event, *(f"{k}={v}" for k, v in details.items())])
        print(line, flush=True)


def read_script(path: str) -> dict[str, Any]:
    """The script in a JSON file.

    Raises:
        CannotRun: it cannot be read, or has a mode or step that does not exist.
    """
    try:
        script = json.loads(Path(path).read_text(encoding="utf-8"))
        mode, steps = script.get("mode"), script.get("steps", [])
        names = [name for step in steps for name in step]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CannotRun(f"{path} is not a phone script ({error}): see --help") from error
    if mode not in ("call", "wait") or (mode == "call" and "uri" not in script):
        raise CannotRun(f'{path}: write "mode": "call" with a "uri", or "mode": "wait"')
    for name in names:
        if name not in STEPS:
            raise CannotRun(f"{path}: there is no step {name}: write one of {', '.join(STEPS)}")
    return script
