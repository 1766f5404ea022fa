"""What people say and what it means, grammar by grammar, heard perfectly; and that all of it fits."""

import random
import time

import numpy as np
import pytest
from grammar_speech import clearly, units_said

from asr.grammars.grammar import Grammar
from asr.grammars.graph import compiled
from asr.search.decoder import decode
from plate_parser.amend import amended
from plate_parser.rules import classify

SAMPLES = {"plate": 1000, "yes_no": 700, "owner_answer": 700, "minutes": 700, "person": 300, "repeat": 300,
           "digits": 700, "digits(length=11)": 300, "digits(length=5-8)": 300, "phone": 700, "correction": 700,
           "readback": 700, "plate_rest": 300, "which(one=E;other=1)": 300, "which(one=赣;other=甘)": 300,
           "plate(home=赣K)": 700, "choice(park=停车|停车场;toilet=厕所|洗手间)+person": 300,
           "did_it_move": 300, "on_hold": 300, "wrong_car": 300, "why_stop": 300}
NODES_AT_MOST = {"plate": 4500, "correction": 5700, "readback": 6100, "plate_rest": 4500,
                 "which": 6600, "on_hold": 5000, "wrong_car": 5500, "owner_answer": 2350}
INTENTS = {"person", "emergency", "repeat", "elderly", "slower", "wait", "robot", "curse", "hello", "laugh",
           "no", "no_idea", "unreadable", "no_plate", "other_town", "two_cars", "cancel", "thanks", "child", "foreign", "other_matter", "police"}

_GRAMMARS: dict[str, Grammar] = {}


def grammar(name):
    return _GRAMMARS.setdefault(name, Grammar.load(name))


def meaning(name, text):
    """The value of a text that is said clearly; None where the grammar has no such sentence."""
    paths = decode(grammar(name).graph, clearly(units_said(text)), beam=200, count=40).paths
    best = next((path for path in paths if path.complete), None)
    return best.value if best and best.log_score > -70 else None


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_grammar_says_is_heard_as_it_was_meant(name):
    loaded, rng = grammar(name), random.Random(6)
    alike = tried = 0
    began = time.process_time()
    for _ in range(SAMPLES[name]):
        sentence = loaded.sample(rng)
        if "*" in sentence.units or len(sentence.units) > 40:
            continue
        tried += 1
        paths = [path for path in decode(loaded.graph, clearly(sentence.units), beam=200, count=40).paths
                 if path.complete]
        if paths[0].value != sentence.value:
            alike += 1                       # 贵 and 桂 sound the same: then both must be there
            assert any(path.value == sentence.value for path in paths), sentence
    assert alike <= 0.03 * tried
    assert time.process_time() - began < 30


@pytest.mark.parametrize("name", SAMPLES)
def test_the_weights_that_leave_a_state_are_probabilities(name):
    graph = grammar(name).graph
    sums = np.add.reduceat(np.exp(graph.log_weight.astype(float)), graph.first[:-1])
    assert np.abs(sums - 1).max() < 1e-3


@pytest.mark.parametrize("name", SAMPLES)
def test_a_compiled_grammar_is_small(name):
    assert len(grammar(name).graph.unit) <= NODES_AT_MOST.get(name.partition("(")[0], 1300)


PLATES = {
    "赣K一二三四五": "赣K12345", "江西的赣K幺两三四五": "赣K12345", "江西赣K洞拐勾四五": "赣K07945",
    "江西K一二三四五": "赣K12345", "K一二三四五": "赣K12345", "赣K点一二三四五": "赣K12345",
    "赣A B C 的 C 三个八幺两": "赣C88812", "赣K两个零三四五": "赣K00345", "赣K字母B一二三四": "赣KB1234",
    "赣K D一二三四五": "赣KD12345", "粤B F A一二三四": "粤BFA1234", "京A一二三四五D": "京A12345D",
    "赣K一二嗯三四五": "赣K12345", "赣K一二那个三四五": "赣K12345", "赣K一二然后三四五": "赣K12345",
    "那个我的车牌号是赣K一二三四五": "赣K12345", "赣K一二三四五谢谢": "赣K12345",
    "赣K一二不对赣K二一三四五": "赣K21345", "赣K一二三四五错了是赣K一二三四六": "赣K12346",
    "赣K一二三四学": "赣K1234学", "赣K一二三四警": "赣K1234警", "赣K A一二三挂": "赣KA123挂",
    "赣K一二三四试": "赣K1234试", "赣K一二三四超": "赣K1234超", "粤Z一二三四港": "粤Z1234港",
    "粤Z A一二三澳": "粤ZA123澳", "沪A一二三四领馆": "沪A1234领", "沪一二三四五领馆": "沪12345领",
    "使一二三四五六": "使123456", "一二三四五六使": "123456使", "赣X一二三四应急": "赣X1234应急",
    "W J赣一二三四五": "WJ赣12345", "武警一二三四五": "WJ12345", "民航A一二三四": "民航A1234",
    "内蒙古的蒙A一二三四五": "蒙A12345", "内蒙A一二三四五": "蒙A12345",
}


@pytest.mark.parametrize("text", PLATES)
def test_a_plate_said_in_any_usual_way(text):
    assert meaning("plate", text) == PLATES[text]


def test_every_plate_that_is_said_is_of_a_class_and_all_classes_are_said():
    loaded, rng, classes = grammar("plate"), random.Random(2), set()
    for _ in range(6000):
        value = loaded.sample(rng).value
        if value not in INTENTS:
            found = classify(value)
            assert found, value
            classes.add(found.name)
    assert {"ordinary", "new_energy_small", "new_energy_large", "police", "learner", "trailer", "emergency"} <= classes


def test_serials_are_as_they_are_issued():
    loaded, rng = grammar("plate"), random.Random(9)
    plates = [value for value in (loaded.sample(rng).value for _ in range(4000)) if value not in INTENTS]
    serials = [plate[2:] for plate in plates if classify(plate).name == "ordinary"]
    letters = [sum(character.isalpha() for character in serial) for serial in serials]
    assert 0.30 < letters.count(0) / len(letters) < 0.45 > letters.count(1) / len(letters) - 0.07
    assert letters.count(2) / len(letters) > 0.12 and max(letters) == 2
    assert not set("IO") & set("".join(serials))
    green = [plate[2] for plate in plates if classify(plate).name == "new_energy_small"]
    assert 0.65 < sum(first in "DF" for first in green) / len(green) < 0.85


def home_price(name, text):
    """Nats by which a plate of another province is less likely than the same of 赣K."""
    def score(said):
        paths = decode(grammar(name).graph, clearly(units_said(said)), beam=200, count=40).paths
        return next(path.log_score for path in paths if path.complete)
    return score("赣K一二三四五") - score(text)


def test_the_operators_own_city_is_likelier_at_a_modest_price_for_others():
    assert home_price("plate(home=)", "皖A一二三四五") == pytest.approx(0, abs=0.1)
    assert 1 < home_price("plate", "皖A一二三四五") < 4
    assert 3 < home_price("plate(home=赣K)", "皖A一二三四五") < 8
    assert meaning("plate(home=赣K)", "皖A一二三四五") == "皖A12345"
    assert meaning("plate(home=)", "K一二三四五") is None


SAYINGS = {
    "yes_no": {"嗯对的": "yes", "没错": "yes", "是这个车": "yes", "就是这个号": "yes", "好的谢谢": "yes", "你说得对": "yes",
               "不对不对": "no", "不是": "no", "你听错了": "no", "最后一个错了": "no", "好像不对": "no",
               "车卖了": "not_mine", "转人工": "person", "没听清": "repeat", "等一下": "wait", "说慢点": "slower"},
    "minutes": {"十来分钟": "10", "十几分钟": "15", "马上": "2", "一刻钟": "15", "半个小时": "30", "个把小时": "60",
                "五到十分钟": "10", "十到二十分钟": "20", "半个小时到一个小时": "60",
                "一会儿": "5", "二三十分钟": "30", "大概要二十分钟": "20", "五分钟左右": "5", "一个半小时": "90",
                "半个多小时": "40", "两三分钟": "3", "十五分钟就到": "15", "最多四十五分钟": "45", "十几二十分钟": "20",
                "二十多分钟": "25", "两个小时": "120"},
    "owner_answer": {"我马上来": "coming", "等我十来分钟": "later:10", "要一刻钟": "later:15", "还要个把小时": "later:60",
                     "不是我的车": "not_mine", "没空": "refuses", "我在国外": "refuses", "出国了": "refuses",
                     "我在过来的路上": "coming", "你是谁": "who",
                     "谁找我": "who", "什么事": "who", "过会儿再打": "call_later", "我在开会等会儿再打给我": "call_later",
                     "十分钟以后再打": "call_later:10", "别再打了": "no_calls", "你们不要再给我打电话了": "no_calls",
                     "转人工": "person", "车已经挪走了": "moved", "已经开走了": "moved", "还没有": "not_yet"},
    "did_it_move": {"车已经挪走了": "moved", "走了": "moved", "没有": "not_yet", "没有还在这里": "not_yet", "他没来": "not_yet",
                    "是的": "yes", "不是": "no", "是另一辆车": "another", "转人工": "person"},
    "digits": {"一二三": "123", "幺洞拐": "107", "三个八两个零一": "888001", "工号是八零零幺": "8001", "六六嗯七七": "6677"},
    "digits(length=4)": {"一二三四": "1234", "一二三": None, "一二三四五": None},
    "phone": {"幺三八零零幺三八零零零": "13800138000", "一三九三个八一二三四五": "13988812345",
              "我的电话是一五零嗯一二三四然后五六七八": "15012345678", "零七九零六四四幺二三四": "07906441234",
              "零一零八二三四五六七八": "01082345678", "六四四一二三四": "6441234", "幺二三四五": "12345",
              "一三八零零一三八": None},
    "correction": {"不是E是一": "swap:E=1", "第三位是五": "at:3=5", "第十二位是五": "at:12=5", "后面三个数是三四五": "end:345",
                   "最后一位是五": "end:5", "中间那个字母是B": "letter:B", "省份是皖": "start:皖",
                   "不对是赣K一二三四五": "赣K12345", "倒数第二位是七": "last:2=7", "少了一个五": "add:5",
                   "多了一个八": "drop:8", "是一不是七": "swap_back:1=7", "前面是赣A": "start:赣A",
                   "把三改成四": "swap:3=4", "不对是三四五六七": "end:34567", "转人工": "person"},
    "readback": {"对": "yes", "嗯没错": "yes", "不对": "no", "你听错了": "no", "第二位是E": "at:2=E",
                 "不对第二位是E": "at:2=E", "不是E是一": "swap:E=1", "赣K一二三四五": "赣K12345",
                 "不对是赣K一二三四五": "赣K12345", "你是机器人吗": "robot", "神经病": "curse", "喂": "hello",
                 "哈哈哈": "laugh", "等一下": "wait", "听不清": "slower", "我年纪大了": "elderly", "不用了": "cancel", "车开走了": "cancel",
                 "谢谢": "thanks", "对吗": "repeat", "是吗": "repeat", "对不对": "repeat", "是不是": "repeat", "你确定吗": "repeat",
                 "对不对不对": "no", "是的错了": "no", "不对不对是赣K一二三四五": "赣K12345", "错了错了是赣K一二三四五": "赣K12345"},
    "on_hold": {"车牌错了": "wrong_car", "不是这辆车": "wrong_car", "停停停别打了车牌错了": "wrong_car", "不是D是A": "wrong_car",
                "赣K一二三四五": "wrong_car:赣K12345", "不是赣K一二三四五是赣A一二三四五": "wrong_car:赣A12345", "别打了": "stop",
                "不用打了": "gone", "车已经走了": "gone", "好的谢谢": "nothing", "转人工": "person"},
    "which(one=E;other=1)": {"E": "E", "幺": "1", "是E": "E", "第一个": "E", "后一个": "1", "都不是": "no",
                             "第二个": "1", "后者": "1", "是前面那个": "E", "后面那个吧": "1", "两个都不对": "no",
                             "都不是是B": "here:B", "最后一位是六": "end:6", "不对第三位是八": "at:3=8",
                             "不对是赣K一二三四五": "赣K12345", "你是真人吗": "robot", "转人工": "person"},
    "which(one=赣;other=甘)": {"江西的赣": "赣", "甘肃的甘": "甘"},
    "plate_rest": {"一二三四五": "12345", "D一二三四五": "D12345", "K一二三四五": "K12345", "赣K一二三四五": "赣K12345"},
    "plate": {"我不知道车牌": "no_idea", "不知道": "no_idea", "车牌看不清": "unreadable", "还是看不清": "unreadable",
              "没有车牌": "no_plate", "是外地车": "other_town", "两辆车": "two_cars", "算了不用了": "cancel",
              "车已经挪走了": "cancel", "再见": "cancel", "谢谢": "thanks", "叔叔你好": "child", "会说英语吗": "foreign", "我要投诉": "other_matter", "帮我报警": "police",
              "赣K一二等一下": "wait", "哈哈哈": "laugh", "哈喽": "hello"},
    "no_longer": {"对": "yes", "不用了": "yes", "车走了": "yes", "再见": "yes", "不是": "no", "还要挪": "no", "人工": "person"},
    "repeat": {"再说一遍": "repeat", "听不懂": "slower", "慢一点": "slower", "人工": "person"},
    "person": {"我要人工": "person"},
}


@pytest.mark.parametrize("name, text", [(name, text) for name, said in SAYINGS.items() for text in said])
def test_what_people_say_means_what_they_mean(name, text):
    assert meaning(name, text) == SAYINGS[name][text]


def test_whatever_correction_is_said_can_be_applied():
    loaded, rng = grammar("correction"), random.Random(3)
    plates = [("赣KE2345", 0.6), ("赣K12345", 0.3), ("赣KD12345", 0.1)]
    for _ in range(600):
        value = loaded.sample(rng).value
        if value in INTENTS:
            continue
        changed = amended(value, plates)
        assert all(classify(plate) for plate, _ in changed)
        assert sum(share for _, share in changed) <= 1 + 1e-9


def test_another_pair_of_characters_is_compiled_without_the_plates_beside_them(monkeypatch):
    """The question is asked on the spot, and the 0.5 s that plates take to compile would be heard."""
    _ = Grammar.load("which(one=B;other=8)").graph            # what stands beside it is compiled now
    nodes = []

    def counted(*args):
        graph = compiled(*args)
        nodes.append(len(graph.unit))
        return graph

    monkeypatch.setattr("asr.grammars.grammar.compiled", counted)
    assert len(Grammar.load("which(one=D;other=0)").graph.unit) > NODES_AT_MOST["correction"] - 500
    assert len(nodes) == 1 and nodes[0] <= 1300               # as any grammar without plates


@pytest.mark.parametrize("said, more_follows", [("一二三", True), ("一二三四五六七八", False)])
def test_digits_that_may_go_on_leave_that_open(said, more_follows):
    """Of 3 to 8 digits three may be all; the search weighs both, eight are all there can be."""
    paths = decode(grammar("digits(length=3-8)").graph, clearly(units_said(said)), beam=200, count=40).paths
    whole = np.logaddexp.reduce([path.log_score for path in paths if path.complete])
    every = np.logaddexp.reduce([path.log_score for path in paths])
    assert (np.exp(whole - every) < 0.4) == more_follows
