"""A person at the far end of a leg, who does what a script says when the bot says its prompts."""

from collections import deque

from ivr.replay.fixture import Script, Turn
from ivr.replay.line import ReplayLeg
from ivr.replay.sound import Mouthpiece

KEY_EVERY_MS = 250


class ScriptedPerson:
    """Lives a `Script`; `sounds` is what each of its turns sounds like.

    Turns are taken in order, each once its prompt is said. `taken` holds when: (turn, ms of the line).
    """

    def __init__(self, script: Script, sounds: list[bytes], number: int) -> None:
        self.script, self._calls = script, deque([*script.before, script.ends])
        self.rings_ms: int | None = script.rings_ms
        self.ends = script.ends
        self.legs: list[ReplayLeg] = []
        """Their calls, the last of which may go on."""
        self.taken: list[tuple[int, int]] = []
        self.current = 0
        """Index of the turn that what is heard now belongs to."""
        self._sounds, self._mouth = sounds, Mouthpiece(script.line, number)
        self._next, self._due_ms, self._armed = 0, None, False
        self._keys: deque[tuple[int, str]] = deque()

    @property
    def leg(self) -> ReplayLeg | None:
        """The call that is or was up last."""
        return self.legs[-1] if self.legs else None

    def rung(self) -> None:
        """Their phone is called, once more perhaps."""
        self.ends = self._calls.popleft() if len(self._calls) > 1 else self._calls[0]
        self.rings_ms = None if self.ends == "off" else self.script.rings_ms

    def answered(self, leg: ReplayLeg) -> None:
        """The call is up."""
        self.legs.append(leg)
        self._arm_unprompted(leg.began_ms)

    def said(self, prompt: str, _text: str, now_ms: int) -> None:
        """The bot begins to say a prompt."""
        turn = self._waiting()
        if turn is None or self._armed or turn.on != prompt:
            return
        self._armed = True
        if _is_answer(turn):
            self.current = self._next
        if turn.over_ms is not None:
            self._due_ms = now_ms + turn.over_ms
        elif not (turn.says or turn.audio or turn.sound_ms or turn.keys or turn.hang_up):
            self._due_ms = now_ms

    def silence_began(self, now_ms: int) -> None:
        """The bot has nothing more to say for now."""
        turn = self._waiting()
        if turn is not None and self._armed and turn.on and self._due_ms is None:
            self._due_ms = now_ms + turn.after_ms

    def frame(self, now_ms: int, sent: bytes) -> bytes:
        """The next 20 ms of what they say, keys and hanging up beside it."""
        if self._due_ms is not None and now_ms >= self._due_ms:
            self._take(now_ms)
        while self._keys and now_ms >= self._keys[0][0]:
            self.leg.press(self._keys.popleft()[1])
        return self._mouth.frame(sent)

    def _take(self, now_ms: int) -> None:
        turn, sound = self.script.turns[self._next], self._sounds[self._next]
        self.taken.append((self._next, now_ms))
        if _is_answer(turn):
            self.current = self._next
        self._next, self._due_ms, self._armed = self._next + 1, None, False
        if sound:
            self._mouth.say(sound)
        self._keys.extend((now_ms + place * KEY_EVERY_MS, key) for place, key in enumerate(turn.keys))
        if turn.hang_up:
            self.leg.end(200, "remote")
            return
        self._arm_unprompted(now_ms + len(sound) // 16 + len(turn.keys) * KEY_EVERY_MS)

    def _arm_unprompted(self, from_ms: int) -> None:
        """A turn without a prompt follows by itself."""
        turn = self._waiting()
        if turn is None or turn.on:
            return
        self._armed = True
        self._due_ms = from_ms + turn.after_ms if turn.at_ms is None else self.leg.began_ms + turn.at_ms

    def _waiting(self):
        return self.script.turns[self._next] if self._next < len(self.script.turns) else None


def _is_answer(turn: Turn) -> bool:
    """Whether what is heard from now on belongs to this turn: a cough or hanging up takes nothing."""
    return turn.heard is not None or bool(turn.says or turn.audio or turn.keys)


class SeatPerson:
    """A person at a seat: answers, talks for a while and hangs up, or does not answer."""

    TALKS_MS = 3000

    def __init__(self, seat: str) -> None:
        self.rings_ms, self.ends = 800, "" if seat == "answers" else seat
        self._leg: ReplayLeg | None = None

    def rung(self) -> None: ...

    def answered(self, leg: ReplayLeg) -> None:
        self._leg = leg

    def frame(self, now_ms: int, sent: bytes) -> bytes:
        if now_ms >= self._leg.began_ms + self.TALKS_MS:
            self._leg.end(200, "remote")
        return bytes(len(sent))

    def silence_began(self, now_ms: int) -> None: ...
