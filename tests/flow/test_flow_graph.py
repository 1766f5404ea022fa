"""The picture of a flow: all that a call can do is in it, the main path strong, what is always open a note."""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from hotline.cli.flow import flow
from hotline.errors import CannotRun
from ivr.flow.diagram import picture
from ivr.flow.folding import folds, sections
from ivr.flow.load import load_flow

PERSONS = frozenset({"transfer"})
FLOWS = Path(__file__).resolve().parents[2] / "flows"
DESK = str(FLOWS / "city_desk.yaml")


def test_mermaid_draws_the_main_path_strong_and_what_is_always_open_once():
    drawn = CliRunner().invoke(flow, ["graph", DESK, "--format", "mermaid"]).output
    assert drawn.startswith("flowchart TD\n") and "  s0 ==> s1" in drawn
    assert drawn.count('"from anywhere: person, elderly, key 0, too long"') == 1
    assert "after 5× → seat_wanted" in drawn and '-->|"asked &lt; 3"|' in drawn


def test_mermaid_reads_what_is_drawn_no_name_is_a_word_of_its_own():
    """Its words are told from names by the case and by nothing else: a class called `end` breaks the picture."""
    words = {"end", "graph", "flowchart", "subgraph", "class", "click", "style", "default", "direction", "call", "href"}
    for path in FLOWS.glob("move_car_*.yaml"):
        drawn = CliRunner().invoke(flow, ["graph", str(path), "--format", "mermaid"]).output
        classes = set(re.findall(r":::(\w+)$", drawn, re.M))
        assert classes and not classes & words and classes <= set(re.findall(r"^  classDef (\w+) ", drawn, re.M))
        assert not set(re.findall(r"^  (\w+)[\[({>]", drawn, re.M)) & words


def test_the_svg_holds_every_state_and_opens_as_xml(tmp_path):
    out = tmp_path / "desk.svg"
    told = CliRunner().invoke(flow, ["graph", DESK, "-o", str(out)])
    assert told.exit_code == 0 and "open it with a browser" in told.output
    titles = {title.text for title in ElementTree.parse(out).iter("{http://www.w3.org/2000/svg}title")}
    assert {"welcome", "menu", "seat_wanted", "closed", "all_busy"} <= titles


def test_a_large_flow_is_drawn_folded_by_the_titles_in_its_file():
    inbound = load_flow(FLOWS / "move_car_inbound.yaml")
    folded, whole = picture(inbound, {}, PERSONS), picture(inbound, {}, PERSONS, full=True)
    assert set(whole.kinds) == set(inbound.states) and len(folded.kinds) < len(whole.kinds) / 2
    assert folded.sections["look_up"].startswith("the plate") and "say_it_again" not in folded.kinds
    assert any("say_it_again" in line for line in folded.lines["welcome"])
    drawn = {box for arrow in folded.arrows for box in (arrow.start, arrow.to)} | set(folded.anywhere.values())
    assert drawn == set(folded.kinds) and len(folded.arrows) < len(whole.arrows) / 2


def test_every_state_stands_in_some_box_of_a_folded_picture():
    inbound = load_flow(FLOWS / "move_car_inbound.yaml")
    stands = folds(inbound, sections(inbound))
    assert set(stands) == set(inbound.states) and all(stands[box] == box for box in stands.values())


def test_the_titles_of_a_flow_are_fields_of_its_picture():
    drawn = CliRunner().invoke(flow, ["graph", str(FLOWS / "move_car_inbound.yaml"), "--format", "mermaid"]).output
    assert '["the owner, and what came of it"]' in drawn and drawn.count("  subgraph ") == drawn.count("\n  end\n")
    svg = CliRunner().invoke(flow, ["graph", str(FLOWS / "move_car_inbound.yaml")]).output
    width = float(ElementTree.fromstring(svg.encode()).get("width").removesuffix("pt"))
    assert width < 4000, "too wide to read"


def test_without_graphviz_one_sentence_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    told = CliRunner().invoke(flow, ["graph", DESK])
    assert isinstance(told.exception, CannotRun) and "apt-get install graphviz" in str(told.exception)


def test_the_files_ending_says_how_it_is_drawn(tmp_path):
    assert CliRunner().invoke(flow, ["graph", DESK, "-o", str(tmp_path / "desk.md")]).exit_code == 0
    assert (tmp_path / "desk.md").read_text("utf-8").startswith("flowchart")
    with pytest.raises(CannotRun, match=r"desk\.png: a graph is written to \.svg"):
        CliRunner().invoke(flow, ["graph", DESK, "-o", str(tmp_path / "desk.png")], catch_exceptions=False)
