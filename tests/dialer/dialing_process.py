"""An engine's calls to owners without the calls: claims, begins, notes each ring, ends. To be killed."""

import multiprocessing
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from dialer.database.pulse import Pulse
from dialer.queue.attempt_queue import AttemptQueue, Begun
from dialer.queue.attempts import AttemptPolicy
from hotline.storage.store import Store

NUMBERS = 10
CARS = 12
RINGS_S = 0.01

_processes = multiprocessing.get_context("fork")  # to import all that is needed takes longer than a life


def start(database: str, rings: Path, name: str, take_over_s: float = 30.0):
    """A running process that dials by the queue in `database`; `kill` it."""
    ready = _processes.Event()
    process = _processes.Process(target=_dial, args=(database, rings, name, take_over_s, ready), daemon=True)
    process.start()
    assert ready.wait(60)
    return process


def _dial(database: str, rings: Path, name: str, take_over_s: float, ready) -> None:
    pulse = Pulse(name, take_over_s)
    store = Store(database).open()
    queue = AttemptQueue(store.engine, AttemptPolicy(attempts=NUMBERS, daily=1000), lambda: datetime.now(UTC), pulse=pulse)
    queue.recover()
    ready.set()
    with open(rings, "a") as phone:
        while True:
            due = queue.claim(1)
            for car in range(0 if due else CARS):
                queue.ask(f"case-{car}", f"car-{car}", f"owner-{car}")
            for request in due:
                while isinstance(begun := queue.begin(request.id, NUMBERS), Begun):
                    phone.write(f"{begun.request_id}/{begun.seq}\n")  # the INVITE
                    phone.flush()
                    os.fsync(phone.fileno())
                    time.sleep(RINGS_S)
                    queue.end(begun, "no-answer")
