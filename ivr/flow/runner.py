"""Walks one call through a flow: says, hears, acts, and follows what the flow says comes next."""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import count

from asr.pool import RecognizerPool
from asr.recognizer import Hypothesis, Result
from ivr.call import CallItem, HungUp, Key, PlayedOut
from ivr.flow.conversation import PLACE, Action, Conversation, Ending, filled
from ivr.flow.expression import Scope
from ivr.flow.limiting import Limiter, TooLong
from ivr.flow.model import WORDS, Aside, Flow, Listen, State
from ivr.flow.values import fits
from ivr.flow.wording import Wording
from ivr.hold_listener import HoldListener
from ivr.own_words import Refused
from ivr.pace import Pace
from ivr.reply_meter import ReplyMeter
from ivr.turn import Heard, exchange, play_out
from tts.prompts import PromptLibrary, Speech
from tts.words import Words

log = logging.getLogger(__name__)

TALK_MS = 3500
"""Sound for so long that held nothing that was asked for is other people's talk, not an answer."""
BREATH = bytes(8 * 2 * 250)
"""Between the answer to an aside and the question."""
MOST_STEPS = 100
"""A flow that goes through so many states without asking anything goes round in a circle."""


class LedAway(Exception):
    """An event in a sub-flow that only a flow above leads on from."""

    def __init__(self, event: str):
        super().__init__(event)
        self.event = event


class Runner:
    """One conversation. `run` returns its ending and never raises for what a call can do."""

    def __init__(
        self,
        flow: Flow,
        conversation: Conversation,
        voice: PromptLibrary,
        ears: RecognizerPool,
        actions: Mapping[str, Action],
        above: "Runner | None" = None,
    ):
        """`above` runs this flow as a part of its own: the call goes on when this one ends."""
        self.flow, self.conversation = flow, conversation
        conversation.kinds = flow.values
        self.voice, self.ears, self.actions = voice, ears, actions
        self.call, self.log = conversation.call, conversation.log
        self._visits: Counter[str] = Counter()
        self._steps = 0
        self._above = above
        self._limiter = Limiter(flow.limits, lambda: self.call.now_ms, above._limiter if above else None)
        self._pace = above._pace if above else Pace(flow.struggle, conversation.signals)
        self._wording = Wording(voice, conversation.values, self._pace, conversation.log)
        self._asides: Counter[str] = Counter()
        self._misses = 0
        self._in_trouble = False
        self._marks = 0
        self._pressed: asyncio.Future[str] | None = None
        self._hold: HoldListener | None = None
        self._everywhere: set[str] = {*flow.always, *(above._everywhere if above else ())}
        self._global_keys = {event.removeprefix("key ") for event in self._everywhere if event.startswith("key ")}
        self._meter = ReplyMeter(self.call, lambda ms: self.log("reply", ms=ms))

    async def run(self) -> Ending:
        """Walk from the start state to an end."""
        self.log("flow", name=self.flow.name, version=self.flow.version)
        name = self.flow.start
        while True:
            state = self.flow.states[name]
            try:
                state = self.flow.states[self._limited(name)]
                self.log("state", name=state.name)
                self.conversation.branch_if_hung_up = ""
                self._count_step(state)
                name = await self._visit(state)
            except HungUp as gone:
                return self._hung_up(state, gone)
            except (LedAway, TooLong):
                raise
            except Exception as error:
                log.exception("state %s failed", state.name)
                self.log("trouble", state=state.name, error=type(error).__name__)
                if self._in_trouble or "trouble" not in self.flow.always:
                    return Ending("failed", state.name)
                self._in_trouble = self._wording.lenient = True
                self._steps = 0
                name = self.flow.always["trouble"]
                continue
            if state.end:
                return Ending(state.end, state.name)

    def _hung_up(self, state: State, gone: HungUp) -> Ending:
        self.log("hung_up", state=state.name, code=gone.code, by=gone.by)
        if state.end:
            return Ending(state.end, state.name, hung_up=True)
        if gone.by == "worker-lost":
            return Ending("interrupted", state.name)
        branch = self.conversation.branch_if_hung_up or "hang_up"
        name = state.next.get(branch) or self.flow.always.get("hang_up", "")
        end = self.flow.states[name].end if name else ""
        return Ending(end or "hung-up", name or state.name, hung_up=True)

    def _count_step(self, state: State) -> None:
        self._steps = 0 if state.listen else self._steps + 1
        if self._steps > MOST_STEPS:
            raise RuntimeError(f"{MOST_STEPS} states without a question: the flow goes round in a circle")

    def _limited(self, name: str) -> str:
        """The state to enter instead, where a limit on visits, turns or time is passed. Raises `TooLong`."""
        if self.flow.states[name].listen and self._limiter.stops_question():
            return self.flow.limits.then
        name = self._spent(name)
        if self.flow.states[name].listen and (person := self._given_up()):
            return person
        self._visits[name] += 1
        return name

    def _spent(self, name: str) -> str:
        """The state that follows those that were entered as often as they may be."""
        passed: set[str] = set()
        while (visits := self.flow.states[name].visits) and self._visits[name] >= visits.at_most:
            if name in passed:
                raise RuntimeError(f"the visits of state '{name}' lead back to it")
            passed.add(name)
            name = visits.then
        return name

    def _given_up(self) -> str:
        """Where a caller who does not cope, or was not understood too often, goes; "" to go on."""
        limits = self.flow.limits
        if self._pace.needs_person and "struggling" in self._everywhere:
            self.log("struggles", score=self._pace.score, signals=list(self.conversation.signals))
            return self._led("struggling")
        return limits.after_misses if limits.misses and self._misses >= limits.misses else ""

    async def _visit(self, state: State) -> str:
        """Live one state; returns the next one's name ("" where the state ends the call)."""
        for value, expression in state.set.items():
            self.conversation.values[value] = str(expression.evaluate(self._scope()))
        speech = await self._wording.speech(state.say, self._visits[state.name])
        if state.listen:
            return await self._listen(state, speech)
        if state.action:
            return await self._act(state, speech)
        key = await self._say(speech, () if state.end else self._global_keys) if speech else None
        if key:
            return self._led(f"key {key.key}")
        if state.end:
            if not self._above:
                self.call.hangup()
            return ""
        if state.run:
            return await self._run_subflow(state)
        if state.choices:
            return self._chosen(state)
        if state.choose:
            return self._follow(state, "given" if self.conversation.values.get(state.choose) else "missing")
        return self._follow(state, "done")

    def _led(self, event: str) -> str:
        """The state to which an event leads from everywhere in this flow. Raises `LedAway` to one above."""
        if event not in self.flow.always:
            raise LedAway(event)
        return self.flow.always[event]

    def _scope(self) -> Scope:
        conversation = self.conversation
        return Scope(conversation.values, conversation.now(), self._limiter.turns)

    def _chosen(self, state: State) -> str:
        """The state of the first line that holds."""
        scope = self._scope()
        choice = next(choice for choice in state.choices if choice.when is None or choice.when.evaluate(scope))
        self.log("chose", state=state.name, when=choice.when.text if choice.when else "otherwise")
        return choice.then

    async def _run_subflow(self, state: State) -> str:
        """Hold another flow on this call; its outcome is the branch. It shares the values that both name."""
        flow, mine = self.flow.subflows[state.run], self.conversation
        shared = flow.values.keys() & self.flow.values.keys()
        inner = replace(mine, values={name: mine.values[name] for name in shared & mine.values.keys()})
        runner = Runner(flow, inner, self.voice, self.ears, self.actions, above=self)
        try:
            ending = await runner.run()
        except LedAway as wish:
            return self._led(wish.event)
        except TooLong as late:
            if late.of is not self._limiter:
                raise
            return self.flow.limits.then
        finally:
            mine.values |= {name: value for name, value in inner.values.items() if name in shared}
            mine.heard = inner.heard
        if ending.hung_up and self.call.ended:
            mine.branch_if_hung_up = ending.outcome
            raise self.call.ended
        return self._follow(state, ending.outcome)

    async def _listen(self, state: State, speech: Speech | None) -> str:
        """Ask and hear; what is said in passing is answered, and the question stands."""
        pcm, listening = speech.pcm_8k if speech else b"", state.listen
        while True:
            heard = await self._exchange(state, pcm, listening)
            follows = self._after(state, heard)
            if isinstance(follows, str):
                return follows
            if (person := self._given_up()) or self._limiter.is_passed():
                return person or self.flow.limits.then
            pcm = await self._answered(state, follows)
            listening = replace(state.listen, profile=follows.profile or state.listen.profile)

    async def _exchange(self, state: State, pcm: bytes, listening: Listen) -> Heard:
        self._limiter.asked()
        heard = await exchange(self.call, pcm, self._next_mark(), self._worded(listening), self.ears)
        if heard.kind == "key" and self._is_too_few(state, heard.key):
            heard = replace(heard, kind="no_match", result=None)
        if signs := self._pace.note(heard):
            self.log("struggle", signals=signs, score=self._pace.score)
        self._misses += heard.kind in ("no_match", "no_input")
        self._meter.expect(heard.reply_from_ms)
        self.conversation.heard = heard
        self._log_heard(state, heard)
        return heard

    def _is_too_few(self, state: State, keys: str) -> bool:
        """Whether so few keys are no answer, and no key that leads somewhere by itself."""
        spec = state.listen.keys
        return bool(spec) and spec.too_few(keys) and f"key {keys}" not in {*state.next, *self._everywhere}

    def _worded(self, listening: Listen) -> Listen:
        """As slow as the caller needs it, the grammar with the conversation's values in it."""
        return replace(self._pace.suited(listening),
                       grammar=PLACE.sub(lambda found: self.conversation.values.get(found[1], ""), listening.grammar))

    def _after(self, state: State, heard: Heard) -> str | Aside:
        """The next state, or what is to be answered first."""
        for branch in self._branches(state, heard):
            if branch in state.next:
                return state.next[branch]
            if aside := self.flow.asides.get(branch):
                self._asides[branch] += 1
                return aside if self._asides[branch] <= aside.at_most else aside.then
            if branch in self._everywhere:
                return self._led(branch)
        raise LookupError(f"state {state.name} has no branch for what was heard")

    async def _answered(self, state: State, aside: Aside) -> bytes:
        """The answer to an aside, and the question in short."""
        name = next(name for name, each in self.flow.asides.items() if each is aside)
        self.log("aside", state=state.name, what=name)
        answer = await self._wording.speech(aside.say, self._asides[name])
        question = await self._wording.speech(state.short, self._asides.total()) if aside.again else None
        return BREATH.join(speech.pcm_8k for speech in (answer, question) if speech)

    def _branches(self, state: State, heard: Heard) -> list[str]:
        """Branch names for an answer, most special first."""
        if heard.kind == "key":
            if state.listen.keys and f"key {heard.key}" not in {*state.next, *self._everywhere}:
                self._take(state.listen, heard.key)
            return [f"key {heard.key}", *(["keys"] if state.listen.keys else []), "key", "no_match"]
        if heard.kind == "no_match" and heard.result and heard.result.speech_ms >= TALK_MS:
            return ["noise", "no_match"]
        if heard.kind != "match":
            return [heard.kind]
        best, listen = heard.best, state.listen
        intent, _, carried = best.value.partition(":")
        self._take(listen, carried or intent)
        if best.probability is not None and best.probability < listen.sure:
            return ["unsure", "no_match"]
        return [intent, "value", "match", "no_match"]

    def _take(self, listen: Listen, answer: str) -> None:
        """Keep an answer in the value that the question fills, if it can be one of its kind."""
        if listen.into and fits(self.flow.values.get(listen.into, "text"), answer):
            self.conversation.values[listen.into] = answer

    def _log_heard(self, state: State, heard: Heard) -> None:
        best = heard.best
        self.log(
            "heard",
            state=state.name,
            how=heard.kind,
            text=" ".join(filter(None, (best.text if best else "", heard.key))),
            value=best.value if best else "",
            probability=best.probability if best else None,
            interrupted=heard.interrupted,
        )

    async def _act(self, state: State, speech: Speech | None) -> str:
        """Run an action while the prompt, and what is said while waiting, plays.

        A key that leads on from everywhere, and words that the wait listens for, end a wait that has
        something to say; an action that was begun for its own sake (a transfer) is finished.
        """
        conversation = self.conversation
        conversation.arguments = state.arguments
        conversation.argument = filled(state.argument, conversation.values)
        conversation.prompt_over.set()
        if speech:
            self._start(speech)
        self._pressed = asyncio.get_running_loop().create_future()
        work = asyncio.ensure_future(self.actions[state.action](conversation))
        waiting = asyncio.create_task(self._say_while_waiting(state)) if state.while_waiting else None
        try:
            branch = await self.call.until(self._work_or_word(work, state), self._watch)
        finally:
            work.cancel()
            if waiting:
                waiting.cancel()
        word = self._pressed.result() if self._pressed.done() and not branch else ""
        self.log("did", action=state.action, result=branch or word)
        if word:
            self.call.flush()
            return self._led(word) if word in self._everywhere else state.next[word]
        await self.call.until(conversation.prompt_over.wait(), self._watch)
        return self._follow(state, branch)

    async def _work_or_word(self, work: asyncio.Future[str], state: State) -> str:
        """As `_work_or_key`, where words count as keys do if the wait listens for any."""
        wait, self._hold = state.while_waiting, None
        if not (wait and wait.listen):
            return await self._work_or_key(work, state)
        spoken = (lambda words: self._take_words(wait.into, words)) if wait.into else None
        asked = {meaning for meaning, name in state.next.items() if self.flow.states[name].listen}
        async with HoldListener(self.call, self.ears, wait.listen, lambda best: self._take_word(state, best), spoken, asked) as hold:
            self._hold = hold
            return await self._work_or_key(work, state)

    def _take_words(self, into: str, words: Words | Refused) -> None:
        if isinstance(words, Refused):
            self.log("words_refused", why=words.why)
            return
        self.log("words", into=into, ms=len(words.pcm_8k) // 16)
        self.conversation.values[into] = words
        if not self._pressed.done():
            self._pressed.set_result(WORDS)

    def _take_word(self, state: State, best: Hypothesis) -> None:
        self._log_heard(state, Heard("match", Result((best,), False, 0)))
        intent = best.value.partition(":")[0]
        if (intent in state.next or intent in self._everywhere) and not self._pressed.done():
            self._pressed.set_result(intent)

    async def _work_or_key(self, work: asyncio.Future[str], state: State) -> str:
        """The action's branch, `timeout`, or "" where a key asked for something else meanwhile."""
        awaited = {work, self._pressed} if state.while_waiting else {work}
        done, _ = await asyncio.wait(awaited, timeout=state.within_s or None, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return "timeout"
        return work.result() if work.done() else ""

    async def _say_while_waiting(self, state: State) -> None:
        wait = state.while_waiting
        for time in count(1):
            await asyncio.sleep(wait.first_s if time == 1 else wait.every_s)
            await self.conversation.prompt_over.wait()
            if self._hold:
                await self._hold.let_finish()
                self._hold.wants_words = True
            self._start(await self._wording.speech(wait.say, time))

    def _watch(self, item: CallItem) -> None:
        if isinstance(item, Key) and item.digit in self._global_keys and not self._pressed.done():
            self._pressed.set_result(f"key {item.digit}")
        if isinstance(item, PlayedOut) and item.mark == self._mark():
            self.conversation.prompt_over.set()

    def _start(self, speech: Speech) -> None:
        self.conversation.prompt_over.clear()
        self.call.play(speech.pcm_8k, self._next_mark())

    async def _say(self, speech: Speech, stop_keys: Collection[str]) -> Heard | None:
        return await play_out(self.call, speech.pcm_8k, self._next_mark(), stop_keys)

    def _next_mark(self) -> str:
        self._marks += 1
        return self._mark()

    def _mark(self) -> str:
        return f"{self.flow.name}-{self._marks}"

    def _follow(self, state: State, branch: str) -> str:
        if branch not in state.next:
            raise LookupError(f"state {state.name} has no branch '{branch}'")
        return state.next[branch]
