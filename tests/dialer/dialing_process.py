"""Calls an owner of many numbers about one car after the other, noting each ring: to be killed.

    dialing_process.py DATABASE RINGS
"""

import os
import sys
import time
from datetime import UTC, datetime

from dialer.attempts import AttemptPolicy
from dialer.queue import AttemptQueue, Begun
from hotline.store import Store

NUMBERS = 10
RINGS_S = 0.01


def main() -> None:
    database, rings = sys.argv[1:]
    policy = AttemptPolicy(attempts=NUMBERS, daily=1000)
    queue = AttemptQueue(Store(f"sqlite:///{database}").open().engine, policy, lambda: datetime.now(UTC))
    queue.recover()
    print("ready", flush=True)
    with open(rings, "a") as phone:
        while True:
            request = queue.ask("case-1", "car", "owner")
            while isinstance(begun := queue.begin(request.id, NUMBERS), Begun):
                phone.write(f"{begun.request_id}/{begun.seq}\n")  # the INVITE
                phone.flush()
                os.fsync(phone.fileno())
                time.sleep(RINGS_S)
                queue.end(begun, "no-answer")


main()
