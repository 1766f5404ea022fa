"""The JSON Schema of flows: made from the loader, so it takes what loads and refuses what it can see."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from hotline.cli.flow import flow
from ivr.flow.load import load_flow
from ivr.flow.source import FlowError

FLOWS = Path(__file__).resolve().parents[2] / "flows"
BROKEN = Path(__file__).parent / "broken"
SCHEMA = json.loads((FLOWS / "flow.schema.json").read_text("utf-8"))
VALID = jsonschema.Draft202012Validator(SCHEMA)
OURS = [path for path in FLOWS.glob("*.yaml") if "\nstates:" in path.read_text("utf-8")]


def loads(path: Path) -> bool:
    try:
        load_flow(path)
    except FlowError:
        return False
    return True


def test_the_schema_in_the_folder_is_the_one_that_the_program_prints():
    told = CliRunner().invoke(flow, ["schema"])
    assert json.loads(told.output) == SCHEMA, "run: ivr flow schema > flows/flow.schema.json"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", [*OURS, BROKEN / "good.yaml", BROKEN / "survey.yaml"], ids=lambda path: path.stem)
def test_the_schema_takes_every_flow_that_is_good(path):
    assert [error.message for error in VALID.iter_errors(YAML(typ="safe").load(path))] == []


def test_every_flow_of_ours_names_the_schema_for_the_editor():
    assert all(path.read_text("utf-8").startswith("# yaml-language-server: $schema=flow.schema.json\n") for path in OURS)


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
def test_the_schema_takes_what_loads_and_refuses_what_it_can_see():
    """An editor may know less than the loader, never something else."""
    seen = set()
    for path in BROKEN.glob("*.txt"):
        try:
            written = YAML(typ="safe").load(path.with_suffix(".yaml"))
        except Exception:
            continue
        if not VALID.is_valid(written):
            seen.add(path.stem)
    assert {"unknown_key", "no_start", "value_kind_unknown", "limits_incomplete", "number_wanted", "listen_for_nothing",
            "state_leads_nowhere", "always_event_unknown", "action_unknown", "probability_wrong", "end_and_next", "listen_and_do",
            "with_without_do", "visits_too_many", "no_states", "barge_in_wrong", "key_wrong", "question_share_wrong",
            "choose_without_otherwise", "action_argument_missing", "action_argument_unknown"} <= seen
    of_actions = {"action_unknown", "action_value_undeclared", "action_argument_missing", "action_argument_unknown",
                  "http_without_address", "http_send_is_text", "http_url_is_several"}
    assert {name for name in seen if loads(BROKEN / f"{name}.yaml")} <= of_actions, "the check finds these, the loader does not"


def undescribed(node: dict, path: str = ""):
    """Every property that an editor would complete without a word about it."""
    for name, part in node.get("properties", {}).items():
        if not part.get("description"):
            yield f"{path}.{name}"
        yield from undescribed(part, f"{path}.{name}")
    for part in (node.get("additionalProperties"), node.get("items"), *node.get("oneOf", ()), *node.get("$defs", {}).values()):
        if isinstance(part, dict):
            yield from undescribed(part, path)


def test_an_editor_has_a_word_on_everything_that_it_completes():
    assert list(undescribed(SCHEMA)) == []
    assert list(undescribed({"properties": {"say": {}}})) == [".say"]
    actions = SCHEMA["$defs"]["state"]["properties"]["do"]["oneOf"]
    assert all(action["description"].endswith((".", "`.", "?")) for action in actions), "a whole sentence each"
