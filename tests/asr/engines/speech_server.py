"""A recognizer server in a process of its own: vosk-server's protocol, or FunASR's (C++ or Python server).

It does what its script file says at the moment a caller connects: {"text": ..., "does": ...}, and writes
down, a JSON line a connection, the opening and how much audio came.
"""

import argparse
import asyncio
import http
import json
import os
import signal
import ssl
from pathlib import Path

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

DIES_AFTER_BYTES = 4000


class Server:
    def __init__(self, protocol: str, script: Path):
        self.protocol, self.script = protocol, script

    def wish(self) -> dict:
        return json.loads(self.script.read_text("utf-8"))

    async def gate(self, connection, _request):
        if self.wish()["does"] == "refuses":
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "busy\n")
        if self.wish()["does"] == "never connects":
            await asyncio.sleep(60)

    async def handle(self, socket) -> None:
        talk = self.vosk if self.protocol == "vosk" else self.funasr
        seen = {"audio": 0, "messages": 0, "opening": None, "ended": False}
        try:
            await talk(socket, self.wish(), seen)
        except ConnectionClosed:
            pass
        finally:
            with self.script.with_suffix(".log").open("a") as log:
                log.write(json.dumps(seen) + "\n")

    async def vosk(self, socket, wish, seen) -> None:
        """As vosk-server's asr_server.py: an answer for each message of audio, compared `{"eof" : 1}`."""
        said = wish["text"]
        async for message in socket:
            if isinstance(message, str) and "config" in message:
                seen["opening"] = json.loads(message)["config"]
                continue
            last = message == '{"eof" : 1}'
            seen["ended"] |= last
            if not last:
                self.count(message, seen)
            await self.misbehave(socket, wish, seen, last)
            if last:
                await socket.send(json.dumps({"alternatives": [
                    {"confidence": 200.0, "text": " ".join(said),
                     "result": [{"word": said, "start": 0.1, "end": 0.5}]},
                    {"confidence": 100.0, "text": ""}]}))
                return
            if seen["messages"] == wish.get("splits_at"):      # a pause: one stretch is closed
                first, said = said[:2], said[2:]
                await socket.send(json.dumps({"alternatives": [{"confidence": 1.0, "text": first}]}))
            else:
                await socket.send(json.dumps({"partial": said[:seen["messages"]]}))

    async def funasr(self, socket, wish, seen) -> None:
        by_python = self.protocol == "funasr-python"
        said, shown, speaking = wish["text"], 0, True

        async def tell(mode: str, text: str, last: bool) -> None:
            marked = speaking if by_python else last
            await socket.send(json.dumps({"mode": mode, "text": text, "wav_name": seen["opening"]["wav_name"],
                                          "is_final": marked}))

        async for message in socket:
            if isinstance(message, str):
                received = json.loads(message)
                speaking = received.get("is_speaking", speaking)
                if speaking:
                    assert received["chunk_size"] == [5, 10, 5] and received["audio_fs"] == 16000
                    assert isinstance(received["hotwords"], str)
                    seen["opening"] = received
                    continue
                seen["ended"] = True
                await self.misbehave(socket, wish, seen, True)
                if said and wish.get("splits_at") and not by_python:
                    await tell("2pass-offline", said[:2], False)
                    said = said[2:]
                    await asyncio.sleep(0.1)
                if said or not by_python:
                    await tell("2pass-offline", said + ("。" if said else ""), True)
                continue
            self.count(message, seen)
            await self.misbehave(socket, wish, seen, False)
            if by_python and seen["messages"] == wish.get("splits_at"):
                await tell("2pass-offline", said[:2], False)
                said = said[2:]
            if seen["audio"] // 19200 > shown:             # 600 ms
                shown += 1
                await tell("2pass-online", said[shown - 1: shown], False)

    @staticmethod
    def count(message: bytes, seen: dict) -> None:
        assert isinstance(message, bytes)
        seen["audio"] += len(message)
        seen["messages"] += 1

    @staticmethod
    async def misbehave(socket, wish, seen, last: bool) -> None:
        does = wish["does"]
        if does == "dies" and seen["audio"] > DIES_AFTER_BYTES:
            os.kill(os.getpid(), signal.SIGKILL)
        if does == "hangs up" and seen["audio"] > DIES_AFTER_BYTES:
            await socket.close()
        if does == "stalls" or does == "is late" and last:
            await asyncio.sleep(60)
        if last and does.startswith("says "):
            await socket.send(json.loads(does[5:]))


async def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("protocol", choices=["vosk", "funasr", "funasr-python"])
    options.add_argument("script", type=Path)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--tls", type=Path, help="a folder with server.pem and key.pem")
    given = options.parse_args()
    tls = None
    if given.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(given.tls / "server.pem", given.tls / "key.pem")
    server = Server(given.protocol, given.script)
    async with serve(server.handle, "127.0.0.1", given.port, process_request=server.gate,
                     ping_interval=None, ssl=tls) as listening:
        print(listening.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main())
