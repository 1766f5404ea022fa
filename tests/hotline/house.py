"""A whole engine on loopback, phones around it, and the logs of its cases as they grow."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from voices import PLATE, TEN_MINUTES, Words

from hotline.cases.casebook import Entry
from hotline.demo.people import OWNER_PHONES, YES, Cast
from hotline.demo.phone import Phone
from hotline.demo.world import World, build_world
from hotline.engine import Engine

FLOWS = Path(__file__).resolve().parents[2] / "flows"
PATIENCE_S = 45
"""No single step of a call takes as long, even where other programs have the processors."""
BREATH_S = 0.4
"""From the first sound of a prompt until a person speaks over it."""
EACH_CALL_BY_ITSELF = {"owner_attempts": 1, "owner_answer_stands_s": 0, "owner_daily": 1000}
"""Settings by which no call to an owner depends on those before it."""
QUESTION_SHARE = 0.75
"""Who has heard so much of a question knows what it asks, and may say yes."""


async def eventually(what, limit_s: float = PATIENCE_S):
    """The first true value of `what()`; fails after `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while not (value := what()):
        assert time.monotonic() < deadline, f"not within {limit_s} s"
        await asyncio.sleep(0.02)
    return value


def question_s(said: dict) -> float:
    """Seconds until a person answers a question, of which the log has these details."""
    return QUESTION_SHARE * said["ms"] / 1000


class CaseLog:
    """The entries of one case, told while it lives."""

    def __init__(self, case_id: str):
        self.id, self.entries = case_id, []

    def find(self, kind: str, side: str = "", **details) -> Entry | None:
        """The first entry of `kind` with these details."""
        for entry in self.entries:
            if entry.kind == kind and side in ("", entry.side) and details.items() <= entry.details.items():
                return entry
        return None

    async def wait(self, kind: str, side: str = "", limit_s: float = PATIENCE_S, **details) -> Entry:
        """As `find`, once there is one."""
        return await eventually(lambda: self.find(kind, side, **details), limit_s)

    async def ended(self) -> tuple[str, str]:
        """The case's outcome and reason, once it is closed."""
        closed = await self.wait("closed", limit_s=120)
        return closed.details["outcome"], closed.details["reason"]

    async def follow(self) -> AsyncIterator[Entry]:
        """Each entry when it comes, to the last."""
        told = 0
        while not told or self.entries[told - 1].kind != "closed":
            await eventually(lambda: len(self.entries) > told)
            yield self.entries[told]
            told += 1


class TestPhone:
    """A softphone process and what it reported so far."""

    __test__ = False

    def __init__(self, phone: Phone):
        self.reported: list[dict] = []
        self.say, self.hang_up, self._order = phone.say, phone.hang_up, phone._command
        self._phone = phone

    async def press(self, digits: str) -> None:
        await self._order(dtmf=digits)

    async def listen(self) -> None:
        async for event in self._phone.events():
            self.reported.append(event)

    async def wait(self, event: str) -> dict:
        return await eventually(lambda: next((e for e in self.reported if e["event"] == event), None))


@asynccontextmanager
async def phone(script: dict, recording: Path):
    """A phone in a process of its own, ready to be used."""
    async with Phone(recording.stem, script, recording) as process:
        ready = TestPhone(process)
        listening = asyncio.create_task(ready.listen())
        try:
            await ready.wait("ready")
            yield ready
        finally:
            listening.cancel()


class House:
    """An engine in a folder, with its cases by caller and the phones that tests need."""

    def __init__(self, folder: Path, words: Words | None, flows: Path = FLOWS, ring_s: int = 4, clock=None, **settings):
        """`clock`: the time of day, where a test sets it. Without `words` nobody speaks."""
        self.world: World = build_world(folder, flows, PLATE, owner_ring_s=ring_s, **EACH_CALL_BY_ITSELF | settings)
        self.words, self.cases, self._clock = words, {}, {"now": clock} if clock else {}
        self.owner_line = asyncio.Lock()
        self._phones = 0

    async def __aenter__(self) -> "House":
        async with AsyncExitStack() as stack:
            self.engine = await stack.enter_async_context(Engine(self.world.config, [self._hear], **self._clock))
            serving = asyncio.create_task(self.engine.serve())
            stack.callback(serving.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _hear(self, entry: Entry) -> None:
        self.cases.setdefault(entry.case_id, CaseLog(entry.case_id)).entries.append(entry)

    async def case(self, caller: str, but: Collection[str] = ()) -> CaseLog:
        """The case of the caller with this number, none of `but`, once they have arrived."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await self.engine.store.flushed()
                for case_id, log in self.cases.items():
                    stored = self.engine.store.case(case_id)
                    if case_id not in but and stored and stored.caller == caller:
                        return log
                await asyncio.sleep(0.05)

    def recording(self, name: str) -> Path:
        self._phones += 1
        return self.world.folder / "phones" / f"{name}-{self._phones}.wav"

    @asynccontextmanager
    async def call(self, caller: str):
        """A caller's phone with its call up, and the call's case."""
        script = {"mode": "call", "uri": self.world.hotline_uri, "user": caller, "steps": [{"obey": {}}]}
        before = set(self.cases)
        async with phone(script, self.recording(caller)) as callers_phone:
            case = await self.case(caller, before)
            await callers_phone.wait("answered")
            yield callers_phone, case

    @asynccontextmanager
    async def owner(self, behaviour: str):
        """The owner's phone; one owner at a time has it."""
        answer = OWNER_PHONES.get(behaviour) or {"after_s": 0.5}
        script = {"mode": "wait", "port": self.world.owner_port, "answer": answer, "wait_timeout_s": 60,
                  "steps": [{"obey": {}}]}
        async with self.owner_line, phone(script, self.recording("owner")) as owners_phone:
            yield owners_phone

    @asynccontextmanager
    async def seat(self):
        """A person at the seat, who waits for the caller, talks and hangs up."""
        script = {"mode": "wait", "port": self.world.seat_port, "answer": [{"after_s": 0.2}] * 9, "wait_timeout_s": 600,
                  "steps": [{"sleep": 6}, {"hangup": {}}]}
        async with phone(script, self.recording("seat")) as seats_phone:
            yield seats_phone


async def hear_the_plate_read_back(house: House, callers_phone: TestPhone, case: CaseLog) -> None:
    """The caller says the plate, and waits until the bot has asked whether that is it."""
    await case.wait("said", prompt="welcome")
    await asyncio.sleep(BREATH_S)
    await callers_phone.say(house.words[PLATE])
    readback = await case.wait("said", prompt="readback")
    await asyncio.sleep(question_s(readback.details))


async def ask_for_the_car(house: House, callers_phone: TestPhone, case: CaseLog) -> None:
    """The caller says the plate and yes: its owner is to be called."""
    await hear_the_plate_read_back(house, callers_phone, case)
    await callers_phone.say(house.words[YES])


async def whole_call(house: House, caller: str, cast: Cast) -> CaseLog:
    """One call to its end: caller and owner answer what they are asked, over the prompt."""
    phones: dict[str, TestPhone] = {}
    async with house.call(caller) as (phones["caller"], case), AsyncExitStack() as until_owner_answered:
        plate_read = ""
        async for entry in case.follow():
            if entry.kind == "matched":
                plate_read = entry.details["plate"]
            if entry.side == "owner" and entry.kind in ("answer", "unreached"):
                await until_owner_answered.aclose()
            if entry.kind != "said" or entry.side not in ("caller", "owner"):
                continue
            prompt = entry.details["prompt"]
            words = cast.caller_says(prompt, plate_read) if entry.side == "caller" else owner_says(prompt, cast)
            if words == YES and "owner" not in phones:
                phones["owner"] = await until_owner_answered.enter_async_context(house.owner(cast.owner))
            if words:
                await asyncio.sleep(question_s(entry.details) if words == YES else BREATH_S)
                await phones[entry.side].say(house.words[words])
    return case


def owner_says(prompt: str, cast: Cast) -> str:
    return TEN_MINUTES if prompt == "owner_ask_minutes" else cast.owner_says(prompt)


def descendants(pid: int, module: str) -> list[int]:
    """Processes started by `pid` or by its children that run `python -m module`."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            lines[int(folder.name)] = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
    family, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in family} - family
        family, grown = family | more, bool(more)
    return sorted(child for child in family if module.encode() in lines.get(child, []))

