"""Whole sentences, told by a model that was learned from sentences whose kind is known."""

from collections import Counter

import numpy as np
import pytest

from dialer.answer.learn import HERE, learn, sentences
from dialer.answer.sentences import SentenceModel, sentence_model
from dialer.answer.syllables import syllables_of
from dialer.answer.verdict import KINDS, OUTCOMES, PERSON, UNDER_WAY
from dialer.answer.written import WHOLE, said_in


@pytest.mark.parametrize(("text", "early", "kind"), [
    ("该客户的手机电量耗尽，已经自动关机，请您换个时间联系", True, "off"),
    ("您要找的这位用户已经把号码销掉了", True, "no-such-number"),
    ("您好，这里是通话小帮手，他没空接听，您可以把事情告诉我，我会整理给他", False, "assistant"),
    ("我是王师傅，听到这段录音说明我没接到，滴一声以后说吧", False, "voicemail"),
])
def test_a_machine_is_known_by_its_whole_sentence_where_no_phrase_of_it_is_listed(text, early, kind):
    assert said_in(text, early, unbroken=False).kind == kind


@pytest.mark.parametrize("text", [
    "我手机刚才没电关机了，才充上，你哪位", "他手机停机了，你打这个号码我转给他", "我在电梯里信号不好，你等一下再打",
    "您好，这里是福田汽修，老板出去了，您有什么事可以跟我讲", "我不是机器人，你才是机器人",
    "您好，工号零四四为您服务，请问有什么可以帮您", "您好，空号零四四为您服务，请问有什么可以帮您",   # one greeting, well heard and misheard
])
def test_a_person_who_speaks_of_switched_off_phones_stays_a_person(text):
    assert said_in(text, early=False, unbroken=False).kind == ""


@pytest.mark.parametrize("text", ["感谢致电光明灯饰，我们专业生产各类灯具，电话正在接通", "大河向东流啊，天上的星星参北斗啊"])
def test_an_advert_or_a_song_is_music_while_it_rings_and_makes_no_machine_of_who_answered(text):
    assert said_in(text, early=True, unbroken=False).kind in UNDER_WAY
    assert said_in(text, early=False, unbroken=True).kind in ("", *UNDER_WAY)


@pytest.mark.parametrize(("text", "kind"), [
    ("您拨打的用户正在通话中，秘书台会把您的来电告诉机主", "busy"), ("您拨打的用户已关机，我们会通知机主，感谢使用来电助手", "off"),
])
def test_before_the_answer_a_network_that_names_the_owner_or_a_secretary_is_no_assistant(text, kind):
    assert said_in(text, early=True, unbroken=True).kind == kind


def test_what_is_called_by_its_whole_sentence_says_so_and_not_what_was_said():
    said = said_in("您要找的这位用户已经把号码销掉了", early=True, unbroken=False)
    assert said.phrase == WHOLE


def test_the_shipped_model_knows_the_sentences_that_it_was_learned_from():
    model, right, total = sentence_model(), 0, Counter()
    for kind, said in sentences(sorted(HERE.parent.glob("sentences*.yaml"))):
        shares = model.shares(said)
        total[kind] += 1
        right += max(shares, key=shares.get) == kind
    assert right / total.total() > 0.97
    assert {PERSON, *OUTCOMES} - {"fax"} <= set(total) <= set(KINDS)


def test_the_same_sentences_teach_the_same_and_what_is_stored_is_what_was_learned(tmp_path):
    known = [(kind, syllables_of(text)) for kind, text in (
        ("off", "您拨打的电话已关机"), ("off", "用户手机关机了"), ("busy", "您拨打的电话正在通话中"), ("busy", "用户正忙"))]
    first, again = learn(known), learn(known)
    assert np.array_equal(first.weights, again.weights)
    first.save(tmp_path / "model.npz")
    stored = sentence_model(tmp_path / "model.npz")
    assert isinstance(stored, SentenceModel) and stored.runs == first.runs
    shares = stored.shares(syllables_of("手机关机"))
    assert sum(shares.values()) == pytest.approx(1) and max(shares, key=shares.get) == "off"


def test_a_sentence_of_sounds_that_were_never_learned_is_told_by_none():
    assert said_in("啦啦啦啦啦啦", early=False, unbroken=False).kind == ""
