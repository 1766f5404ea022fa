"""Who answered, by what free speech was written down as: phrases by their sound, a judge that asks for a text, and what
each machine means for the next attempt."""

import math

import pytest

from asr.recognizer import Hypothesis, Result
from dialer.answer.judge import Judge
from dialer.answer.verdict import KINDS, OUTCOMES, PERSON, Verdict
from dialer.answer.written import said_in
from dialer.queue.attempts import AttemptPolicy
from tts import caller_voice
from tts.errors import TtsError

FRAME = 320


@pytest.mark.parametrize(("text", "kind"), [
    ("您好您胡椒的电话与关节。", "off"),                      # 您好，您呼叫的电话已关机 as Whisper spells it
    ("对不起您拨打的浩妈一听起", "suspended"),
    ("对不起您剥打的浩马是空号,请何对后再剥。", "no-such-number"),
    ("对不起您拨打的用户不再服务去。", "out-of-area"),
    ("您好您播打的用户已开通来电限制暂时无法接听您的电话。", "unreachable"),
    ("您拨打的用户一起用呼叫转移,正在为您转接,请稍后。", "forwarded"),
    ("请不要挂机,您播打的电话正在通话中。", "waiting"),
    ("对方在通话,请你稍等片刻不要挂的", "waiting"),
    ("您好您胡教的用户正在接另一个电话请在线等后", "waiting"),
    ("对方同化中请稍后重播", "busy"),
    ("您播打的电话无法接听,请在敌的一声之后留下您的性命和电话。", "voicemail"),
    ("您好,我是基主的智能助理,请问您有什么事。", "assistant"),
    ("您好,这里是智能代替服务,请说出您的来义,我会及时通知基主。", "assistant"),
])
def test_a_machines_sentence_is_known_however_it_is_spelled(text, kind):
    assert said_in(text, early=False, unbroken=True).kind == kind


@pytest.mark.parametrize("text", [
    "我刚才手机关机了,才看到你的电话,你找我什么事", "我的电话之前停机了,今天才交的费", "为我现在正在通话中等会儿给你回过去好吧",
    "他出门了没戴手机,我是他儿子,你有事的话我帮你告诉他。", "你不是那个智能机器人把天天给我打电话?",
    "他现在不方便接电话,我是他爱人,你有什么事跟我说吧,我转告他。", "您好阳光物业客服中心请问有什么可以帮您",
    "您好，空号零五二七，很高兴接听您的来电，请问怎么称呼您", "感谢您的来电,请问怎么称呼您",
])
def test_a_person_may_say_what_announcements_say(text):
    assert said_in(text, early=False, unbroken=True).kind == ""


def test_what_a_person_might_say_counts_in_one_long_breath_only():
    greeting = "我现在走不开,你给我留个话吧。"
    assert said_in(greeting, early=False, unbroken=False).kind == ""
    assert said_in(greeting, early=False, unbroken=True).kind == "voicemail"


def test_before_the_answer_no_person_speaks_so_the_words_alone_are_enough():
    assert said_in("网络忙请稍后再播", early=True, unbroken=False).kind == "congestion"
    assert said_in("喂", early=True, unbroken=False) is None


@pytest.fixture(scope="module")
def spoken():
    try:
        return caller_voice.say("我刚才手机关机了，才看到你的电话。", "zf_xiaobei") + bytes(2 * 8000)
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")


def judged(pcm: bytes, words: str, text: str | None):
    """The verdict where looks hear the machine `words`, and what is written down is `text`, or nobody writes."""
    judge = Judge(early=False, writes=text is not None)
    heard = Result((Hypothesis("您拨打的用户已关机", words, 0.9),), False, 2000)
    for at in range(0, len(pcm) - FRAME + 1, FRAME):
        judge.feed(pcm[at: at + FRAME])
        if judge.due() is not None:
            judge.take(heard)
        if judge.due_text() is not None:
            judge.take_text(text)
    return judge.verdict


def test_a_text_outweighs_words_that_were_spotted(spoken):
    assert judged(spoken, "off", None).kind == "off"
    assert judged(spoken, "off", "我刚才手机关机了才看到你的电话").kind == "person"
    told = judged(spoken, "off", "对不起您拨打的用户已停机")
    assert told.kind == "suspended" and told.reasons[0] == "said: 停机"


def test_a_text_that_tells_only_that_it_is_an_announcement_leaves_the_kind_that_was_spotted(spoken):
    assert judged(spoken, "off", "您所拨叫的用户呜呜呜呜").kind == "off"


def test_words_stand_where_nothing_could_be_written_down(spoken):
    assert judged(spoken, "off", "").kind == "off"


def test_a_machine_is_told_by_its_text_alone(spoken):
    assert judged(spoken, "other", "您好这里是智能代接服务请说出您的来意").kind == "assistant"


@pytest.mark.parametrize(("kind", "wait_s"), [
    ("busy", 60), ("congestion", 900), ("unreachable", 900), ("out-of-area", 900), ("off", 900), ("no-answer", 300),
    ("voicemail", 300), ("assistant", 300), ("no-such-number", math.inf), ("suspended", math.inf), ("fax", math.inf),
])
def test_what_a_machine_is_says_when_its_number_is_tried_again(kind, wait_s):
    assert AttemptPolicy().wait_s(Verdict(kind, 0.9, (), 0).outcome) == wait_s


def test_every_kind_of_machine_has_its_spacing_and_none_of_a_call_under_way_ends_it():
    assert all(Verdict(kind, 0.9, (), 0).final == (kind in OUTCOMES) for kind in KINDS)
    assert not {PERSON, "ringing", "music", "waiting", "forwarded"} & OUTCOMES.keys()
