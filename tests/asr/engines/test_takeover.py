"""Over a server that dies in mid-turn, the product's own recognizer hears the same words."""

import asyncio
import logging
import signal

from recognizer_servers import SpeechServer

from asr.engines.choice import EngineChoice, make_hearing
from tts.caller_voice import say


async def test_a_turn_whose_server_is_killed_is_heard_by_the_embedded_engine(tmp_path, caplog):
    pcm = bytes(4800) + say("不对") + bytes(4800)
    server = SpeechServer("funasr", tmp_path)
    try:
        choice = EngineChoice("funasr", url=f"ws://127.0.0.1:{server.port}", answer_timeout_s=1.0)
        async with make_hearing(choice) as hearing:
            server.plan("对")
            assert await turn(hearing, pcm) == "yes"           # the server's answer, not the audio's
            server.plan("对", "stalls")
            assert await turn(hearing, pcm, kill=server) == "no"
            assert await turn(hearing, pcm) == "no"
    finally:
        server.stop()
    assert [record.levelno for record in caplog.records if "recognizer server" in record.message] == [logging.WARNING]
    assert "不对" not in caplog.text


async def turn(hearing, pcm, kill=None):
    stream = hearing.open("yes_no")
    for number, at in enumerate(range(0, len(pcm), 320)):
        stream.feed(pcm[at: at + 320])
        await asyncio.sleep(0.005)
        if kill and number == 30:
            kill.process.send_signal(signal.SIGKILL)
    async with asyncio.timeout(8):
        return (await stream.finish()).best.value
