"""`ivr serve`: the service, until SIGTERM or Ctrl-C."""

import asyncio
import logging
import signal
from pathlib import Path

import click

from hotline.config import load_config
from hotline.engine import Engine
from hotline.engine_folder import keep_private
from hotline.logs import log_as_json

log = logging.getLogger("ivr")


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=Path("ivr.toml"),
              show_default=True, help="The engine's settings; see ivr.toml.example.")
def serve(config_path: Path) -> None:
    """Run the service: take calls from the trunk, dial owners over it, keep every case.

    SIGTERM ends it gracefully: calls that run may finish, no case is lost.
    One JSON line an event goes to standard error.

    \b
    Example: ivr serve --config /etc/ivr/ivr.toml
    """
    log_as_json()
    keep_private()
    asyncio.run(_serve(config_path))


async def _serve(config_path: Path) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ending.set)
    async with Engine(load_config(config_path)) as engine:
        log.info("ready", extra={"fields": {"port": engine.sip.transport.port}})
        serving = asyncio.create_task(engine.serve())
        await asyncio.wait({serving, asyncio.create_task(ending.wait())}, return_when=asyncio.FIRST_COMPLETED)
        log.info("ending", extra={"fields": {"finish_calls_s": engine.config.finish_calls_s}})
        await engine.finish_calls()
        if serving.done():
            serving.result()
        serving.cancel()
    log.info("ended")
