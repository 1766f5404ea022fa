"""Three quarters of an hour of what is no plate: sentences in voices never trained on, music, tones and noise.

    python -m asr.training.foreign_set --kokoro .models/kokoro --out DIR

The sentences are none of those that are trained on; many are full of numbers and letters. One FLAC of
some minutes a voice and a kind of sound, for ``ivr bench false-plates DIR``; a file that is there is
not made again.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.line.effects import coloured, swell
from asr.training import phrases, speakable
from asr.training.kokoro import RATE, Kokoro
from asr.training.voices import HELD_OUT

OUT_RATE = 16000
SOUND_S = 120
SENTENCES = phrases.listed("""
我住在阳光花园三栋二单元五零四室|我的手机号码最后四位是七七八二|快递放在门口的柜子里取件码是六零三一|今天是十一月二十四号星期二|航班是三零五八晚上九点四十起飞
这个月的电费一共是两百一十三块六毛|身份证号码我不方便告诉你|麻烦你把温度调到二十六度|第三排第七个座位有人吗|我在五号线地铁站A出口等你|他考试得了九十八分全班第二
请大家在下午两点半之前到会议室|这台电脑用的是第七代处理器|我们公司在B座十二楼|一二三四五上山打老虎|医生说血压高压一百四低压九十|昨天的比分是三比二|酒店房间号是八一六
你帮我问问这个表格怎么填|小区的物业电话一直占线|路灯坏了三天了没有人来修|楼上半夜还在装修吵得睡不着|自来水早上起来是黄的|垃圾已经堆到路边上了|我的社保卡丢了怎么补办|孩子上小学需要哪些材料
公交车等了四十分钟还没来|广场舞的声音太大影响孩子写作业|工地晚上十一点还在施工|有个井盖没有了很危险|营业执照可以在网上办吗|我想咨询一下公积金贷款|老人的高龄补贴什么时候发|这条路什么时候能修好
停车场乱收费一个小时要十五块|前面堵车了大概还要半个钟头|你先别挂我找一下笔|喂你听得见我说话吗|刚才那个人把电话挂了|我不知道怎么说这个事情|能不能派个人过来看一看|那个司机态度非常不好
我买的空调用了两天就不制冷了|商家不肯退钱还骂人|超市里的牛奶过期了|网上订的票退不了|我被骗了三千八百块钱|请帮我转到公安局|小狗走丢了脖子上有个红色的牌子|图书馆星期一开不开门
春天来了花都开了|月亮从山后面慢慢升起来|我最喜欢吃外婆做的红烧肉|他从小就喜欢画画|下面播送天气预报|北风三到四级最低气温零下五度|明天白天多云转晴|欢迎乘坐本次列车|列车前方到站是南昌西站|请拿好您的行李物品从左边车门下车
您好欢迎致电中国移动|查询话费请按一办理业务请按二|人工服务请按零|对不起您的输入有误请重新输入|感谢您的耐心等待|目前坐席全忙请稍后再拨|本次通话可能会被录音|祝您生活愉快再见
爸你到哪里了饭都做好了|我跟你说你可别告诉别人|这件衣服有没有大一号的|哎呀我忘记带钥匙了|你等我下班再说吧|老师说明天要交作业|帮我带两瓶水上来|电梯又坏了只能爬楼梯|这个字怎么念|不用找零了|你说的是哪个路口
""".replace("\n", "|"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kokoro", type=Path, default=Path(".models/kokoro"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for make in (music, tones, street, coughs):
        path = options.out / f"sound-{make.__name__}.flac"
        if not path.exists():
            _write(path, make(np.random.default_rng(len(path.stem))))
    kokoro = Kokoro(options.kokoro, options.out)
    for voice in HELD_OUT:
        path = options.out / f"speech-{voice}.flac"
        if not path.exists():
            _write(path, spoken(kokoro, voice))


def spoken(kokoro: Kokoro, voice: str) -> np.ndarray:
    """All sentences by one voice, with pauses between as between turns."""
    rng, pieces = random.Random(voice), []
    for text in SENTENCES:
        phonemes = speakable.say_text(rng, text).phonemes
        said = kokoro.speak(phonemes, kokoro.voices[voice], rng.uniform(.85, 1.25))
        pieces += [soxr.resample(said, RATE, OUT_RATE), np.zeros(int(rng.uniform(1.3, 2.2) * OUT_RATE))]
    return np.concatenate(pieces)


def music(rng: np.random.Generator) -> np.ndarray:
    """Chords with a melody over them and a beat, as while one waits."""
    beat = int(.42 * OUT_RATE)
    time = np.arange(beat) / OUT_RATE
    out = []
    for _ in range(int(SOUND_S / .42 / 4)):
        root = 110 * 2 ** (rng.choice([0, 5, 7, 9, 2]) / 12)
        for step in range(4):
            notes = [root * 2 ** (each / 12) for each in (0, 4, 7)] + [root * 4 * 2 ** (rng.choice([0, 2, 4, 7, 9]) / 12)]
            tone = sum(np.sin(2 * np.pi * note * k * time) / k ** 1.5 for note in notes for k in (1, 2, 3, 4))
            thump = coloured(rng, beat, .8) * np.exp(-time * 30) * (1 if step % 2 else .4)
            out.append(tone * np.exp(-time * rng.uniform(1, 4)) / 8 + thump)
    return np.concatenate(out)


def tones(rng: np.random.Generator) -> np.ndarray:
    """Ring-back, busy, keys and fax, each with quiet after it."""
    return np.concatenate([part for _ in range(16) for part in _some_tones(rng)])[: SOUND_S * OUT_RATE]


def _some_tones(rng: np.random.Generator) -> Iterator[np.ndarray]:
    quiet = np.zeros(int(1.5 * OUT_RATE))
    yield _sine(1.0, 450)
    yield quiet
    for _ in range(4):
        yield _sine(.35, 450)
        yield np.zeros(int(.35 * OUT_RATE))
    yield quiet
    for _ in range(int(rng.integers(4, 12))):
        yield _sine(.1, rng.choice((697, 770, 852, 941))) + _sine(.1, rng.choice((1209, 1336, 1477)))
        yield np.zeros(int(.1 * OUT_RATE))
    yield quiet
    yield _sine(.5, 1100)
    yield quiet


def _sine(seconds: float, hertz: float) -> np.ndarray:
    return .3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * OUT_RATE)) / OUT_RATE)


def street(rng: np.random.Generator) -> np.ndarray:
    """Traffic that swells, engines, a horn now and then."""
    count = SOUND_S * OUT_RATE
    heard = coloured(rng, count, 1.0) * swell(rng, count)
    for start in rng.integers(0, count - OUT_RATE, 20):
        heard[start: start + OUT_RATE // 2] += 2 * (_sine(.5, 420) + _sine(.5, 525))
    return heard


def coughs(rng: np.random.Generator) -> np.ndarray:
    """Short bursts of noise with quiet after each: coughs, knocks, breath into the microphone."""
    out = []
    while sum(map(len, out)) < SOUND_S * OUT_RATE:
        count = int(rng.uniform(.08, .5) * OUT_RATE)
        out += [coloured(rng, count, rng.uniform(.2, 1)) * np.hanning(count), np.zeros(int(1.5 * OUT_RATE))]
    return np.concatenate(out)


def _write(path: Path, samples: np.ndarray) -> None:
    samples = samples / (np.abs(samples).max() + 1e-9) * .7
    partial = path.with_name(f"partial-{path.name}")
    soundfile.write(partial, samples, OUT_RATE, subtype="PCM_16", format="FLAC")
    partial.rename(path)
    print(f"{path}: {len(samples) / OUT_RATE / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
