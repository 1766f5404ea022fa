"""A text gateway on loopback, as a program: `python -m hotline.demo.gateway --port 0`. For the demo, replays and tests.

It takes `POST /texts` with {"to", "content", "clientId"} and a bearer token, delivers a text once for one
clientId, and tells each delivery as a JSON line. `POST /behave` lists how it meets the next requests: a status,
`slow` (delivers, answers too late), `lost` (delivers, then the connection breaks); then it is in order again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable

from aiohttp import web

TOKEN = "made-up"
SLOW_S = 5.0
SETTINGS = """\
# Written for a gateway on this machine.
url = "http://127.0.0.1:{port}/texts"
timeout_s = {timeout_s}
per_minute = 6000
same_id = {same_id}
numbers = '(000|1[3-9][0-9])[0-9]{{8}}'
[secrets]
key = "file:gateway.key"
[headers]
Authorization = "Bearer {{key}}"
[json]
to = "{{number}}"
content = "{{text}}"
clientId = "{{id}}"
[accepted]
status = [202]
path = "code"
values = ["0"]
already = [409]
reference = "number"
"""


class MadeUpGateway:
    """What was delivered, by id, and how the next requests are met. `tell` hears of each delivery; `otherwise`: how
    all other requests are met."""

    def __init__(self, tell: Callable[[dict[str, str]], None] = lambda asked: _print_delivery(asked), otherwise: str = "202") -> None:
        self._tell, self._otherwise = tell, otherwise
        self.delivered: dict[str, dict[str, str]] = {}
        self.asked = 0
        self._next: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/texts", self._text), web.post("/behave", self._behave), web.get("/texts", self._told)])
        return app

    async def _text(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        how = self._next.pop(0) if self._next else self._otherwise
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"code": "401"}, status=401)
        if how.isdigit() and how != "202":
            return web.json_response({"code": how}, status=int(how), headers={"Retry-After": "1"} if how == "429" else {})
        asked = await request.json()
        if asked["clientId"] in self.delivered:
            return web.json_response({"code": "known"}, status=409)
        self._deliver(asked)
        if how == "slow":
            await asyncio.sleep(SLOW_S)
        if how == "lost":
            request.transport.close()
        return web.json_response({"code": 0, "number": f"m{len(self.delivered)}"}, status=202)

    def _deliver(self, asked: dict[str, str]) -> None:
        self.delivered[asked["clientId"]] = asked
        self._tell(asked)

    async def _behave(self, request: web.Request) -> web.Response:
        self._next = [str(each) for each in await request.json()]
        return web.Response()

    async def _told(self, _request: web.Request) -> web.Response:
        return web.json_response({"asked": self.asked, "delivered": list(self.delivered.values())})


def _print_delivery(asked: dict[str, str]) -> None:
    print(json.dumps({"event": "delivered", **asked}, ensure_ascii=False), flush=True)


async def _serve(port: int) -> None:
    runner = web.AppRunner(MadeUpGateway().app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    bound = site._server.sockets[0].getsockname()[1]
    print(json.dumps({"event": "ready", "port": bound}), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, lambda: stop.set() if not sys.stdin.buffer.read1(1) else None)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser(prog="python -m hotline.demo.gateway", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    asyncio.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
