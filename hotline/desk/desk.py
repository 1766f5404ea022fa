"""What a conversation needs of the house it runs in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from asr.pool import RecognizerPool
from dialer.answer.second_ear import SecondEar
from dialer.queue.promises import Promises
from dialer.vault.client import Vault
from hotline.desk.http_service import Fetch, fetch
from hotline.desk.known_callers import KnownCallers
from hotline.desk.open_register import OpenRegister
from hotline.desk.seats import Seats
from hotline.texting.desk import TextDesk
from hotline.texting.texts import TextTemplate
from ivr.flow.model import Flow
from ivr.sip.line import Leg
from tts.prompts import PromptLibrary


@dataclass(frozen=True)
class Desk:
    """The parts that all conversations of an engine share."""

    vault: Vault
    seats: Seats
    voice: PromptLibrary
    ears: RecognizerPool
    owner_flow: Flow
    recordings: Path
    owner_ring_s: int
    service_hosts: tuple[str, ...] = ()
    fetch: Fetch = fetch
    owner_message: bool = True
    """Voicemails and assistants are told, once and briefly, who called about which car."""
    open_register: OpenRegister | None = None
    """A list of plates that is searched instead of the sealed register; the owners' numbers are the vault's still."""
    second_ear: SecondEar | None = None
    """Writes down what is said where an owner's call was answered; without it fewer machines are told."""
    known: KnownCallers = KnownCallers()
    hold_s: int = 90
    case_life_s: int = 7200
    """So long a caller who dials again is asked about the car."""
    texts: TextDesk | None = None
    text_templates: Mapping[str, TextTemplate] = field(default_factory=dict)
    promises: Promises | None = None
    call_back_flow: Flow | None = None
    dial_caller: Callable[[str], Awaitable[Leg]] | None = None
    """Rings a caller's number; None where none can be rung."""
    in_thread: Callable[..., Awaitable] = asyncio.to_thread

    @property
    def can_call_back(self) -> bool:
        """Whether callers can be rung later."""
        return self.dial_caller is not None and self.call_back_flow is not None
