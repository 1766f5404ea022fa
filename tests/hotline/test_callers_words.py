"""What callers said for the owner to hear is kept beside their recordings, by case."""

import pytest

from hotline.owners.callers_words import CallersWords, words_file
from tts.words import Words

EAST_GATE, WEST_GATE = Words(b"\1\0" * 800), Words(b"\2\0" * 800)


@pytest.fixture
def recordings(tmp_path):
    (tmp_path / "recordings").mkdir()
    return tmp_path / "recordings"


async def test_a_restarted_engine_has_what_was_said_before(recordings):
    await CallersWords().keep(recordings, "a", EAST_GATE)
    told = await CallersWords().first_of(recordings, ["a"])
    assert told.pcm_8k == EAST_GATE.pcm_8k


async def test_of_several_callers_for_one_car_the_first_who_said_anything_is_heard(recordings):
    words = CallersWords()
    await words.keep(recordings, "later", WEST_GATE)
    await words.keep(recordings, "earlier", EAST_GATE)
    assert (await words.first_of(recordings, ["silent", "earlier", "later"])).pcm_8k == EAST_GATE.pcm_8k
    assert await words.first_of(recordings, ["silent"]) is None


async def test_a_disk_that_refuses_costs_no_call_of_now(tmp_path, caplog):
    words, blocked = CallersWords(), tmp_path / "recordings"
    blocked.write_text("a file where the folder should be")
    await words.keep(blocked, "a", EAST_GATE)
    assert (await words.first_of(blocked, ["a"])).pcm_8k == EAST_GATE.pcm_8k
    assert [record.message for record in caplog.records] == ["words_not_kept"]


async def test_a_torn_file_is_no_words(recordings, caplog):
    words_file(recordings, "a").write_bytes(b"RIFF\0\0")
    assert await CallersWords().first_of(recordings, ["a"]) is None
    assert [record.message for record in caplog.records] == ["words_not_read"]
