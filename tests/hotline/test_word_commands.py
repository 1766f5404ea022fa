"""`ivr text …` and `ivr case list --unkept`: what operators see of texts, gateways and promises."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from gateway_program import gateway_program, write_settings

from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.attempts import AttemptPolicy
from dialer.queue.promises import CallBackPolicy, Promises
from dialer.texting.gateway import Sent
from dialer.texting.outbox import Outbox
from hotline.cases.casebook import OpenCase
from hotline.cli import ivr
from hotline.errors import CannotRun
from hotline.storage.store import Store
from ivr.flow.source import FlowError

FLOWS = Path(__file__).resolve().parents[2] / "flows"


def run(*arguments: object):
    return CliRunner().invoke(ivr, [*map(str, arguments)])


def settings(folder: Path, text: str = "") -> Path:
    path = folder / "ivr.toml"
    path.write_text(f'[engine]\nflows = "{FLOWS}"\n{text}', encoding="utf-8")
    return path


def test_the_list_tells_what_each_text_says_at_its_longest(tmp_path):
    config = settings(tmp_path)
    told = run("text", "list", "--config", config)
    assert told.exit_code == 0 and "owner_please_move  to the owner" in told.output
    rows = json.loads(run("text", "list", "--config", config, "--json").output)["texts"]
    assert {row["to"] for row in rows} == {"owner", "caller"}
    assert all(row["characters"] == len(row["text"]) and row["segments"] in (1, 2) for row in rows)


def test_a_text_that_is_not_right_is_named_with_its_line(tmp_path):
    shutil.copytree(FLOWS, tmp_path / "flows", ignore=shutil.ignore_patterns("prompts"))
    (tmp_path / "flows" / "texts.yaml").write_text("hello:\n  to: nobody\n  minutes: 5\n  text: 您好\n", encoding="utf-8")
    config = tmp_path / "ivr.toml"
    config.write_text('[engine]\nflows = "flows"\n', encoding="utf-8")
    refused = run("text", "list", "--config", config)
    assert isinstance(refused.exception, FlowError) and "texts.yaml:2" in str(refused.exception)


async def test_a_gateway_is_checked_and_tried_with_one_text(tmp_path):
    async with gateway_program() as gateway:
        write_settings(tmp_path, gateway.port)
        config = settings(tmp_path, '[texts]\ngateway = "gateway.toml"\n')
        complete = await asyncio.to_thread(run, "text", "check", "--config", config)
        assert "the settings are complete" in complete.output
        sent = await asyncio.to_thread(run, "text", "check", "--config", config, "--to", "13800000000", "--json")
        assert (sent.exit_code, json.loads(sent.output)["sent"]["how"]) == (0, "accepted")
        assert [each["to"] for each in await gateway.delivered()] == ["13800000000"]
        await gateway.behave("403")
        refused = await asyncio.to_thread(run, "text", "check", "--config", config, "--to", "13800000000")
        assert refused.exit_code == 1 and "refused (403)" in refused.output
        landline = await asyncio.to_thread(run, "text", "check", "--config", config, "--to", "079062212345")
        assert isinstance(landline.exception, CannotRun) and "gets no texts" in str(landline.exception)


def test_without_a_gateway_the_check_says_where_to_name_one(tmp_path):
    refused = run("text", "check", "--config", settings(tmp_path))
    assert isinstance(refused.exception, CannotRun) and "[texts] gateway" in str(refused.exception)


@pytest.fixture
def cases(tmp_path):
    """(database, a case whose promise was kept by a text, one whose promise is a person's to keep)."""
    with Store(str(tmp_path / "cases.db")).open() as store:
        kept, unkept = (OpenCase.opened(store, "telephone", f"1390000000{n}", []) for n in (1, 2))
        queue = AttemptQueue(store.engine, AttemptPolicy(), None, lambda: 1e9)
        promises, outbox = Promises(store.engine, CallBackPolicy(), lambda: 1e9), Outbox(store.engine, lambda: 1e9)
        for case in (kept, unkept):
            case.set_plate("赣KA1234")
            promises.make(case.id, queue.ask(case.id, "car", "owner").id, "text")
        outbox.put("outcome", kept.id, "caller", "caller_coming", "马上来", minutes=60)
        outbox.end(outbox.claim(1)[0][0].id, Sent("accepted", reference="m-1"))
        promises.kept(kept.id)
        promises.unkept(unkept.id)
    return tmp_path / "cases.db", kept.id, unkept.id


def test_what_became_of_the_texts_is_told_without_their_numbers(cases):
    database, kept, _ = cases
    (row,) = json.loads(run("text", "sent", "--db", database, "--json").output)["texts"]
    assert (row["case"], row["name"], row["state"], row["reference"]) == (kept, "caller_coming", "sent", "m-1")
    shown = run("text", "sent", "--db", database)
    assert shown.exit_code == 0 and kept in shown.output and "13900000001" not in shown.output


def test_the_list_of_the_unkept_has_whom_a_person_must_tell_and_nobody_else(cases):
    database, kept, unkept = cases
    listed = run("case", "list", "--unkept", "--db", database)
    assert listed.exit_code == 0 and unkept in listed.output and kept not in listed.output
    both = run("case", "list", "--db", database).output
    assert kept in both and unkept in both
