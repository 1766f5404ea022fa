"""The pages that teach flows are followed as a reader does, and must be true."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotline.cli.flow import flow

ROOT = Path(__file__).resolve().parents[2]


def blocks(page: str, kind: str) -> list[str]:
    """The page's fenced blocks of a kind ("" for those that name none)."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.S | re.M)
    return [text for named, text in fenced if named == kind]


def ivr_flow(*arguments: str, lines: str = ""):
    return CliRunner().invoke(flow, list(arguments), input=lines, catch_exceptions=False)


@pytest.fixture
def flows(tmp_path, monkeypatch):
    """A copy of the flows' folder, and a reader who stands beside it."""
    shutil.copytree(ROOT / "flows", tmp_path / "flows", ignore=shutil.ignore_patterns("*.flac"))
    monkeypatch.chdir(tmp_path)
    return Path("flows")


def test_the_ten_minutes_of_the_page_lead_to_a_flow_that_works(flows):
    sentences, library, *_ = blocks("docs/flows.md", "yaml")
    with (flows / "prompts" / "prompts.yaml").open("a", encoding="utf-8") as file:
        file.write("\n" + sentences)
    (flows / "library.yaml").write_text(library, "utf-8")
    checked, talk, script, *_ = blocks("docs/flows.md", "")
    assert ivr_flow("check", "flows/library.yaml").output in checked
    spoken = re.search(r"^caller> (.*)$", talk, re.M)[1]
    told = ivr_flow("run", "flows/library.yaml", "--script", "-", "--at", "2026-03-02 10:00", lines=spoken)
    assert told.output.strip() == talk.partition("\n")[2].strip()
    scripted = ivr_flow("run", "flows/library.yaml", "--script", "-", "--at", "2026-03-01 10:00", lines=script)
    assert scripted.exit_code == 0, scripted.output
    (flows / "library.yaml").write_text(library.replace("no_input: menu, ", ""), "utf-8")
    problem = ivr_flow("check", "flows/library.yaml").output.strip()
    assert problem in " ".join((ROOT / "docs/flows.md").read_text("utf-8").split())


def test_every_flow_of_ours_checks_clean():
    ours = [str(path) for path in (ROOT / "flows").glob("*.yaml") if "\nstates:" in path.read_text("utf-8")]
    assert ivr_flow("check", *ours).output == f"{len(ours)} flows: no problem found\n"


def test_the_readmes_first_flow_checks_clean_and_runs(flows):
    (flows / "opening_hours.yaml").write_text(blocks("README.md", "yaml")[0], "utf-8")
    assert ivr_flow("check", "flows/opening_hours.yaml").output == "1 flow: no problem found\n"
    assert ivr_flow("run", "flows/opening_hours.yaml", "--script", "-", "--expect", "done", lines="对\n").exit_code == 0
