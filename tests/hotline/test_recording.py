"""What a call's recording does where the disk will not take it."""

import asyncio
import logging

from hotline.desk.recording import CHUNK_FRAMES, Recorder
from ivr.call import Call


class SilentCall(Call):
    async def next(self): ...
    def play(self, pcm_8k, mark): ...
    def flush(self): ...
    async def answer(self): ...
    def bridge(self, other): ...
    def hangup(self): ...


async def test_a_full_disk_is_logged_once_and_costs_the_call_nothing(tmp_path, caplog):
    lost = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: lost.append(what))
    full = tmp_path / "call.wav"
    full.symlink_to("/dev/full")
    call = SilentCall("call")
    with caplog.at_level(logging.ERROR):
        async with Recorder(call, full):
            for _ in range(4 * CHUNK_FRAMES):
                for tap in call.taps:
                    tap(bytes(320), bytes(320))
    assert [record.message for record in caplog.records] == ["not_recorded"] and not lost
