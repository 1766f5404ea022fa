"""What a caller says for somebody else to hear: no number, cut and evened; a voice is synthesised."""

import numpy as np
import pytest
import pytest_asyncio

from asr.pool import RecognizerPool
from ivr.own_words import LONGEST_MS, Refused, own_words
from tts import audio
from tts.caller_voice import say
from tts.words import Words

pytestmark = pytest.mark.asyncio(loop_scope="module")
VOICES = ("zf_xiaoyi", "zm_yunxi")
PLACES = ("在人民公园东门口，靠近第二个车位。", "我在三号楼一单元楼下，车库出口这里。")
NUMBERS = ("我的电话是幺三九七零零幺二三四五。", "你让他打，一三八，八八八八，零二一七。")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears():
    async with RecognizerPool(1) as pool:
        yield pool


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("place", PLACES)
async def test_a_place_is_passed_on_with_the_numbers_that_houses_have(ears, place, voice):
    pcm = bytes(8000) + say(place, voice) + bytes(8000)
    words = await own_words(pcm, 2500, ears)
    assert isinstance(words, Words) and len(words.pcm_8k) < len(pcm) - 8000, "silence at the ends is cut"


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("number", NUMBERS)
async def test_what_may_be_a_telephone_number_is_not_passed_on(ears, number, voice):
    assert await own_words(say(number, voice), 3000, ears) == Refused("number")


async def test_a_word_or_two_are_not_worth_passing_on(ears):
    assert await own_words(say("喂。", VOICES[0]), 300, ears) == Refused("short")


async def test_a_long_talk_is_cut_where_it_rests_and_made_as_loud_as_the_bot(ears):
    sentence = audio.from_pcm(say("车停在人民公园东门口。", VOICES[0])) * 0.1
    rest = np.zeros(2400, sentence.dtype)
    words = await own_words(audio.to_pcm(np.concatenate([sentence, rest] * 8)), 9000, ears)
    sound = audio.from_pcm(words.pcm_8k)
    assert 2000 < len(sound) / 8 <= LONGEST_MS
    assert audio.speech_rms(sound, 8000) > 3 * audio.speech_rms(sentence, 8000)
