"""The picture of a flow: all that a call can do is in it, the main path strong, what is always open a note."""

import os
from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner

from hotline.cli.flow import flow
from hotline.errors import CannotRun

FLOWS = Path(__file__).resolve().parents[2] / "flows"
DESK = str(FLOWS / "city_desk.yaml")


def test_mermaid_draws_the_main_path_strong_and_what_is_always_open_once():
    drawn = CliRunner().invoke(flow, ["graph", DESK, "--format", "mermaid"]).output
    assert drawn.startswith("flowchart TD\n") and "  s0 ==> s1" in drawn
    assert drawn.count('"from anywhere: person, elderly, key 0, too long"') == 1
    assert "after 5× → seat_wanted" in drawn and '-->|"asked &lt; 3"|' in drawn


def test_the_svg_holds_every_state_and_opens_as_xml(tmp_path):
    out = tmp_path / "desk.svg"
    told = CliRunner().invoke(flow, ["graph", DESK, "-o", str(out)])
    assert told.exit_code == 0 and "open it with a browser" in told.output
    titles = {title.text for title in ElementTree.parse(out).iter("{http://www.w3.org/2000/svg}title")}
    assert {"welcome", "menu", "seat_wanted", "closed", "all_busy"} <= titles


def test_without_graphviz_one_sentence_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    told = CliRunner().invoke(flow, ["graph", DESK])
    assert isinstance(told.exception, CannotRun) and "apt-get install graphviz" in str(told.exception)
