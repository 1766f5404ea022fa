"""Many fixtures replayed, one after the other or in several processes; the results keep their order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from hotline.errors import CannotRun
from hotline.replay.house import House, check_flows
from hotline.replay.names import Names
from hotline.replay.replay import replay_fixture
from ivr.replay.fixture import Fixture, load
from ivr.replay.result import Replayed

_house: House | None = None


def replay_all(
    folders: Sequence[Path], flows: Path, jobs: int = 1, done: Callable[[Replayed], None] = lambda _: None
) -> list[Replayed]:
    """Replay the fixtures of these folders, in `jobs` processes (1: in this one); `done` hears of each.

    Raises FlowError for a fixture that says something wrongly, before anything is replayed, and
    CannotRun, FlowError, AsrError or TtsError for what is missing.
    """
    fixtures = [load(folder) for folder in folders]
    results = []
    for result in _here(fixtures, flows) if min(jobs, len(fixtures)) <= 1 else _in_processes(fixtures, flows, jobs):
        results.append(result)
        done(result)
    return results


def speed(results: Sequence[Replayed]) -> float:
    """Seconds of conversation lived in one second of one core."""
    took_s = sum(each.took_s for each in results)
    return sum(each.call_s for each in results) / took_s if took_s else 0.0


def _here(fixtures: Sequence[Fixture], flows: Path) -> Iterator[Replayed]:
    house = House(flows)
    _check_names(fixtures, Names.of(house.voice, house.inbound_flow, house.owner_flow, house.call_back_flow))
    for fixture in fixtures:
        yield replay_fixture(house, fixture)


def _in_processes(fixtures: Sequence[Fixture], flows: Path, jobs: int) -> Iterator[Replayed]:
    jobs = min(jobs, len(fixtures))
    _check_names(fixtures, Names.of(*check_flows(flows)))       # what is wrong is said here, in one sentence
    with ProcessPoolExecutor(jobs, get_context("spawn"), _open_house, (flows,)) as pool:
        try:
            yield from pool.map(_replay_one, fixtures)
        except BrokenProcessPool:
            raise CannotRun("a replaying process died (out of memory?); try again with --jobs 1") from None


def _check_names(fixtures: Sequence[Fixture], names: Names) -> None:
    for fixture in fixtures:
        names.check(fixture.folder)


def _open_house(flows: Path) -> None:
    global _house
    _house = House(flows)


def _replay_one(fixture: Fixture) -> Replayed:
    return replay_fixture(_house, fixture)
