"""A second service, from YAML alone: every ending of the city's service desk, spoken with by typing."""

from datetime import datetime
from pathlib import Path

import pytest

from hotline.cli.flow_run import Script
from hotline.replay.flow_run import Situation, run_flow

DESK = Path(__file__).resolve().parents[2] / "flows" / "city_desk.yaml"
MONDAY, NIGHT = datetime(2026, 3, 2, 10, 0), datetime(2026, 3, 2, 22, 0)
SUNDAY, HOLIDAY = datetime(2026, 3, 1, 10, 0), datetime(2026, 10, 5, 10, 0)
OPENING, CLOSING = datetime(2026, 3, 2, 8, 30), datetime(2026, 3, 2, 17, 30)


def end_of(lines: str, at: datetime = MONDAY, seat: str = "answers"):
    script = Script("lines", lines.replace(" / ", "\n"))
    ended = run_flow(DESK, "", Situation(seat=seat, at=at), script.next, lambda *_, **__: None)
    assert not script.left_over()
    return ended


@pytest.mark.parametrize("lines, at, outcome, reason", [
    ("公交 / 没有", MONDAY, "done", ""),
    ("我要坐公交 / silence", NIGHT, "done", ""),
    ("办身份证", MONDAY, "person", "permits"),
    ("办身份证", OPENING, "person", "permits"),
    ("办身份证", CLOSING, "closed", ""),
    ("办身份证", SUNDAY, "closed", ""),
    ("办身份证", HOLIDAY, "closed", ""),
    ("停电", NIGHT, "person", "power"),
    ("#1", HOLIDAY, "person", "power"),
    ("#0", MONDAY, "person", "asked"),
    ("转人工", NIGHT, "closed", ""),
    ("silence / silence / silence / silence / silence", MONDAY, "person", "asked"),
    ("公交 / 对 / 公交 / 对 / 公交 / 对", MONDAY, "person", "asked"),
    ("公交 / hang up", MONDAY, "caller-hung-up", ""),
])
def test_every_ending_of_the_desk(lines, at, outcome, reason):
    ended = end_of(lines, at)
    assert (ended.outcome, ended.reason) == (outcome, reason)


def test_what_was_asked_for_is_counted_and_told_to_the_seat():
    ended = end_of("公交 / 对 / 办护照")
    assert dict(ended.values) == {"topic": "permits", "asked": "1"} and ended.reason == "permits"


def test_where_every_seat_is_busy_the_caller_is_called_back():
    assert end_of("停水", seat="busy").outcome == "call-back"
