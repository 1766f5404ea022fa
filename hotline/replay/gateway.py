"""The text gateway of replays: a provider's server on loopback, in a thread of its own, which keeps real time."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from dialer.texting.settings import Gateway, load_gateway
from hotline.demo.gateway import SETTINGS, TOKEN, MadeUpGateway

TIMEOUT_S = 10.0
REFUSES = "422"


@contextmanager
def gateway_here(folder: Path, *, refuses: bool = False) -> Iterator[Gateway]:
    """A gateway that serves meanwhile, and the settings that lead to it, which are written into `folder`."""
    app = MadeUpGateway(tell=lambda _: None, otherwise=REFUSES if refuses else "202").app()
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    with ThreadPoolExecutor(1, "text-gateway") as thread:
        served = thread.submit(asyncio.run, _serve(app, started))
        served.add_done_callback(lambda ended: started.done() or started.set_exception(ended.exception()))
        port, loop, stop = started.result()
        try:
            yield _settings(folder, port)
        finally:
            loop.call_soon_threadsafe(stop.set)


async def _serve(app: web.Application, started: Future) -> None:
    runner, stop = web.AppRunner(app, access_log=None), asyncio.Event()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    started.set_result((runner.addresses[0][1], asyncio.get_running_loop(), stop))
    await stop.wait()
    await runner.cleanup()


def _settings(folder: Path, port: int) -> Gateway:
    key, path = folder / "gateway.key", folder / "gateway.toml"
    key.write_text(TOKEN, encoding="utf-8")
    key.chmod(0o600)
    path.write_text(SETTINGS.format(port=port, timeout_s=TIMEOUT_S, same_id="true"), encoding="utf-8")
    return load_gateway(path)
