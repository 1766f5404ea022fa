"""What a gateway's answers come to, over real HTTP, and which settings are turned down."""

import secrets
from dataclasses import replace

import pytest
from gateway_program import write_settings

from dialer.errors import ConfigProblem
from dialer.texting.gateway import ask_gateway
from dialer.texting.settings import load_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBER = "13800000001"


def new_id() -> str:
    return secrets.token_hex(16)


@pytest.mark.parametrize("behaviour, how", [
    ("202", "accepted"), ("400", "refused"), ("401", "refused"), ("429", "again"), ("503", "again"),
    ("500", "unsure"), ("slow", "unsure"), ("lost", "unsure"),
])
async def test_each_answer_of_a_gateway_has_one_meaning(program, tmp_path, behaviour, how):
    await program.behave(behaviour)
    sent = await ask_gateway(program.settings(tmp_path, timeout_s=0.4), NUMBER, "请挪车", new_id())
    assert sent.how == how, sent
    assert NUMBER not in repr(sent)


async def test_a_gateway_that_cannot_be_reached_was_surely_not_asked(program, tmp_path):
    gateway = replace(program.settings(tmp_path), url="http://127.0.0.1:9/texts")
    assert (await ask_gateway(gateway, NUMBER, "请挪车", new_id())).how == "again"


async def test_a_text_asked_for_twice_with_one_id_is_delivered_once_and_accepted_twice(program, tmp_path):
    gateway, text_id = program.settings(tmp_path), new_id()
    first = await ask_gateway(gateway, NUMBER, "请挪车", text_id)
    second = await ask_gateway(gateway, NUMBER, "请挪车", text_id)
    assert (first.how, second.how) == ("accepted", "accepted")
    assert first.reference.startswith("m")
    assert [each["clientId"] for each in await program.delivered()].count(text_id) == 1


async def test_quotes_and_braces_in_a_text_stay_text(program, tmp_path):
    text_id, text = new_id(), 'a "quote", {number} and \\ back\nslash'
    await ask_gateway(program.settings(tmp_path), NUMBER, text, text_id)
    assert next(each for each in await program.delivered() if each["clientId"] == text_id) == {
        "to": NUMBER, "content": text, "clientId": text_id}


async def test_an_answer_that_is_not_as_agreed_is_no_acceptance(program, tmp_path):
    settings = program.settings(tmp_path)
    other = replace(settings, accepted=replace(settings.accepted, values=("OK",)))
    sent = await ask_gateway(other, NUMBER, "请挪车", new_id())
    assert (sent.how, sent.why) == ("refused", "202, code 0")


@pytest.mark.parametrize("change, says", [
    (("url = \"http://127.0.0.1", "url = \"http://sms.example"), "must begin with https://"),
    (("http://127.0.0.1", "ftp://127.0.0.1"), "https://host/path"),
    (('content = "{text}"', 'content = "{txt}"'), "'{txt}' is not known"),
    (('content = "{text}"', 'content = "{text"'), "brace"),
    (('content = "{text}"', ""), "no template has {text}"),
    (('clientId = "{id}"', ""), "same_id = true needs {id}"),
    (("per_minute = 6000", "per_minute = 0"), "per_minute must be"),
    (("per_minute = 6000", "per_minut = 6000"), "'per_minut' is not known"),
    (("timeout_s = 2.0", "timeout_s = 600"), "timeout_s must be"),
    (('values = ["0"]', ""), "belong together"),
    (("status = [202]", "status = [2020]"), "HTTP statuses"),
    (('key = "file:gateway.key"', 'key = "s3cret"'), "no secret stands in these settings"),
    (('key = "file:gateway.key"', 'key = "env:NOT_THERE"'), "the environment has no NOT_THERE"),
    (('key = "file:gateway.key"', 'key = "file:none"'), "cannot be read"),
    (("numbers = '(000|1[3-9][0-9])[0-9]{8}'", "numbers = '['"), "numbers must be a pattern"),
    (("[secrets]", "[secrets"), "is not TOML"),
])
async def test_settings_that_cannot_be_meant_are_turned_down_in_one_sentence(tmp_path, change, says):
    path = write_settings(tmp_path, 8080)
    before = path.read_text("utf-8")
    assert change[0] in before
    path.write_text(before.replace(*change), "utf-8")
    with pytest.raises(ConfigProblem) as problem:
        load_gateway(path, environment={})
    assert says in str(problem.value) and "\n" not in str(problem.value)
    assert "s3cret" not in str(problem.value)


async def test_a_secret_that_everybody_can_read_is_turned_down(tmp_path):
    path = write_settings(tmp_path, 8080)
    (tmp_path / "gateway.key").chmod(0o644)
    with pytest.raises(ConfigProblem, match="chmod 600"):
        load_gateway(path)
