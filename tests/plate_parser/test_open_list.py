"""A list that may be read is searched, and a list that is bad is refused in one sentence."""

import json

import pytest
from click.testing import CliRunner

from hotline.cli.match import match
from hotline.errors import CannotRun
from plate_parser.open_list import OpenList, OpenListError, read_open_list

PLATES = ["赣K12345", "赣K88812", "赣KD12345", "湘A7B901"]


@pytest.mark.parametrize(
    ("heard", "plate"),
    [("赣K12345", "赣K12345"), ("赣K88872", "赣K88812"), ("湘AQB901", "湘A7B901"), ("赣k 888 12", "赣K88812")],
)
def test_the_plate_of_the_list_that_is_near_to_what_was_heard_is_meant(heard, plate):
    decision = OpenList(PLATES).match([(heard, 0.5)])
    assert plate in (decision.plate, *decision.alternatives)


def test_a_plate_far_from_all_of_the_list_is_none_of_them():
    assert OpenList(PLATES).match([("京C99000", 0.95)]).kind == "none"
    assert OpenList(PLATES).match([]).kind == "none"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "no plate"), (b"\xff\xfe\x00", "UTF-8"), ("plate\n赣K12345\nhello\n".encode(), "line 3"), ("赣K12345".encode("gbk"), "UTF-8")],
)
def test_a_bad_list_is_refused_in_one_sentence(tmp_path, content, why):
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(OpenListError, match=why):
        read_open_list(tmp_path / "list.csv")


def test_the_command_says_which_plate_of_the_list_was_meant(tmp_path):
    (tmp_path / "list.csv").write_bytes("\ufeffplate,who\r\n赣K88812,shop\r\n赣K12345,\r\n".encode())
    found = CliRunner().invoke(match, ["--list", str(tmp_path / "list.csv"), "--json", "赣K三个八，幺两"])
    assert found.exit_code == 0 and json.loads(found.output)["plate"] == "赣K88812"
    assert CliRunner().invoke(match, ["--list", str(tmp_path / "list.csv"), "京A99999"]).exit_code == 1
    assert isinstance(CliRunner().invoke(match, ["--list", str(tmp_path / "none.csv"), "京A99999"]).exception, (CannotRun, SystemExit))
