"""`ivr text`: the texts that the desk sends, the gateway that sends them, and what became of each."""

import asyncio
import json
import secrets
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from dialer.texting.gateway import Sent, ask_gateway
from dialer.texting.outbox import Outbox
from dialer.texting.settings import Gateway, load_gateway
from hotline.cli.case import config_option, database_option, open_store
from hotline.config import EngineConfig, load_config
from hotline.errors import CannotRun
from hotline.texting.texts import SAMPLE, TEXTS_FILE, load_texts, segments

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group()
def text() -> None:
    """Texts (SMS): which there are, whether the gateway takes one, what was sent. See docs/texts.md.

    \b
    Example: ivr text list
             ivr text sent --limit 50
    """


@text.command("list")
@config_option
@json_option
def list_texts(config_path: Path, as_json: bool) -> None:
    """What each text says, with its longest values, and how long it is. Exit 2 if a text is not right.

    \b
    Example: ivr text list
    """
    texts = load_texts(_config(config_path).flows / TEXTS_FILE)
    rows = [{"name": each.name, "to": each.to, "minutes": each.minutes, "characters": len(each.longest),
             "segments": segments(each.longest), "text": each.longest} for each in texts.values()]
    if as_json:
        click.echo(json.dumps({"texts": rows}, ensure_ascii=False))
        return
    for row in rows:
        plural = "" if row["segments"] == 1 else "s"
        click.echo(f"{row['name']}  to the {row['to']}, within {row['minutes']} min, {row['characters']} characters: "
                   f"{row['segments']} segment{plural}\n    {row['text']}")


@text.command()
@config_option
@click.option("--gateway", "gateway_path", type=click.Path(path_type=Path), default=None,
              help="A gateway's settings; those that ivr.toml names, unless given.")
@click.option("--to", "number", default="", help="Send one text to this number, in earnest.")
@json_option
def check(config_path: Path, gateway_path: Path | None, number: str, as_json: bool) -> None:
    """Check the gateway's settings, secrets and all; with --to, send a text. Exit 1 if the gateway does not
    accept it, 2 if the settings are not right.

    \b
    Example: ivr text check --to 13800000000
    """
    gateway = load_gateway(gateway_path) if gateway_path else _config(config_path).gateway
    if gateway is None:
        raise CannotRun("no gateway is set up: name its settings in ivr.toml, [texts] gateway; gateway.toml.example shows them")
    sent = asyncio.run(_trial(gateway, number)) if number else None
    if as_json:
        click.echo(json.dumps({"url": gateway.url, "same_id": gateway.same_id} | ({"sent": vars(sent)} if sent else {})))
    else:
        click.echo(f"{gateway.method} {gateway.url}: the settings are complete"
                   + ("" if gateway.same_id else "; without same_id a text whose fate is unsure is not tried again"))
        if sent:
            click.echo(f"a text: {_told(sent)}")
    if sent and sent.how != "accepted":
        raise SystemExit(1)


@text.command("sent")
@config_option
@database_option
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@json_option
def sent_texts(config_path: Path, db: str, limit: int, as_json: bool) -> None:
    """What became of the newest texts.

    \b
    Example: ivr text sent --limit 50
    """
    with open_store(config_path, db) as store:
        texts = Outbox(store.engine, lambda: datetime.now().timestamp()).texts(limit)
    rows = [{"case": each.case_id, "to": each.to, "name": each.name, "state": each.state, "tries": each.tries, "why": each.why,
             "reference": each.reference, "queued_at": datetime.fromtimestamp(each.queued_at).isoformat(timespec="seconds")}
            for each in texts]
    if as_json:
        click.echo(json.dumps({"texts": rows}, ensure_ascii=False))
        return
    table = Table(Column("case", no_wrap=True), "queued", "to", "text", "state", "tries", "why", "reference")
    for row in rows:
        table.add_row(row["case"], row["queued_at"], row["to"], row["name"], row["state"], str(row["tries"]), row["why"], row["reference"])
    Console().print(table)


async def _trial(gateway: Gateway, number: str) -> Sent:
    if not gateway.takes(number):
        raise CannotRun("this number gets no texts by these settings: see numbers in gateway.toml")
    return await ask_gateway(gateway, number, f"【12345挪车热线】这是一条测试短信：{SAMPLE['plate']}。", secrets.token_hex(16))


def _told(sent: Sent) -> str:
    return sent.how + (f" ({sent.why})" if sent.why else "") + (f", the gateway's number {sent.reference}" if sent.reference else "")


def _config(path: Path) -> EngineConfig:
    return load_config(path) if path.exists() else EngineConfig()
