"""Budgets, tokens, the audit log, and how calls end."""

import json
import os

import pytest

from dialer.errors import AuditBroken, AuditInUse, LookupRefused
from dialer.outcome import owner_unreached
from dialer.register.owner import Owner
from dialer.register.secret import Secret
from dialer.vault import audit
from dialer.vault.audit import AuditLog, verify
from dialer.vault.limits import Budget, Tokens

KEY = bytes(range(32))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_case_has_its_rounds_and_an_hour_its_lookups():
    clock = Clock()
    budget = Budget(2, 3, 1000, clock)
    budget.spend("a", None, 300)
    budget.spend("a", None, 300)
    with pytest.raises(LookupRefused) as caught:
        budget.spend("a", None, 300)
    assert caught.value.kind == "case"
    budget.spend("b", None, 300)
    with pytest.raises(LookupRefused) as caught:
        budget.spend("c", None, 300)
    assert caught.value.kind == "hour"
    clock.now = 3601
    budget.spend("c", None, 300)


def test_a_token_works_once_in_time_and_only_the_latest_of_a_case():
    clock = Clock()
    tokens = Tokens(600, clock)
    owner = Owner("赣K12345", (Secret("0001"), Secret("0002")))
    first, second = tokens.issue("a", owner)
    assert tokens.take(second).which == 1
    assert tokens.take(second) is None
    (other, _) = tokens.issue("a", owner)
    assert tokens.take(first) is None
    clock.now = 601
    assert tokens.take(other) is None and tokens.take("guess") is None


def _log(path, entries=5):
    log = AuditLog(path, KEY, clock=lambda: 1.0)
    for n in range(entries):
        log.append("match", case=f"c{n}", plate=log.plate_mark("赣K12345"))
    log.close()


def test_an_audit_log_verifies_goes_on_and_names_no_plate(tmp_path):
    _log(tmp_path / "a")
    _log(tmp_path / "a")
    report = verify(tmp_path / "a", KEY)
    assert report.entries == 10 and verify(tmp_path / "a", expected_head=report.head)
    assert "12345" not in (tmp_path / "a").read_text()


def test_two_cannot_write_one_log(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "ENDS_WITHIN_S", 0.2)
    log = AuditLog(tmp_path / "a", KEY)
    log.append("match", case="a")
    with pytest.raises(AuditInUse, match="another vault writes this log"):
        AuditLog(tmp_path / "a", KEY)
    log.append("match", case="b")
    log.close()
    _log(tmp_path / "a", 1)
    assert verify(tmp_path / "a", KEY).entries == 3


def test_an_edit_a_removal_and_a_forgery_show(tmp_path):
    _log(tmp_path / "a")
    lines = (tmp_path / "a").read_text().splitlines(keepends=True)
    head = verify(tmp_path / "a").head
    for name, changed in {
        "edit": [lines[0].replace("c0", "c9"), *lines[1:]],
        "gap": lines[:2] + lines[3:],
        "swap": [lines[1], lines[0], *lines[2:]],
        "junk": [*lines, "{}\n"],
    }.items():
        (tmp_path / name).write_text("".join(changed))
        with pytest.raises(AuditBroken, match=f"{name}:"):
            verify(tmp_path / name)
    other = AuditLog(tmp_path / "forged", bytes(32))
    other.append("match", case="x")
    with pytest.raises(AuditBroken, match="this key"):
        verify(tmp_path / "forged", KEY)
    (tmp_path / "cut").write_text("".join(lines[:3]))
    with pytest.raises(AuditBroken, match="removed"):
        verify(tmp_path / "cut", expected_head=head)


def test_a_line_torn_by_a_crash_is_dropped_and_said(tmp_path):
    _log(tmp_path / "a")
    with open(tmp_path / "a", "a") as file:
        file.write('{"seq":6,"at')
    _log(tmp_path / "a", 1)
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "a").read_text().splitlines()]
    assert kinds[5:] == ["repaired", "match"] and verify(tmp_path / "a", KEY)


def test_a_full_disk_leaves_the_log_whole_and_it_goes_on(tmp_path, monkeypatch):
    log = AuditLog(tmp_path / "a", KEY)
    log.append("match", case="a")
    write = os.write
    monkeypatch.setattr(audit.os, "write", lambda file, data: write(file, data[:20]))
    with pytest.raises(OSError, match="space"):
        log.append("match", case="b")
    monkeypatch.undo()
    log.append("match", case="c")
    log.close()
    assert verify(tmp_path / "a", KEY).entries == 2


@pytest.mark.parametrize(
    ("code", "by", "rang_s", "outcome"),
    [
        (486, "remote", 3.0, "busy"),
        (600, "remote", None, "busy"),
        (408, "local", 30.0, "no-answer"),
        (487, "local", 30.0, "no-answer"),
        (480, "remote", 0.0, "off"),
        (480, "remote", 40.0, "no-answer"),
        (404, "remote", 0.0, "off"),
        (410, "remote", None, "off"),
        (408, "remote", 0.0, "off"),
        (603, "remote", 2.0, "refuses"),
        (503, "remote", None, "failed"),
        (500, "local", None, "failed"),
        (0, "worker-lost", None, "failed"),
    ],
)
def test_an_unanswered_call_is_named(code, by, rang_s, outcome):
    assert owner_unreached(code, by, rang_s=rang_s) == outcome


@pytest.mark.parametrize(
    ("code", "heard", "outcome"),
    [
        (480, "no-such-number", "no-such-number"),
        (486, "suspended", "suspended"),
        (603, "suspended", "suspended"),
        (480, "busy", "busy"),
        (503, "congestion", "unreachable"),
        (404, "off", "off"),
        (480, "waiting", "busy"),
        (486, "forwarded", "forwarded"),
        (603, "waiting", "refuses"),
        (480, "music", "no-answer"),
    ],
)
def test_what_an_announcement_said_outweighs_the_code_that_ended_the_call(code, heard, outcome):
    assert owner_unreached(code, "remote", rang_s=20.0, heard=heard) == outcome


def test_a_call_that_was_lost_with_its_worker_failed_whatever_was_heard():
    assert owner_unreached(0, "worker-lost", heard="busy") == "failed"
