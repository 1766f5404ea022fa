"""What every kind of call promises a conversation."""

import asyncio

import pytest

from ivr.call import Call

FRAME = bytes(320)


class StillCall(Call):
    """A call whose frames the test puts in."""

    async def answer(self) -> None: ...
    def play(self, pcm_8k, mark) -> None: ...
    def flush(self) -> None: ...
    def bridge(self, other) -> None: ...
    def hangup(self) -> None: ...

    def arrive(self) -> None:
        self._put_frame(FRAME, FRAME)


@pytest.mark.parametrize("steps", range(5))
async def test_a_listener_who_is_stopped_as_a_frame_comes_is_stopped(steps):
    call = StillCall("still")
    listening = asyncio.create_task(call.next())
    await asyncio.sleep(0.01)
    call.arrive()
    for _ in range(steps):
        await asyncio.sleep(0)
    if listening.cancel():
        with pytest.raises(asyncio.CancelledError):
            await listening
