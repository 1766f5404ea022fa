"""What all replays of a process share: flows, prompts and the recognizer."""

from pathlib import Path

from hotline.errors import CannotRun
from hotline.flows import load_checked_flow
from hotline.texting.texts import TEXTS_FILE, load_texts
from ivr.flow.model import Flow
from ivr.replay.ears import LocalEars
from tts.prompts import PromptLibrary

CALL_BACK_FLOW = "move_car_call_back"


class House:
    """Takes seconds to make.

    Raises CannotRun, FlowError, AsrError, TtsError where something is missing or wrong.
    """

    def __init__(self, flows: Path, inbound: str = "move_car_inbound", outbound: str = "move_car_outbound"):
        self.voice, self.inbound_flow, self.owner_flow, self.call_back_flow = check_flows(flows, inbound, outbound)
        self.flows, self.texts = flows, load_texts(flows / TEXTS_FILE)
        self.ears = LocalEars(flows / "grammars")
        self.voice.warm()


def check_flows(
    flows: Path, inbound: str = "move_car_inbound", outbound: str = "move_car_outbound"
) -> tuple[PromptLibrary, Flow, Flow, Flow | None]:
    """The prompts of a folder, its flows of both sides, and that of calls back where there is one. Raises CannotRun or
    FlowError for what is wrong there."""
    if not (flows / "prompts").is_dir():
        raise CannotRun(f"{flows} holds no flows and prompts: name the folder with --flows")
    voice = PromptLibrary.load(flows / "prompts")
    call_back = flows / f"{CALL_BACK_FLOW}.yaml"
    return (voice, load_checked_flow(flows / f"{inbound}.yaml", voice), load_checked_flow(flows / f"{outbound}.yaml", voice),
            load_checked_flow(call_back, voice) if call_back.exists() else None)
