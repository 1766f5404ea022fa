"""Flows that are edited while calls run: the next call takes what checks clean, a running one keeps its own.

An edition is one state of the flows' folder: both flows, prompts and grammars. A new one is made where
a file changed; while it has a problem the old one goes on, and the problem is logged once.
"""

import asyncio
import hashlib
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from asr.engines.choice import Hearing
from asr.pool import RecognizerPool
from asr.recognizer import AsrError
from hotline.errors import CannotRun
from hotline.flows import flow_problems
from hotline.texting.texts import TEXTS_FILE, TextTemplate, load_texts
from ivr.flow.load import load_flow
from ivr.flow.model import Flow
from ivr.flow.source import FlowError
from tts.errors import TtsError
from tts.prompts import PromptLibrary

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
WATCHED = ("*.yaml", "grammars/*.yaml", "prompts/*.yaml", "prompts/pieces/index.json")


class EditionEars:
    """The hearing, with the grammars as they were when the edition was made."""

    def __init__(self, hearing: Hearing, grammars: Path):
        self._hearing, self._grammars = hearing, grammars

    def open(self, grammar_name: str, rate: int = 8000):
        """As the hearing's; raises GrammarError."""
        return self._hearing.open(grammar_name, rate, self._grammars)


@dataclass(frozen=True)
class Edition:
    """What one call runs on, from its first to its last word."""

    inbound: Flow
    owner: Flow
    voice: PromptLibrary
    grammars: Path
    ears: Hearing | EditionEars | None = None
    call_back: Flow | None = None
    texts: Mapping[str, TextTemplate] = field(default_factory=dict)

    @property
    def flows(self) -> list[Flow]:
        return [flow for flow in (self.inbound, self.owner, self.call_back) if flow]


class LiveFlows:
    """The flows of a folder as they are now. `keep`: where the texts of every edition stay.

    `hearing` is made for the first edition's grammars, by `make_hearing`.
    """

    def __init__(self, folder: Path, inbound: str, outbound: str, make_hearing: Callable[[Path], Hearing], keep: Path,
                 call_back: str = ""):
        """Raises FlowError, TtsError or CannotRun where the first edition cannot be had."""
        self._folder, self._names, self._keep = folder, (inbound, outbound), keep
        if call_back and (folder / f"{call_back}.yaml").exists():
            self._names = (*self._names, call_back)
        self._seen = self._stamp()
        self._voice: PromptLibrary | None = None
        first, found = self._edition()
        if found:
            raise CannotRun("\n".join(str(problem) for problem in found))
        self.hearing = make_hearing(first.grammars)
        self.current = replace(first, ears=self.hearing)
        self.refuses: Callable[[Edition], list[FlowError]] = lambda edition: []
        """What this engine, as it was started, cannot do of an edition that checks clean."""
        self.before_taken: Callable[[Edition], Awaitable[None]] | None = None
        """Is waited for before calls begin on a new edition."""

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Take what changed, if it checks clean; what does not is logged once."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            edition, found = await asyncio.to_thread(self._edition)
            found = found or self.refuses(edition)
            if not found:
                await asyncio.to_thread(edition.voice.warm)
                edition = replace(edition, ears=await self._ears_for(edition))
                if self.before_taken:
                    await self.before_taken(edition)
        except (FlowError, TtsError, AsrError, CannotRun, OSError) as error:
            edition, found = None, [error]
        for problem in found:
            log.error("flow_not_taken", extra={"fields": {
                "problem": str(problem), "mend": "mend it and save: calls go on with the flow before"}})
        if edition and not found:
            self.current = edition
            log.info("flow_taken", extra={"fields": {flow.name: flow.version for flow in edition.flows}})

    async def _ears_for(self, edition: Edition) -> Hearing | EditionEars:
        """The ears before, where the grammars are the same; else new ones, which have compiled them."""
        if edition.grammars == self.current.grammars:
            return self.current.ears
        ears = EditionEars(self.hearing, edition.grammars)
        if isinstance(self.hearing, RecognizerPool):
            states = [state for flow in edition.flows for state in flow.states.values()]
            for name in {state.listen.grammar for state in states if state.listen and "{" not in state.listen.grammar}:
                await asyncio.gather(*(ears.open(name).finish() for _ in self.hearing.pids))
        return ears

    def _edition(self) -> tuple[Edition, list[FlowError]]:
        voice = self._voice = PromptLibrary.load(self._folder / "prompts", self._voice)
        flows = [load_flow(self._folder / f"{name}.yaml") for name in self._names]
        found = [problem for flow in flows for problem in flow_problems(flow, self._folder, voice)]
        inbound, owner, *call_back = flows
        texts = load_texts(self._folder / TEXTS_FILE)
        return Edition(inbound, owner, voice, self._kept(), call_back=call_back[0] if call_back else None, texts=texts), found

    def _kept(self) -> Path:
        """Copies of the flows, and of the grammars in a folder of their own, under the hash of their text;
        returns the grammars' folder."""
        self._copied("flows", [*self._folder.glob("*.yaml")])
        return self._copied("grammars", [*self._folder.glob("grammars/*.yaml")])

    def _copied(self, what: str, files: list[Path]) -> Path:
        text = b"\0".join(path.name.encode() + path.read_bytes() for path in sorted(files))
        folder = self._keep / f"{what}-{hashlib.sha256(text).hexdigest()[:12]}"
        if not folder.exists():
            folder.mkdir(parents=True)
            for path in files:
                shutil.copy(path, folder / path.name)
        return folder

    def _stamp(self) -> tuple:
        files = sorted(path for pattern in WATCHED for path in self._folder.glob(pattern))
        return tuple((str(path), status.st_mtime_ns, status.st_size) for path in files if (status := path.stat()))
