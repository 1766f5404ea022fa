"""Recognizer servers in processes of their own, whose next answer a test plans."""

import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


class SpeechServer:
    """The server's process; `does` and `text` are what it does for the next caller."""

    def __init__(self, protocol: str, folder: Path, *more: str):
        self.more = more
        self.protocol, self.script = protocol, folder / "script.json"
        self.port = 0
        self.plan("对")
        self.start()

    def plan(self, text: str, does: str = "answers", **more) -> None:
        self.script.write_text(json.dumps({"text": text, "does": does, **more}), "utf-8")

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "speech_server.py"), self.protocol, str(self.script),
             "--port", str(self.port), *self.more], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(5)
        self.process.stdout.close()

    @property
    def seen(self) -> list[dict]:
        """What it wrote down; a connection's line comes when that ends, so wait a little."""
        log = self.script.with_suffix(".log")
        time.sleep(0.1)
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
