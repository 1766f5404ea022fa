"""Word that reaches a caller who does not wait on the line, over SIP and a gateway of its own."""

import asyncio
import sqlite3

from gateway_program import gateway_program, write_settings
from house import BREATH_S, eventually, phone
from service import ask_for_the_car, serving, settle
from voices import CALLER_VOICE, PLATE

from hotline.demo.people import OWNERS
from hotline.demo.world import free_udp_ports

GOOD, TEXT, HOLD = "好的，可以。", "发短信吧。", "我等着。"
LANDLINE, MOBILE = "079062212345", "13600000061"
LATER = """\
[call_back]
dial = "sip:{{number}}@127.0.0.1:{port}"
tries = 2
wait_s = 5
ring_s = {ring_s}
[texts]
gateway = "gateway.toml"
"""


class Site:
    """Settings of a service that calls back and sends texts, and what it keeps."""

    def __init__(self, folder, gateway_port, *, attempts=2, ring_s=10):
        self.world = settle(folder, attempts=attempts)
        self.folder, (self.caller_port,) = folder, free_udp_ports(1)
        settings = folder / "ivr.toml"
        text = settings.read_text("utf-8").replace("[owners]\n", "[owners]\nhold_s = 1\n")
        settings.write_text(text + LATER.format(port=self.caller_port, ring_s=ring_s), "utf-8")
        write_settings(folder, gateway_port)
        vault = folder / "vault" / "vault.toml"
        vault.write_text(vault.read_text("utf-8") + 'text_gateway = "../gateway.toml"\n', "utf-8")

    def rows(self, query):
        with sqlite3.connect(self.folder / "data" / "cases.db") as database:
            return database.execute(query).fetchall()

    def owner(self, *answers):
        return self._phone("owner", self.world.owner_port, answers)

    def called_back(self, *answers):
        return self._phone("called-back", self.caller_port, answers)

    def _phone(self, name, port, answers):
        script = {"mode": "wait", "port": port, "answer": list(answers), "wait_timeout_s": 200, "steps": [{"obey": {}}]}
        return phone(script, self.folder.parent / "phones" / f"{name}.wav")


def rung(phone) -> int:
    return sum(event["event"] == "incoming" for event in phone.reported)


async def ask_and_answer_the_offer(words, service, caller, offer, answer):
    await ask_for_the_car(words, service, caller)
    said = await service.logged("said", prompt=offer)
    await asyncio.sleep(said.get("ms", 7000) / 1000 + BREATH_S)
    words.speak(answer, CALLER_VOICE)
    await caller.say(words[answer])


async def test_a_caller_is_rung_with_the_outcome_and_once_for_each_try_even_by_an_engine_that_was_killed(words, tmp_path):
    async with gateway_program() as gateway:
        site = Site(tmp_path / "site", gateway.port)
        async with site.owner("busy", {"after_s": 0.3}) as owner, site.called_back("no-answer", {"after_s": 0.3}) as rings:
            async with serving(site.world) as service:
                async with service.call(LANDLINE) as (caller, case):
                    await ask_and_answer_the_offer(words, service, caller, "offer_call", GOOD)
                    await service.logged("promised", how="call")
                await service.logged("said", prompt="owner_greeting")
                await asyncio.sleep(BREATH_S)
                await owner.say(words[OWNERS["coming"]])
                await eventually(lambda: rung(rings) == 1)
                service.process.kill()
                await service.exited()
            assert site.rows("SELECT state, spent FROM caller_promise") == [("calling", 1)]
            async with serving(site.world) as service:
                await service.logged("promise_goes_on")
                said = await service.logged("said", prompt="call_back_coming")
                assert "马上就来" in said["text"]
                await service.logged("promise_kept", how="call")
            assert site.rows("SELECT case_id, state, spent FROM caller_promise") == [(case, "kept", 2)]
            assert rung(rings) == 2
        assert not await gateway.delivered(), "a landline gets no text, and a call was enough"


async def test_a_caller_with_a_mobile_phone_may_choose_a_text_and_an_owner_whom_no_call_reached_gets_one(words, tmp_path):
    async with gateway_program() as gateway:
        site = Site(tmp_path / "site", gateway.port)
        async with site.owner("busy", "busy"), serving(site.world) as service:
            async with service.call(MOBILE) as (caller, case):
                await ask_and_answer_the_offer(words, service, caller, "offer_call_or_text", TEXT)
                await service.logged("said", prompt="promised_text")
            await service.logged("promise_kept", how="text")
            await service.logged("text_sent", to="owner")
            story = service.story(case)
            log = service.stderr
        by_number = {each["to"]: each["content"] for each in await gateway.delivered()}
        assert set(by_number) == {MOBILE, "00010000001"}
        assert "没有联系上" in by_number[MOBILE] and "请尽快来挪" in by_number["00010000001"]
        assert PLATE in by_number[MOBILE] and PLATE in by_number["00010000001"]
    kept = str(story) + log + str(site.rows("SELECT * FROM text_message")) + (site.folder / "vault" / "audit.jsonl").read_text("utf-8")
    assert "00010000001" not in kept, "the owner's number is the vault's alone"
    assert MOBILE not in log
