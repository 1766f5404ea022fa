"""Flows as the desk loads them: checked against its prompts, grammars and actions."""

import re
from pathlib import Path

from hotline.errors import CannotRun
from hotline.move_car.actions import ACTIONS
from ivr.flow.check import House, problems
from ivr.flow.load import load_flow
from ivr.flow.model import Flow
from ivr.flow.source import FlowError
from tts.prompts import PromptLibrary
from tts.script import Script, Slot


def load_checked_flow(path: Path, voice: PromptLibrary) -> Flow:
    """Load a flow that a call can run on. Raises `FlowError`, or `CannotRun` with every problem."""
    flow = load_flow(path)
    if found := flow_problems(flow, path.parent, voice):
        raise CannotRun("\n".join(str(problem) for problem in found))
    return flow


def flow_problems(flow: Flow, folder: Path, voice: PromptLibrary) -> list[FlowError]:
    """What does not fit together in a flow of this folder."""
    return problems(flow, house_of(folder, voice.script))


def house_of(folder: Path, script: Script) -> House:
    """What flows of this folder may name."""
    grammars = folder / "grammars"
    prompts = {name: tuple(part.name for part in prompt.parts if isinstance(part, Slot))
               for name, prompt in script.prompts.items()}
    return House(prompts, {path.stem for path in grammars.glob("*.yaml")}, ACTIONS, grammars)


def led_above(path: Path) -> set[str]:
    """The events that every flow of the folder which runs this one leads on from everywhere.

    Raises `FlowError` where one of those cannot be read.
    """
    runs = re.compile(rf"\brun:\s*['\"]?{re.escape(path.stem)}['\"]?\s*(?:$|[,}}#])", re.M)
    above = [load_flow(beside) for beside in sorted(path.parent.glob("*.yaml"))
             if beside != path and runs.search(beside.read_text("utf-8", errors="replace"))]
    return set.intersection(*(set(flow.always) for flow in above)) if above else set()
