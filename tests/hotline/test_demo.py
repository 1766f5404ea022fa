"""`ivr demo --json`: people at phones who let each other finish, and a last line for machines."""

import asyncio
import json

import numpy as np
import pytest
import pytest_asyncio
from service import ENVIRONMENT, IVR
from voices import PLATE

from tts.audio import read_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEMOS = {
    "later": ["--owner", "later"],
    "elderly": ["--caller", "elderly"],
    "text": ["--later", "text"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tallies(words, tmp_path_factory):
    """The last lines of some demos, run at the same time, by name; each with its exit code and its folder."""
    async def run(name: str, options: list[str]):
        folder = tmp_path_factory.mktemp(name)
        demo = await asyncio.create_subprocess_exec(
            *IVR, "demo", "--json", "--plate", PLATE, "--data", str(folder), *options,
            env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
        try:
            out, _ = await asyncio.wait_for(demo.communicate(), 170)
        finally:
            if demo.returncode is None:
                demo.terminate()
        return name, (demo.returncode, json.loads(out.splitlines()[-1]), folder)

    return dict(await asyncio.gather(*(run(name, options) for name, options in DEMOS.items())))


async def test_the_owners_answer_comes_back_to_the_caller(tallies):
    code, tally, _ = tallies["later"]
    assert code == 0
    assert (tally["plate"], tally["matched"], tally["outcome"]) == (PLATE, True, "later")
    assert 0 < tally["seconds"]["answer_to_ringing"] < tally["seconds"]["total"]
    assert [turn["heard"] for turn in tally["turns"] if turn["side"] == "owner"][-1] == "later:10"


async def test_the_owners_phone_hears_where_the_car_stands_in_the_callers_own_words(tallies):
    _, tally, folder = tallies["later"]
    [kept] = folder.rglob(f"{tally['case']}-words.wav")
    words, heard = read_file(kept), read_file(next(folder.rglob("phones/owner.wav")))
    power = np.cumsum(np.concatenate(([0.0], heard.astype(np.float64)**2)))
    loudness = np.sqrt((power[len(words):] - power[:-len(words)]) * (words @ words))
    assert len(words) > 4000, "half a second of speech"
    assert np.max(np.correlate(heard, words, "valid") / (loudness + 1e-3)) > 0.9


async def test_an_old_person_is_put_through(tallies):
    code, tally, _ = tallies["elderly"]
    assert (code, tally["outcome"], tally["reason"], tally["matched"]) == (0, "person", "struggling", False)
    assert tally["seconds"]["answer_to_ringing"] is None


async def test_a_caller_who_does_not_wait_gets_word_later(tallies):
    code, tally, _ = tallies["text"]
    assert (code, tally["matched"], tally["outcome"]) == (0, True, "goes-on")
    assert {"caller", "owner"} == {turn["side"] for turn in tally["turns"]}, "the owner was reached after the caller hung up"


@pytest.mark.parametrize("name", DEMOS)
async def test_each_turn_says_what_was_heard_how_surely_and_how_soon(tallies, name):
    _, tally, _ = tallies[name]
    assert tally["case"] and tally["turns"]
    for turn in tally["turns"]:
        assert {"heard", "probability", "reply_ms"} <= turn.keys()
        assert turn["heard"] and 0 < turn["probability"] <= 1 and turn["reply_ms"] > 0
