"""`ivr owners` with what operators and attackers give it: one sentence, the right exit code, and nothing lost."""

import sys
from pathlib import Path

import pytest

from hotline import cli

HEAD = "plate,phone,phone2,phone3,address,language,quiet\n"


@pytest.fixture
def ivr(monkeypatch, capsys, tmp_path):
    """Runs `ivr owners …` in an empty folder with a key and a list; gives its exit code and all that it said."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ivr", "owners", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        return code, (said.out + said.err).strip()

    Path("owners.csv").write_text(HEAD + "赣K12345,00055512345,,,,,\n", "utf-8")
    Path("vault.toml").write_text('key_file = "owners.key"\nregister = "in.reg"\n', "utf-8")
    run("key", "owners.key")
    return run


def test_a_list_or_a_key_is_never_overwritten_by_what_is_sealed(ivr):
    for target in ("owners.csv", "owners.key"):
        before = Path(target).read_bytes()
        code, said = ivr("seal", "owners.csv", "--key", "owners.key", "--out", target)
        assert code == 2 and "would be overwritten" in said and Path(target).read_bytes() == before


def test_what_is_no_keys_id_is_refused_and_not_repeated_for_it_may_be_the_key(ivr):
    for given in ("xx", "", "01 23456789abcdef", Path("owners.key").read_text().strip()):
        code, said = ivr("revoke", given)
        assert code == 2 and "16 hex digits" in said and (not given or given not in said)


def test_a_missing_audit_log_cannot_be_checked_and_a_changed_one_fails_the_check(ivr):
    code, said = ivr("audit")
    assert code == 2 and "audit.jsonl" in said
    Path("audit.jsonl").write_text('{"seq": 1}\n')
    code, said = ivr("audit")
    assert code == 1 and "was changed" in said


def test_a_row_with_too_few_fields_gets_one_sentence(ivr):
    Path("short.csv").write_text(HEAD + "赣K12345,00055512345\n", "utf-8")
    code, said = ivr("seal", "short.csv", "--key", "owners.key")
    assert code == 2 and said.count("\n") == 0 and "short.csv:2" in said and "00055512345" not in said


def test_torn_foreign_and_changed_files_leave_the_register_in_use(ivr):
    assert ivr("seal", "owners.csv", "--key", "owners.key", "--out", "a.reg")[0] == 0
    assert ivr("import", "a.reg")[0] == 0
    used, sealed = Path("in.reg").read_bytes(), Path("a.reg").read_bytes()
    ivr("key", "other.key")
    ivr("seal", "owners.csv", "--key", "other.key", "--out", "foreign.reg")
    for name, data in (("torn", sealed[:-9]), ("more", sealed + b"x"), ("flipped", sealed[:-9] + b"x" + sealed[-8:]),
                       ("empty", b""), ("list", Path("owners.csv").read_bytes()), ("foreign", Path("foreign.reg").read_bytes())):
        Path("bad.reg").write_bytes(data)
        code, said = ivr("import", "bad.reg")
        assert (code, said.count("\n")) == (2, 0) and "bad.reg" in said, name
        assert Path("in.reg").read_bytes() == used
