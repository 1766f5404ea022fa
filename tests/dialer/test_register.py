"""Sealing and opening: round trips, wrong keys, damage."""

import os

import pytest

from dialer import owners
from dialer.errors import KeyProblem, RegisterProblem
from dialer.register.keys import load_key, new_key
from dialer.register.made_up import write_owners
from dialer.register.opened import Register
from dialer.register.owner import Owner
from dialer.register.sealing import seal
from dialer.register.secret import Secret

KEY = bytes(range(32))
HEAD = "plate,phone,phone2,address,language,quiet\n"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("register")
    plates = write_owners(folder / "o.csv", 2000, pinned={"赣K12345": "00000000042"})
    report = seal(folder / "o.csv", KEY, folder / "o.reg")
    assert report.count == len(plates) == 2000
    return folder / "o.reg", plates


def _seal_text(tmp_path, text):
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    return seal(tmp_path / "in.csv", KEY, tmp_path / "out.reg")


def test_every_sealed_plate_is_found_and_no_other(sealed):
    path, plates = sealed
    with Register(path, KEY) as register:
        assert all(register.owner(register.find(plate)).plate == plate for plate in plates)
        known = set(plates)
        strangers = [f"赣K{n:05d}" for n in range(2000) if f"赣K{n:05d}" not in known]
        assert all(register.find(plate) is None for plate in strangers)


@pytest.mark.parametrize("count", range(9))
def test_registers_of_any_small_size_are_searched_to_their_ends(tmp_path, count):
    _seal_text(tmp_path, HEAD + "".join(f"赣K0000{n},0001234567,,,,\n" for n in range(count)))
    with Register(tmp_path / "out.reg", KEY) as register:
        found = [register.find(f"赣K0000{n}") for n in range(10)]
        assert sorted(at for at in found if at is not None) == list(range(count))


def test_all_of_an_owner_comes_back(tmp_path):
    number = "12345678901234567"
    _seal_text(tmp_path, HEAD + f"赣k·12345,{number},00011112222,女士,yue,22:00-07:00\n")
    with Register(tmp_path / "out.reg", KEY) as register:
        owner = register.owner(register.find("赣K12345"))
    assert [n.reveal() for n in owner.numbers] == [number, "00011112222"]
    assert (owner.address, owner.language, owner.quiet) == ("女士", "yue", "22:00-07:00")
    assert number not in repr(owner) and "***" in repr(owner)


def test_nothing_readable_is_in_the_file(sealed):
    data = sealed[0].read_bytes()
    assert b"00000000042" not in data and "赣K12345".encode() not in data and "先生".encode() not in data


def test_two_issues_of_one_list_share_no_index(tmp_path):
    (tmp_path / "in.csv").write_text(HEAD + "赣K12345,0001234567,,,,\n", encoding="utf-8")
    for name in ("a", "b"):
        seal(tmp_path / "in.csv", KEY, tmp_path / name)
    a, b = ((tmp_path / name).read_bytes()[-16:] for name in ("a", "b"))
    assert a != b


def test_another_key_is_told_from_damage(sealed, tmp_path):
    with pytest.raises(KeyProblem, match="another key"):
        Register(sealed[0], bytes(32))
    for name, change in {
        "torn": lambda d: d[:-100],
        "grown": lambda d: d + b"x",
        "body": lambda d: d[:5000] + bytes([d[5000] ^ 1]) + d[5001:],
        "empty": lambda d: b"",
        "other": lambda d: b"plate,phone\n" * 20,
    }.items():
        (tmp_path / name).write_bytes(change(sealed[0].read_bytes()))
        with pytest.raises(RegisterProblem):
            Register(tmp_path / name, KEY)


def test_a_changed_header_does_not_open(sealed, tmp_path):
    data = bytearray(sealed[0].read_bytes())
    data[24] ^= 1  # sealed at
    (tmp_path / "changed").write_bytes(data)
    with pytest.raises(RegisterProblem, match="changed after it was sealed"):
        Register(tmp_path / "changed", KEY)


def test_a_failed_sealing_leaves_the_old_file(tmp_path):
    _seal_text(tmp_path, HEAD + "赣K12345,0001234567,,,,\n")
    with pytest.raises(RegisterProblem):
        _seal_text(tmp_path, HEAD + "赣K12345,,,,,\n")
    assert len(Register(tmp_path / "out.reg", KEY)) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.reg"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("赣K1234,0001234567,,,,", "not a legal"),
        ("赣K12345,,,,,", "phone is empty"),
        ("赣K12345,000 12345,,,,", "other signs than digits"),
        ("赣K12345,*21*0001234567#,,,,", "other signs than digits"),
        ("赣K12345,anna,,,,", "other signs than digits"),
        ("赣K12345,0110,,,,", "5 to 17 digits"),
        ("赣K12345,12345678901234567890,,,,", "5 to 17 digits"),
        ("赣K12345,00011112222,+12345678901234567890,,,", "5 to 17 digits"),
        ("赣K12345,0001-2222-3333-4444-5555,,,,", "5 to 17 digits"),
        ("赣K12345,00011112222,+0001-111-2222,,,", "given twice"),
        ("赣K12345,0001234567,,,,22:00-22:00", "quiet must be"),
        ("赣K12345,0001234567,,老王,,", "address must be"),
        ("赣K12345,0001234567,,,,晚上", "quiet must be"),
        ("赣K12345,0001234567", "2 of the 6 fields"),
        ("赣K54321,0001234567,,,,\n赣K·54321,0007654321,,,,", "same plate is on line 2"),
    ],
)
def test_a_wrong_row_is_named_by_line_and_not_by_content(tmp_path, row, said):
    with pytest.raises(RegisterProblem, match=said) as caught:
        _seal_text(tmp_path, HEAD + row + "\n")
    assert "in.csv:" in str(caught.value)
    assert "0001234567" not in str(caught.value) and "12345678901" not in str(caught.value) and "赣" not in str(caught.value)


def test_of_a_plate_twice_the_later_line_can_win(tmp_path):
    (tmp_path / "in.csv").write_text(HEAD + "赣K12345,0001111111,,,,\n赣K12345,0002222222,,,,\n", encoding="utf-8")
    seal(tmp_path / "in.csv", KEY, tmp_path / "out.reg", duplicates="last")
    with Register(tmp_path / "out.reg", KEY) as register:
        assert register.owner(0).numbers[0].reveal() == "0002222222"


def test_a_key_that_others_can_read_is_refused(tmp_path):
    new_key(tmp_path / "key")
    assert len(load_key(tmp_path / "key")) == 32
    os.chmod(tmp_path / "key", 0o640)
    with pytest.raises(KeyProblem, match="chmod 600"):
        load_key(tmp_path / "key")
    with pytest.raises(KeyProblem, match="another name"):
        new_key(tmp_path / "key")
    with pytest.raises(KeyProblem, match="hex digits"):
        load_key(None, "K", {"K": "abc"})


def test_a_register_is_imported_only_if_it_opens_and_rotates_to_a_new_key(sealed, tmp_path):
    for name in ("old", "new"):
        new_key(tmp_path / name)
    write_owners(tmp_path / "o.csv", 50)
    owners.seal_list(tmp_path / "o.csv", tmp_path / "old", tmp_path / "in.reg")
    config = tmp_path / "vault.toml"
    config.write_text('register = "live.reg"\nkey_file = "old"\n')
    assert owners.import_register(tmp_path / "in.reg", config) .count == 50
    with pytest.raises(KeyProblem):
        owners.import_register(sealed[0], config)
    owners.rotate_key(tmp_path / "live.reg", tmp_path / "old", tmp_path / "new", tmp_path / "next.reg")
    with Register(tmp_path / "next.reg", load_key(tmp_path / "new")) as register:
        assert len(register) == 50


def test_a_secret_shows_itself_nowhere():
    secret = Secret("00012345678")
    assert f"{secret} {secret!r} {secret:>20}".replace("*", "").strip() == ""
    assert secret.tail(4) == "678" and Secret("owner").tail(4) == "" and Secret("1234").tail(4) == ""


def test_two_spans_of_quiet_hours():
    owner = Owner("赣K12345", (), quiet="22:00-07:00 12:00-14:00")
    assert [owner.is_quiet_at(hour * 60) for hour in (6, 7, 11, 12, 13, 14, 22)] == [True, False, False, True, True, False, True]


@pytest.mark.parametrize(("minute", "quiet"), [(22 * 60, True), (23 * 60, True), (6 * 60, True), (7 * 60, False), (720, False)])
def test_quiet_hours_go_over_midnight(minute, quiet):
    assert Owner("赣K12345", (), quiet="22:00-07:00").is_quiet_at(minute) == quiet


def test_a_list_without_an_owner_is_not_sealed(tmp_path):
    (tmp_path / "o.csv").write_text("plate,phone\n", encoding="utf-8")
    with pytest.raises(RegisterProblem, match="no owner"):
        seal(tmp_path / "o.csv", bytes(32), tmp_path / "o.reg", at_least=1)
    assert not (tmp_path / "o.reg").exists()
