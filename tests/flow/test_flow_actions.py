"""A flow's own means: an HTTP service on loopback, the case, sub-flows, limits, what cannot be said."""

import asyncio
import shutil
import threading
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner

from hotline.cases.casebook import OpenCase
from hotline.cli.case import case
from hotline.cli.flow import flow
from hotline.desk.http_service import ServiceError, address
from hotline.errors import CannotRun
from hotline.move_car.actions import OWNER_ENDS
from hotline.replay.flow_run import Situation, run_flow
from hotline.storage.store import Store
from ivr.flow.limiting import MOST_OVER_LIMIT

FLOWS = Path(__file__).resolve().parents[2] / "flows"
HEAD = """\
flow: test
start: first
values: {plate: plate, minutes: minutes, status: text}
limits: {turns: 3, seconds: 60, then: person}
always: {person: person, key 0: person, hang_up: left, trouble: person}
states:
  person: {do: transfer, with: asked, next: {talked: talked, failed: talked}}
  talked: {end: person}
  left: {end: left}
"""


@pytest.fixture(scope="module")
def service():
    """A city's service on loopback; what it was asked, and its address."""
    asked, started = [], threading.Event()

    async def cars(request):
        asked.append((request.method, request.match_info["plate"], dict(request.query)))
        await asyncio.sleep(5 if "slow" in request.query else 0)
        if "gone" in request.query:
            return web.json_response({}, status=404)
        return web.json_response({"car": {"status": "towed", "eta": request.query.get("eta", 15)}})

    async def serve():
        app = web.Application()
        app.router.add_get("/cars/{plate}", cars)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        asked.append(site._server.sockets[0].getsockname()[1])
        started.set()
        await stop.wait()
        await runner.cleanup()

    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    yield asked.pop(), asked
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture
def folder(tmp_path):
    for name in ("grammars", "prompts"):
        shutil.copytree(FLOWS / name, tmp_path / name, ignore=shutil.ignore_patterns("*.flac"))
    for path in FLOWS.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def held(folder, states, lines="", hosts=(), **values):
    """A typed call of a flow with these states more; its end and its log."""
    path, log, typed = folder / "flow.yaml", [], iter(lines.split("/"))
    path.write_text(HEAD + states, "utf-8")
    ended = run_flow(path, "", Situation(values=values, service_hosts=hosts), lambda *_: next(typed, ""),
                     lambda side, kind, **details: log.append((kind, details)))
    return ended, log


def asks(url, more="", seconds="2"):
    return (f"  first:\n    do: http\n    with: {{url: '{url}', seconds: {seconds}, send: {{via: 'flow', {more}}}, "
            "take: {status: car.status, minutes: car.eta}}\n    next: {done: ok, refused: no, failed: bad}\n"
            "  ok: {end: ok}\n  \"no\": {end: refused}\n  bad: {end: failed}\n")


def test_a_service_is_asked_with_values_and_answers_with_values(folder, service):
    port, asked = service
    ended, _ = held(folder, asks(f"http://127.0.0.1:{port}/cars/{{plate}}"), hosts=(f"127.0.0.1:{port}",), plate="赣KA1234")
    assert ended.outcome == "ok" and (ended.values["status"], ended.values["minutes"]) == ("towed", "15")
    assert asked[-1] == ("GET", "赣KA1234", {"via": "flow"})


@pytest.mark.parametrize("more, seconds, outcome, why", [
    ("gone: '1'", "2", "refused", ""),
    ("eta: soon", "2", "failed", "the answer has no minutes at 'car.eta'"),
    ("slow: '1'", "0.2", "failed", "no answer within 0.2 s"),
])
def test_what_goes_wrong_with_a_service_is_a_branch(folder, service, more, seconds, outcome, why):
    port, _ = service
    ended, log = held(folder, asks(f"http://127.0.0.1:{port}/cars/x", more, seconds), hosts=("127.0.0.1",))
    assert ended.outcome == outcome and not ended.values.get("minutes")
    assert not why or ("service_failed", {"why": why}) in log


def test_a_host_that_is_not_allowed_is_not_asked(folder, service):
    port, asked = service
    before = len(asked)
    ended, log = held(folder, asks(f"http://127.0.0.1:{port}/cars/x"), hosts=("api.city.example",))
    assert ended.outcome == "failed" and len(asked) == before
    assert any("allowed_hosts" in details.get("why", "") for _, details in log)


@pytest.mark.parametrize("url", ["http://{plate}/", "ftp://a/", "http://b/", "http://a@evil/", "http://user@a/", "//a/"])
def test_what_a_caller_says_never_chooses_who_is_asked(url):
    with pytest.raises(ServiceError):
        address(url, {"plate": "evil.example"}, ("a",))
    assert address("http://a/x/{plate}", {"plate": "../y?z"}, ("a",)) == "http://a/x/..%2Fy%3Fz"


def test_a_case_keeps_what_a_flow_gives_it(folder):
    ended, log = held(folder, "  first: {do: update_case, with: {reason: 'light {status}', lamp: '{status}'}, next: {done: ok}}\n"
                              "  ok: {end: ok}\n", status="out")
    assert ended.reason == "light out" and ("updated", {"with_reason": "light out", "with_lamp": "out"}) in log


LAMP = """\
  first:
    do: open_case
    with: {reason: 'lamp {status}', street: 'by the river'}
    next: {done: more}
  more: {do: update_case, with: {case: '{case}', reason: 'lamp and cable', seen: yes}, next: {done: own}}
  own: {do: update_case, with: {reason: 'two cases'}, next: {done: ok}}
  ok: {end: ok}
"""


def test_a_flow_opens_a_further_case_and_writes_into_it(folder):
    head = HEAD.replace("status: text", "status: text, case: text")
    (folder / "flow.yaml").write_text(head + LAMP, "utf-8")
    log = []
    ended = run_flow(folder / "flow.yaml", "", Situation(values={"status": "out"}), lambda *_: "",
                     lambda side, kind, **details: log.append((kind, details)))
    assert ended.outcome == "ok" and ended.reason == "two cases" and ended.values["case"] == "replay-2"
    assert ("opened", {"by": "replay", "with_reason": "lamp out", "with_street": "by the river"}) in log
    assert ("updated", {"with_reason": "lamp and cable", "with_seen": "yes"}) in log


async def test_a_case_that_a_flow_opened_outlives_the_call_and_is_closed_by_people(tmp_path):
    with Store(f"sqlite:///{tmp_path}/cases.db").open() as store:
        call = OpenCase.opened(store, "telephone", "13800000001", [])
        beside = call.beside("13800000001", "lamp out")
        beside.note("caller", "opened", by=call.id)
        call.close("done")
        await store.flushed()
        assert [(row.id, row.caller, row.reason) for row in store.open_cases()] == [(beside.id, "13800000001", "lamp out")]
    at = ["--db", f"{tmp_path}/cases.db"]
    assert CliRunner().invoke(case, ["close", beside.id, "lamp mended", *at]).exit_code == 0
    again = CliRunner().invoke(case, ["close", beside.id, "x", *at])
    assert isinstance(again.exception, CannotRun) and "closed already, as 'lamp mended'" in str(again.exception)


OWNER_CALLED = """\
  first:
    say_by_visit: [welcome, short_plate]
    listen: {grammar: plate, profile: plate}
    next: {value: found, repeat: first, no_match: first, no_input: first}
  found: {do: match_plate, next: {match: sure, ask: sure, none: sure, which: sure, begun: sure, unclear: sure, no_such_place: sure, special: person, failed: person}}
  sure: {do: confirm_plate, next: {found: asked, not_found: talked, failed: person}}
  asked: {do: ask_owner, next: {asked: hint, joined: hint}}
  hint: {say: desk_welcome, next: {done: wait}}
  wait:
    do: wait_for_owner
    while_waiting: {say: still_calling, every_s: 9}
    next: {%s}
  comes: {end: comes}
  absent: {end: absent}
"""


@pytest.mark.parametrize("owner, outcome", [("answers", "comes"), ("busy", "absent"), ("off", "absent")])
def test_a_flow_calls_the_owner_says_something_and_waits_for_the_outcome(folder, owner, outcome):
    branches = ", ".join(f"{end}: {'comes' if end == 'coming' else 'absent'}" for end in OWNER_ENDS)
    head = HEAD.replace("values: {", "values: {symbols: symbols, symbols2: symbols, place: place, ")
    (folder / "flow.yaml").write_text(head + OWNER_CALLED % branches, "utf-8")
    lines, log = {"caller": iter(["赣K A1234"]), "owner": iter(["马上来"])}, []
    ended = run_flow(folder / "flow.yaml", "move_car_outbound", Situation(owner=owner),
                     lambda side, _: next(lines[side], ""), lambda side, kind, **details: log.append((side, kind, details)))
    assert ended.outcome == outcome, log
    spoken = [details["prompt"] for side, kind, details in log if side == "caller" and kind == "said"]
    assert spoken[:2] == ["welcome", "desk_welcome"]


SURVEY = HEAD.replace("start: first", "start: rate").replace("person: {do: transfer, with: asked, next: {talked: talked, failed: talked}}",
                                                             "person: {end: person}").replace("  talked: {end: person}\n", "") + (
    "  rate:\n    say: desk_more\n    listen: {grammar: minutes, into: minutes, profile: short}\n"
    "    next: {value: thanks, no_match: thanks, no_input: thanks}\n  thanks: {say: goodbye, end: rated}\n")
RUNS = "  first: {run: survey, next: {rated: ok, person: person, left: left}}\n  ok: {say: desk_welcome, end: ok}\n"


@pytest.mark.parametrize("lines, outcome", [("十分钟", "ok"), ("#0", "person"), ("hang up", "left")])
def test_a_sub_flow_shares_its_values_and_its_end_is_the_branch(folder, lines, outcome):
    (folder / "survey.yaml").write_text(SURVEY, "utf-8")
    ended, log = held(folder, RUNS, lines)
    assert ended.outcome == outcome
    assert ended.values.get("minutes", "") == ("10" if outcome == "ok" else "")
    assert len([details for kind, details in log if kind == "flow"]) == 2


QUIZ = """\
flow: quiz
start: ask
limits: {turns: 3, seconds: 60, then: over}
states:
  ask:
    say_by_visit: [desk_more, desk_menu]
    listen: {grammar: yes_no, profile: short}
    next: {"yes": over, "no": over, no_match: over, no_input: ask}
    visits: {at_most: 2, then: over}
  over: {say: goodbye, end: over}
"""


@pytest.mark.parametrize("lines, outcome", [("转人工", "person"), ("#0", "person"), ("对", "ok"), ("hang up", "left")])
def test_a_wish_for_a_person_in_a_sub_flow_goes_where_the_flow_above_leads_it(folder, lines, outcome):
    (folder / "quiz.yaml").write_text(QUIZ, "utf-8")
    ended, _ = held(folder, "  first: {run: quiz, next: {over: ok}}\n  ok: {say: desk_welcome, end: ok}\n", lines)
    assert ended.outcome == outcome


def test_a_sub_flow_is_checked_with_what_the_flow_above_leads_on(folder):
    (folder / "quiz.yaml").write_text(QUIZ, "utf-8")
    alone = CliRunner().invoke(flow, ["check", str(folder / "quiz.yaml")])
    assert alone.exit_code == 1 and "no state hands the call to a person" in alone.output
    (folder / "flow.yaml").write_text(HEAD + "  first: {run: quiz, next: {over: ok}}\n  ok: {end: ok}\n", "utf-8")
    told = CliRunner().invoke(flow, ["check", str(folder / "quiz.yaml"), str(folder / "flow.yaml")])
    assert told.output == "2 flows: no problem found\n"


def test_a_flow_that_asks_too_often_goes_to_a_person(folder):
    ended, log = held(folder, "  first:\n    say_by_visit: [desk_more, desk_menu]\n    listen: {grammar: yes_no, profile: short}\n"
                              "    next: {\"yes\": first, \"no\": first, no_match: first, no_input: first}\n", "对/对/对/对/对/对")
    assert ended.outcome == "person" and len([kind for kind, _ in log if kind == "heard"]) == 3


def test_a_flow_that_lasts_too_long_goes_to_a_person(folder):
    states = ("  first:\n    say_by_visit: [desk_more, desk_menu]\n    listen: {grammar: yes_no, profile: patient}\n"
              "    next: {\"yes\": first, \"no\": first, no_match: first, no_input: first}\n")
    (folder / "flow.yaml").write_text(HEAD.replace("turns: 3", "turns: 99") + states, "utf-8")
    ended = run_flow(folder / "flow.yaml", "", Situation(), lambda *_: "", lambda *_, **__: None)
    assert ended.outcome == "person" and 60 <= ended.seconds < 100


@pytest.mark.parametrize("limits, most", [("{turns: 3, seconds: 600, then: person}", 3), ("{turns: 99, seconds: 20, then: person}", 9)])
def test_a_flow_that_asks_too_often_in_what_it_runs_goes_to_its_own_person(folder, limits, most):
    """Two levels down: the limits of each flow above hold there too."""
    endless = QUIZ.replace("turns: 3, seconds: 60", "turns: 99, seconds: 6000").replace('"yes": over', '"yes": ask')
    endless = endless.replace("    visits: {at_most: 2, then: over}\n", "")
    (folder / "quiz.yaml").write_text(endless, "utf-8")
    (folder / "between.yaml").write_text(
        "flow: between\nstart: deep\nlimits: {turns: 99, seconds: 6000, then: over}\nstates:\n"
        "  deep: {run: quiz, next: {over: over}}\n  over: {say: goodbye, end: over}\n", "utf-8")
    head = HEAD.replace("{turns: 3, seconds: 60, then: person}", limits)
    (folder / "flow.yaml").write_text(head + "  first: {run: between, next: {over: ok}}\n  ok: {say: desk_welcome, end: ok}\n", "utf-8")
    log = []
    ended = run_flow(folder / "flow.yaml", "", Situation(), lambda *_: "对", lambda side, kind, **details: log.append(kind))
    assert ended.outcome == "person" and 1 < log.count("heard") <= most


ASKED_AGAIN = ("    listen: {grammar: yes_no, profile: short}\n"
               "    next: {\"yes\": first, \"no\": first, no_match: first, no_input: first}\n")


def test_visits_that_lead_back_to_themselves_go_to_a_person(folder):
    ended, log = held(folder, "  first:\n    say: desk_more\n    visits: {at_most: 1, then: first}\n" + ASKED_AGAIN, "对/对/对")
    assert ended.outcome == "person" and "trouble" in [kind for kind, _ in log]


def test_a_flow_that_asks_on_after_its_limit_comes_to_an_end(folder):
    busy = HEAD.replace("failed: talked", "failed: first") + "  first:\n    say_by_visit: [desk_more, desk_menu]\n" + ASKED_AGAIN
    (folder / "flow.yaml").write_text(busy, "utf-8")
    log = []
    ended = run_flow(folder / "flow.yaml", "", Situation(seat="busy"), lambda *_: "对",
                     lambda side, kind, **details: log.append(kind))
    assert ended.outcome == "failed" and log.count("heard") <= 3 + 2 * MOST_OVER_LIMIT


def test_a_prompt_whose_value_is_missing_leads_to_a_person(folder):
    ended, _ = held(folder, "  first: {set: {plate: \"\"}, say: readback, next: {done: ok}}\n  ok: {end: ok}\n")
    assert ended.outcome == "person"
