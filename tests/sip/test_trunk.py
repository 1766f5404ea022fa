"""Registration and calls through a registrar that asks for a password (kamailio)."""

import asyncio
from pathlib import Path

import pytest
from conftest import config, free_port, next_event, next_leg

from ivr.sip.config import Trunk
from ivr.sip.line import Answered, Ended

_KAMAILIO = """
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
request_route {{
  if (is_method("REGISTER|INVITE") && !has_totag() && src_port != {phone}) {{
    if (!pv_www_authenticate("trunk", "right", "0")) {{
      www_challenge("trunk", "1");
      exit;
    }}
    consume_credentials();
  }}
  if (is_method("REGISTER")) {{ save("location"); exit; }}
  if (is_method("INVITE") && !has_totag()) record_route();
  if (has_totag()) {{ loose_route(); t_relay(); exit; }}
  if ($rU == "12345") {{ lookup("location"); }} else {{ $du = "sip:127.0.0.1:{phone}"; }}
  t_relay();
}}
"""


@pytest.fixture
async def registrar(spawn, tmp_path: Path):
    """(kamailio's port, the port of the phone behind it that need not log in)."""
    port, phone_port = free_port(), free_port()
    conf = tmp_path / "kamailio.cfg"
    conf.write_text(_KAMAILIO.format(port=port, phone=phone_port))
    process = await spawn(
        "kamailio", "-DD", "-E", "-f", str(conf), "-Y", str(tmp_path), "-w", str(tmp_path),
        "-P", str(tmp_path / "pid"), "-m", "16", "-M", "4",
        start_new_session=True, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await asyncio.sleep(1)
    assert process.returncode is None
    yield port, phone_port
    process.terminate()
    await asyncio.wait_for(process.wait(), 5)


def _trunk(port: int, password: str) -> Trunk:
    return Trunk(registrar=f"127.0.0.1:{port}", username="12345", password=password)


async def _news(supervisor):
    news = asyncio.Queue()
    supervisor.line.on_notice = lambda *notice: news.put_nowait(notice)
    return news


async def test_it_registers_takes_calls_from_the_trunk_and_dials_numbers(
    registrar, start_line, phone
):
    port, phone_port = registrar
    supervisor = await start_line(config(trunk=_trunk(port, "right")))
    news = await _news(supervisor)
    assert (await asyncio.wait_for(news.get(), 5))[0] == "registered"
    caller = await phone({"mode": "call", "port": phone_port, "uri": f"sip:12345@127.0.0.1:{port}",
                          "steps": [{"wait_hangup": {}}]})  # fmt: skip
    leg = await next_leg(supervisor.line)
    leg.answer()
    await next_event(leg, Answered)
    leg.hangup()
    assert (await caller.finish())[0] == 0
    owner = await phone({"mode": "wait", "port": phone_port, "answer": {"after_s": 0},
                         "steps": [{"wait_hangup": {}}]})  # fmt: skip
    leg = await supervisor.line.dial("13900000000")
    await next_event(leg, Answered)
    leg.hangup()
    assert (await owner.finish())[0] == 0


async def test_a_wrong_password_is_said_once_and_the_line_works_on(registrar, start_line, phone):
    port, _ = registrar
    supervisor = await start_line(config(trunk=_trunk(port, "wrong")))
    news = await _news(supervisor)
    kind, text = await asyncio.wait_for(news.get(), 5)
    assert kind == "registration-failed"
    assert text.startswith("registration failed: ") and "password" in text and "wrong" not in text
    caller = await phone({"mode": "call", "expect_code": 486,
                          "uri": f"sip:12345@127.0.0.1:{supervisor.line.port}"})  # fmt: skip
    leg = await next_leg(supervisor.line)
    leg.reject(486)
    await next_event(leg, Ended)
    assert (await caller.finish())[0] == 0
    assert news.empty()
