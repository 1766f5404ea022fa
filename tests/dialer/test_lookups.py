"""Nobody walks the register: budgets, alarms, and answers whose time tells nothing."""

import json
import logging
import statistics
import time

import pytest

from dialer.errors import LookupRefused
from dialer.register.made_up import write_owners
from dialer.register.opened import Register
from dialer.register.sealing import seal
from dialer.vault import alarms, audit, lookups
from dialer.vault.alarms import Alarms
from dialer.vault.audit import AuditLog
from dialer.vault.config import VaultConfig, load_vault_config
from dialer.vault.limits import Budget
from dialer.vault.lookups import Lookups

KEY = bytes(range(32))
CALLER = "13912345678"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("register")
    plates = write_owners(folder / "o.csv", 3000)
    seal(folder / "o.csv", KEY, folder / "o.reg")
    return folder / "o.reg", plates


@pytest.fixture
def desk(sealed, tmp_path):
    """`desk()` is a vault's lookups, and called again those of the vault after it."""
    clock, times = Clock(), Clock()
    opened = []

    def begin(**limits) -> Lookups:
        for log in opened:
            log.close()
        opened[:] = [AuditLog(tmp_path / "audit.jsonl", KEY, times)]
        return Lookups(VaultConfig(ticket_key=tmp_path / "tickets.key", **limits), Register(sealed[0], KEY), opened[0], clock)

    begin.clock, begin.times, begin.audit = clock, times, tmp_path / "audit.jsonl"
    begin.kinds = lambda: [json.loads(line)["kind"] for line in begin.audit.read_text().splitlines()]
    return begin


# --- budgets ---


def test_a_caller_has_a_budget_over_all_their_calls_and_others_have_their_own():
    budget = Budget(4, 3, 100_000, Clock())
    for number in range(3):
        budget.spend(f"case{number}", "anna", 300)
    with pytest.raises(LookupRefused) as caught:
        budget.spend("case9", "anna", 300)
    assert caught.value.kind == "caller" and "person" in str(caught.value)
    budget.spend("case9", "bert", 300)


def test_who_withholds_the_number_shares_a_budget():
    budget = Budget(4, 1, 100_000, Clock())
    for number in range(10):
        budget.spend(f"case{number}", "", 300)
    with pytest.raises(LookupRefused, match="caller"):
        budget.spend("case10", "", 300)
    budget.spend("case11", None, 300)


def test_budgets_come_back_after_their_time_and_not_before():
    clock = Clock()
    budget = Budget(2, 4, 1200, clock)
    for case in "aabb":
        budget.spend(case, "anna", 300)
    clock.now = 3599
    with pytest.raises(LookupRefused, match="hour"):
        budget.spend("c", "bert", 300)
    clock.now = 3601
    budget.spend("c", "bert", 300)
    with pytest.raises(LookupRefused, match="caller"):
        budget.spend("d", "anna", 300)
    clock.now = 86_401
    budget.spend("a", "anna", 300)


def test_a_caller_is_the_same_however_their_number_is_written(desk):
    lookups = desk(rounds_per_caller=3)
    for number, case in zip(("13800138000", "+8613800138000", "0086 138-0013-8000 "), "abc"):
        lookups.match(case, [["赣K12345", 0.9]], number)
    with pytest.raises(LookupRefused) as caught:
        lookups.match("d", [["赣K12345", 0.9]], "8613800138000")
    assert caught.value.kind == "caller"
    lookups.match("d", [["赣K12345", 0.9]], "13800138001")


def test_a_vault_that_is_started_again_forgives_nothing(desk):
    for case in ("a", "b"):
        desk(lookups_per_hour=900).match(case, [["赣K12345", 0.9]], CALLER)
    fresh = desk(lookups_per_hour=900, rounds_per_caller=3)
    fresh.match("c", [["赣K12345", 0.9]], CALLER)
    with pytest.raises(LookupRefused) as caught:
        fresh.match("d", [["赣K12345", 0.9]], "another")
    assert caught.value.kind == "hour"
    assert CALLER not in desk.audit.read_text()


@pytest.mark.parametrize("jump_s", [-86_400.0, -5.0, 30.0])
def test_a_clock_that_jumps_gives_no_budget_back(desk, jump_s):
    desk.times.now = 1e9
    desk(rounds_per_case=1).match("a", [["赣K12345", 0.9]])
    desk.times.now += jump_s
    with pytest.raises(LookupRefused, match="case"):
        desk(rounds_per_case=1).match("a", [["赣K12345", 0.9]])


@pytest.mark.parametrize("asked", [
    ("a", [["赣K?2?45", 0.1]] * 9, None), ("a", [["赣K12345", 0.9]], 5), ("a", [["赣K12345", 0.9]], "1" * 65),
    ("a", [["赣K12345", 2]], None), ("a", [["赣K12345123456", 0.5]], None), ("a b", [], None), (None, [], None),
])
def test_what_is_no_request_is_refused_and_costs_nothing(desk, asked):
    vault = desk()
    with pytest.raises(LookupRefused) as caught:
        vault.match(*asked)
    assert caught.value.kind == "request" and desk.kinds() == []


# --- alarms ---


def test_plates_that_nobody_has_are_told_once_an_hour():
    clock = Clock()
    watch = Alarms(clock)
    told = [watch.matched(f"c{n}", "none", None, "") for n in range(alarms.Patterns.strangers_from + 20)]
    assert [n for n, names in enumerate(told) if names] == [alarms.Patterns.strangers_from - 1]
    clock.now = 3700
    assert not watch.matched("d", "none", None, "")
    assert [watch.matched("d", "none", None, "") for _ in range(40)].count(["strangers"]) == 1


def test_an_ordinary_day_raises_no_alarm():
    clock = Clock()
    watch = Alarms(clock)
    for n in range(200):
        clock.now = n * 240.0
        kind = "none" if n % 2 else "match"
        assert not watch.matched(f"c{n}", kind, f"caller{n % 150}", f"plate{n % 120}" if kind == "match" else "")
        assert not watch.in_order([(f"赣K{n * 7919 % 100000:05d}", 0.9)])


def test_a_caller_who_finds_many_cars_and_a_car_that_many_calls_seek():
    watch = Alarms(Clock())
    told = [watch.matched(f"c{n}", "match", "anna", f"plate{n}") for n in range(8)]
    assert [n for n, names in enumerate(told) if names] == [alarms.Patterns.plates_a_caller] and told[5] == ["many-plates"]
    told = [watch.matched(f"d{n // 2}", "match", f"caller{n}", "plate0") for n in range(24)]
    assert sum(told, []) == ["one-plate"]


def test_plates_one_after_the_other_and_refusals():
    watch = Alarms(Clock())
    told = [watch.in_order([(f"赣K1234{n}", 0.9), ("京A99999", 0.1)]) for n in range(10)]
    assert sum(told, []) == ["in-order"]
    assert sum((watch.refused() for _ in range(10)), []) == ["refusals"]


def test_an_alarm_is_in_the_log_and_the_audit_and_names_nobody(desk, sealed, caplog):
    caplog.set_level(logging.WARNING, lookups.__name__)
    vault = desk()
    for n in range(8):
        vault.match(f"c{n}", [[f"琼B0000{n}", 0.9]], CALLER)
    assert "in-order" in caplog.text and "alarm" in desk.kinds()
    assert "琼B" not in caplog.text + desk.audit.read_text() and CALLER not in caplog.text


# --- timing ---


def _seconds(vaults, plates, delay_s=lambda hit: 0):
    """Times of hits and of misses: each plate is in one of two registers, and asked for in both, so
    that neither the plate's form nor a vault's past differs between the two."""
    taken = {True: [], False: []}
    for n, plate in enumerate(plates):
        for at in (0, 1) if n % 4 < 2 else (1, 0):
            hit = at == n % 2
            begun = time.perf_counter()
            assert (vaults[at].match(f"case{n}", [[plate, 0.97]])["plate"] == plate) == hit
            time.sleep(delay_s(hit))
            taken[hit].append(time.perf_counter() - begun)
    return taken


def _overlap(taken):
    """P(a hit takes longer than a miss): 0.5 where time tells nothing."""
    longer = sum((hit > miss) + 0.5 * (hit == miss) for hit in taken[True] for miss in taken[False])
    return longer / (len(taken[True]) * len(taken[False]))


def test_time_does_not_tell_a_hit_from_a_miss(tmp_path, monkeypatch):
    monkeypatch.setattr(audit.os, "fsync", lambda _: None)  # the disk's moods would hide a leak
    plates = write_owners(tmp_path / "o.csv", 4000, home="琼B")
    head, *rows = (tmp_path / "o.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    vaults = []
    for half in (0, 1):
        (tmp_path / "half.csv").write_text(head + "".join(rows[half::2]), encoding="utf-8")
        seal(tmp_path / "half.csv", KEY, tmp_path / f"{half}.reg")
        log = AuditLog(tmp_path / f"{half}.jsonl", KEY)
        config = VaultConfig(lookups_per_hour=10**9, ticket_key=tmp_path / "tickets.key")
        vaults.append(Lookups(config, Register(tmp_path / f"{half}.reg", KEY), log, time.monotonic))
    typical_s = _told_nothing(vaults, plates)
    leak = _seconds(vaults, plates[1200:1300], lambda hit: 2 * typical_s if hit else 0)
    assert _overlap(leak) > 0.8  # the measure sees a hit that takes three times as long


def _told_nothing(vaults, plates) -> float:
    """A leak is there each time, a mood of the machine is not: four tries. Seconds that a miss takes."""
    seen = []
    for first in range(0, 1200, 300):
        taken = _seconds(vaults, plates[first:first + 300])
        hit, miss = (statistics.median(taken[kind]) for kind in (True, False))
        seen.append((_overlap(taken), hit / miss))
        if 0.35 < seen[-1][0] < 0.65 and 0.85 < seen[-1][1] < 1.15:
            return miss
    raise AssertionError(f"hits and misses differ each time: {seen}")


def test_a_hit_and_a_miss_are_the_same_work(desk, sealed, monkeypatch):
    vault, done = desk(), []
    for owner, name in ((vault.register, "find_all"), (vault.register, "owner"), (vault.tokens, "issue")):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, real=real, name=name: (
            done.append((name, len(a[0]) if name == "find_all" else 0)), real(*a))[1])
    assert vault.match("a", [[sealed[1][5], 0.95]])["kind"] == "match"
    hit = list(done)
    done.clear()
    assert vault.match("b", [["琼B00001", 0.95]])["kind"] == "none"
    assert done == hit == [("find_all", 300), ("owner", 0), ("issue", 0)]


def test_where_a_pattern_begins_is_set_in_the_vaults_settings(tmp_path):
    (tmp_path / "vault.toml").write_text('alarm_refusals = 2\nalarm_strangers_share = 0.5\n', encoding="utf-8")
    watch = Alarms(Clock(), load_vault_config(tmp_path / "vault.toml").patterns)
    assert [watch.refused(), watch.refused()] == [[], ["refusals"]]
