"""One conversation on virtual time, from a fixture or with people who answer by themselves."""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hotline.replay.house import House
from hotline.replay.life import LONGEST_S, Life
from hotline.replay.owners import OpenRegister
from hotline.replay.people import People
from ivr.replay.clock import Stuck, run
from ivr.replay.compare import mismatches
from ivr.replay.fixture import Fixture
from ivr.replay.result import Mismatch, Replayed


def replay_fixture(house: House, fixture: Fixture) -> Replayed:
    """Live one fixture through, and compare. Raises TtsError or AsrError where its sound cannot be had."""
    told = live(house, fixture, People.of(fixture))
    return told if told.mismatches else replace(told, mismatches=mismatches(fixture, told))


def live(house: House, fixture: Fixture, people: People, register: OpenRegister | None = None) -> Replayed:
    """Let these people live what a fixture says of the world; a mismatch only where it comes to no end.

    `register`: the owners of a whole city, instead of the few of a replay.
    """
    began = time.process_time()
    with _warnings_unsaid(), tempfile.TemporaryDirectory() as folder:
        lived = Life(house, fixture, people, Path(folder), register)
        try:
            run(lived.live())
        except (Stuck, TimeoutError) as stuck:
            lived.outcome, trouble = "stuck", str(stuck) or f"the call lasts over {LONGEST_S} s"
            return replace(lived.told(time.process_time() - began),
                           mismatches=(Mismatch("the call", "an end", trouble),))
    return lived.told(time.process_time() - began)


@contextmanager
def _warnings_unsaid() -> Iterator[None]:
    """What the log would warn of is among the replay's events."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
