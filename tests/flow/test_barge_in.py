"""The caller speaks over a prompt: a true voice, true voice activity, the bot's echo on the line."""

import asyncio
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from asr.listening.endpointing import Profile
from asr.listening.onset import swells
from asr.recognizer import Hypothesis, Result
from hotline.bench.made_sounds import click, cough, door, pcm
from ivr.call import Call, PlayedOut
from ivr.echo import EchoGate
from ivr.sip.play_buffer import SILENCE, PlayBuffer
from ivr.turn import Listening, exchange
from tts.caller_voice import say
from tts.errors import TtsError
from tts.prompts import PromptLibrary

ROOT = Path(__file__).resolve().parents[2]
PROMPT = PromptLibrary.load(ROOT / "flows/prompts").render("readback", {"plate": "赣KA1234"}).pcm_8k
ECHO = 0.1                      # −20 dB
YES = Result((Hypothesis("对", "yes", 0.9, (), True),), False, 500)
PLATE = Result((Hypothesis("赣KA1234", "赣KA1234", 0.9, (), True),), False, 500)
NOTHING = Result((), True, 100)


def spoken():
    """A person's sentence, from its first sound on."""
    samples, rate = soundfile.read(ROOT / "asr/data/check.flac")
    samples = soxr.resample(samples, rate, 8000)
    began = np.argmax(np.abs(samples) > 0.05 * np.abs(samples).max())
    return pcm(0.3 * samples[began:] / np.abs(samples).max())


class EchoingCall(Call):
    """Plays what it is told; hears the caller and the bot's own echo over an A-law line.

    `clipped`: the loudest sample that the far end's loudspeaker can give; `moves_at_ms`: from when on the
    echo comes a frame later.
    """

    def __init__(self, sound=b"", at_ms=2000, echo=ECHO, delay_ms=250, clipped=32768, moves_at_ms=None):
        super().__init__("call")
        self.sent, self.buffer = bytearray(bytes(16 * delay_ms)), PlayBuffer()
        self.quiet_at_ms = []
        self._caller = bytes(16 * at_ms) + sound
        self._echo, self._clipped, self._moves_at_ms = echo, clipped, moves_at_ms

    async def next(self):
        await asyncio.sleep(0)
        if not self._inbox:
            sent = self.buffer.next_frame() or SILENCE
            self.sent += sent
            at = self.now_ms * 16
            mine = np.frombuffer(self._caller[at: at + 320].ljust(320, b"\0"), "<i2").astype(float)
            if self.now_ms == self._moves_at_ms:
                self.sent[at: at] = bytes(320)
            back = np.frombuffer(bytes(self.sent[at: at + 320]).ljust(320, b"\0"), "<i2").clip(-self._clipped, self._clipped)
            self._put_frame(alaw(mine + self._echo * back), sent)
            for mark, dropped in self.buffer.take_done():
                self._put(PlayedOut(mark, dropped))
        return self._take()

    def play(self, pcm_8k, mark):
        self.buffer.queue(pcm_8k, mark)

    def flush(self):
        self.quiet_at_ms.append(self.now_ms)
        self.buffer.flush()

    async def answer(self): ...
    def bridge(self, other): ...
    def hangup(self): ...


def alaw(samples):
    store = io.BytesIO()
    soundfile.write(store, np.clip(samples / 32768, -1, 1), 8000, format="RAW", subtype="ALAW")
    store.seek(0)
    return pcm(soundfile.read(store, samplerate=8000, channels=1, format="RAW", subtype="ALAW")[0])


class Ears:
    """Hears what it was told; keeps the audio."""

    def __init__(self, *results):
        self.results, self.heard = list(results), []

    def open(self, grammar, rate):
        self.heard.append(bytearray())
        return self

    def feed(self, pcm_8k):
        self.heard[-1].extend(pcm_8k)

    async def look(self):
        return self.results[0] if len(self.results) == 1 else self.results.pop(0)

    finish = look


async def turn(call, ears, **how):
    async with asyncio.timeout(20):
        listening = Listening("yes_no", Profile(no_input_ms=1000, quiet_ms=700), **how)
        return await exchange(call, PROMPT, "mark", listening, ears)


@pytest.mark.parametrize("delay_ms", [40, 120, 250])
@pytest.mark.parametrize("echo", [0.0, ECHO])
async def test_the_bot_falls_silent_soon_after_the_first_sound(echo, delay_ms):
    call = EchoingCall(spoken(), echo=echo, delay_ms=delay_ms)
    heard = await turn(call, Ears(PLATE))
    assert heard.interrupted and heard.kind == "match"
    assert 2000 < call.quiet_at_ms[0] <= 2100


@pytest.mark.parametrize("delay_ms", [40, 120, 300])
async def test_a_soft_voice_stops_the_bot_too_over_its_echo(delay_ms):
    soft = pcm(0.25 * np.frombuffer(spoken(), "<i2") / 32768)
    call = EchoingCall(soft, at_ms=2500, delay_ms=delay_ms)
    heard = await turn(call, Ears(PLATE))
    assert heard.interrupted and heard.kind == "match"
    assert 2500 < call.quiet_at_ms[0] <= 2620


@pytest.mark.parametrize("how", [{"clipped": 2000}, {"moves_at_ms": 2000}, {"echo": 0.15}])
@pytest.mark.parametrize("delay_ms", [20, 130, 300])
async def test_an_echo_that_rattles_or_moves_does_not_interrupt_the_bot(how, delay_ms):
    call, ears = EchoingCall(delay_ms=delay_ms, **how), Ears(YES)
    heard = await turn(call, ears)
    assert heard.kind == "no_input" and not call.quiet_at_ms and not ears.heard


@pytest.mark.parametrize("delay_ms", [40, 120, 250])
async def test_its_own_echo_does_not_interrupt_the_bot(delay_ms):
    call, ears = EchoingCall(delay_ms=delay_ms), Ears(YES)
    heard = await turn(call, ears)
    assert heard.kind == "no_input" and not call.quiet_at_ms and not ears.heard


@pytest.mark.parametrize("sound", [click, door])
@pytest.mark.parametrize("seed", range(4))
async def test_a_click_or_a_door_does_not_interrupt(sound, seed):
    call = EchoingCall(sound(seed))
    heard = await turn(call, Ears(NOTHING))
    assert heard.kind == "no_input" and not call.quiet_at_ms


@pytest.mark.parametrize("seed", range(8))
async def test_after_a_cough_the_whole_prompt_was_still_said(seed):
    call = EchoingCall(cough(seed))
    heard = await turn(call, Ears(NOTHING))
    assert heard.kind == "no_input"
    said = bytes(call.sent)
    tail = PROMPT.rstrip(b"\0")[-3200:]
    assert tail[: len(tail) // 2 * 2] in said


async def test_who_rests_within_what_is_not_understood_has_spoken_all_the_same():
    part = spoken()[: 16 * 1100]
    heard = await turn(EchoingCall(part + bytes(16 * 300) + part), Ears(NOTHING))
    assert heard.kind == "no_match" and heard.interrupted


async def test_what_was_said_over_the_prompt_is_heard_whole_and_the_echo_is_not():
    sound = spoken()
    call, ears = EchoingCall(sound, echo=ECHO), Ears(PLATE)
    await turn(call, ears)
    heard = np.frombuffer(bytes(ears.heard[0]), "<i2").astype(float)
    mine = np.frombuffer(sound, "<i2")[: 8 * 200].astype(float)        # its first 200 ms
    at = int(np.argmax(np.correlate(heard, mine, "valid")))
    part = heard[at: at + len(mine)]
    assert np.corrcoef(part, mine)[0, 1] > 0.9
    before = heard[: max(at - 8 * 120, 0)]
    assert not before.any()


@pytest.mark.parametrize("word", ["是", "嗯"])
@pytest.mark.parametrize("after_ms", [-600, 400])
async def test_a_short_word_is_heard_over_the_end_of_the_prompt_and_after_it(word, after_ms):
    """Voice activity alone takes these for no speech."""
    try:
        sound = say(word, "zm_yunxi")
    except TtsError as error:
        pytest.skip(f"nobody can speak here: {error}")
    heard = await turn(EchoingCall(sound, at_ms=len(PROMPT) // 16 + after_ms, echo=0.0), Ears(YES))
    assert heard.best.value == "yes"


async def test_a_yes_from_before_the_question_is_not_its_answer():
    call, ears = EchoingCall(spoken()[:16 * 400], at_ms=200, echo=0.0), Ears(YES)
    heard = await turn(call, ears)
    assert heard.kind == "no_input" and len(ears.heard) == 1
    late = EchoingCall(spoken()[:16 * 400], at_ms=len(PROMPT) // 16 - 400, echo=0.0)
    assert (await turn(late, Ears(YES))).best.value == "yes"


async def test_a_prompt_may_be_protected_for_a_time_or_whole():
    call = EchoingCall(spoken(), at_ms=300)
    assert (await turn(call, Ears(PLATE), barge_in_after_ms=1500)).kind == "match"
    assert call.quiet_at_ms[0] >= 1500
    call = EchoingCall(spoken()[:16 * 800], at_ms=300)
    assert (await turn(call, Ears(PLATE), barge_in=False)).kind == "no_input"
    assert not call.quiet_at_ms


def test_the_echo_is_taken_out_and_the_caller_left_in():
    bot, gate = np.frombuffer(PROMPT, "<i2").astype(float), EchoGate()
    line = ECHO * np.concatenate([np.zeros(8 * 90), bot])
    said = spoken()
    at = 160 * 125
    alone = np.frombuffer(said[:3200], "<i2").astype(float)
    line[at: at + len(alone)] += alone
    left = b"".join(gate.caller_in(alaw(line[place: place + 160]), bot[place: place + 160].astype("<i2").tobytes())
                    for place in range(0, at + len(alone), 160))
    left = np.frombuffer(left, "<i2").astype(float)[at:]
    assert np.corrcoef(left, alone)[0, 1] > 0.98


def hiss(share):
    """20 ms of noise, so loud; no filter can foretell one from another."""
    return pcm(0.3 * share * NOISE.standard_normal(160))


NOISE = np.random.default_rng(1)


def test_a_caller_who_talks_over_the_bot_teaches_it_no_echo():
    gate = EchoGate()
    for _ in range(100):
        gate.caller_in(hiss(0.005), hiss(1))
    assert any(gate.caller_in(hiss(0.04), hiss(1)))          # a soft voice passes where little comes back
    for _ in range(30):
        gate.caller_in(hiss(0.15), hiss(1))                  # 0.6 s of double talk
    assert not any(gate.caller_in(hiss(0.04), hiss(1)))
    gate.was_speech(31 * 20)
    assert any(gate.caller_in(hiss(0.04), hiss(1)))


@pytest.mark.parametrize("sound, speech", [(spoken, True), (lambda: cough(0), False), (lambda: door(0), False)])
def test_a_sound_that_swells_is_told_from_one_that_begins_with_its_loudest(sound, speech):
    samples = np.frombuffer(sound(), "<i2").astype(np.float32)[: 80 * 8]
    levels = np.sqrt(np.mean(samples.reshape(-1, 80) ** 2, axis=1))
    assert any(swells(levels[:end]) for end in range(1, 9)) == speech
