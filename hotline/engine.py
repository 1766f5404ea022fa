"""The engine: takes calls from the line, walks each through its flow, and keeps its case."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from asr.engines.choice import make_hearing
from dialer.answer.second_ear import SecondEar
from dialer.database.pulse import BEAT_S, Pulse
from dialer.queue.attempt_queue import AttemptQueue
from dialer.queue.promises import CallBackPolicy, Promises
from dialer.queue.steady import steady_clock
from dialer.texting.outbox import Outbox
from dialer.vault.client import Vault
from hotline.cases.case_text import CaseText
from hotline.cases.casebook import LEFT_OPEN, Casebook, Listener, OpenCase
from hotline.config import EngineConfig
from hotline.desk.desk import Desk
from hotline.desk.known_callers import KnownCallers
from hotline.desk.recording import Recorder
from hotline.desk.seats import Seats
from hotline.engine_folder import EngineFolder
from hotline.live_flows import LiveFlows
from hotline.move_car.actions import MoveCar
from hotline.owners.desk import OwnerDesk
from hotline.promises.desk import PromiseDesk
from hotline.spoken_ahead import SpokenAhead
from hotline.storage.store import Store
from hotline.texting.desk import TextDesk
from hotline.vault_use import goes_without, open_vault, vault_needs
from hotline.walk import walk
from ivr.sip.config import load_sip_config
from ivr.sip.line import Leg
from ivr.sip.supervisor import Supervisor
from ivr.sip_call import SipCall

log = logging.getLogger(__name__)


def _time_of_day() -> datetime:
    return datetime.now().astimezone()


class Engine:
    """Joins all parts. Use as an async context: entered, everything runs; left, all has ended.

    `now`: the time of day, with its zone, which may be set while the engine runs.
    """

    def __init__(
        self, config: EngineConfig, listeners: list[Listener] | None = None, now: Callable[[], datetime] = _time_of_day
    ):
        self.config, self._now = config, now
        self.listeners = listeners if listeners is not None else []
        self.sip = load_sip_config(config.sip_conf)
        self.flows = LiveFlows(
            config.flows, config.inbound_flow, config.outbound_flow,
            lambda grammars: make_hearing(config.hearing, config.recognizer_workers, grammars), config.data / "flows",
            config.call_back_flow)
        self._ahead = SpokenAhead()
        self.ears = self.flows.hearing
        self.case_text = CaseText(config.free_speech)
        self._open_register = config.open_register
        self._known = KnownCallers.load(config.caller_numbers, config.caller_header)
        self._folder = EngineFolder(config.data)
        self._pulse = Pulse(self._folder.name, config.take_over_s)
        self.store = Store(config.database, self._pulse, config.data / "unstored.jsonl", lambda: now().timestamp())
        self.policy = config.owner_policy
        self._gateway = config.gateway
        self._stack = AsyncExitStack()
        self._conversations: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Engine":
        async with AsyncExitStack() as stack:
            stack.callback(self._folder.release)
            stack.enter_context(self.store.open(patient=True))
            await asyncio.to_thread(self._close_interrupted)
            vault = await stack.enter_async_context(self._vault())     # first: hearing takes long to load, and a mistake is told before
            await asyncio.to_thread(self.flows.current.voice.warm)
            stack.callback(self._end_voice)
            speaking = asyncio.create_task(self._ahead.speak(self.flows.current))
            stack.callback(speaking.cancel)
            await stack.enter_async_context(self.ears)
            await stack.enter_async_context(self.case_text)
            await speaking                                             # before the trunk is told that calls are taken
            self.line = await stack.enter_async_context(Supervisor(self.sip))
            self.line.on_notice = _log_notice
            second_ear = await stack.enter_async_context(SecondEar()) if self.config.owner_second_ear else None
            self._desk = self._bare_desk(vault, second_ear)
            self.flows.before_taken = self._ahead.speak
            watching = asyncio.create_task(self.flows.watch())
            stack.callback(watching.cancel)
            await self._open_desks(stack)
            living = asyncio.create_task(self._live())
            stack.callback(living.cancel)
            self._stack = stack.pop_all()
        return self

    def _bare_desk(self, vault: Vault, second_ear: SecondEar | None) -> Desk:
        """What conversations work with, but for the desks of texts and promises, which use it themselves."""
        return Desk(
            vault=vault,
            seats=Seats(self.line, self.sip.seats, self.config.seat_ring_s),
            voice=self.flows.current.voice,
            ears=self.flows.current.ears,
            owner_flow=self.flows.current.owner,
            recordings=self.config.recordings,
            owner_ring_s=self.config.owner_ring_s,
            service_hosts=self.config.service_hosts,
            owner_message=self.config.owner_message,
            open_register=self._open_register,
            second_ear=second_ear,
            known=self._known,
            hold_s=self.config.hold_s,
            case_life_s=self.config.case_life_s,
            dial_caller=self._dial_caller if self._can_dial_callers() else None,
        )

    async def _open_desks(self, stack: AsyncExitStack) -> None:
        """Owners, texts and promises: from now on what is due is done."""
        self._steady = steady_clock(await asyncio.to_thread(self.store.time))
        casebook = Casebook(self.store, self.listeners)
        queue = AttemptQueue(self.store.engine, self.policy, self._now, self._steady, self._pulse)
        self.owners = await stack.enter_async_context(
            OwnerDesk(lambda: self.desk, queue, casebook, reach=self.store.reach))
        texts = await stack.enter_async_context(self._text_desk(casebook, queue))
        self._desk = replace(self._desk, texts=texts, promises=self._promises())
        await stack.enter_async_context(PromiseDesk(
            lambda: self.desk, self._desk.promises, texts, self.owners, casebook, reach=self.store.reach))

    def _end_voice(self) -> None:
        self._ahead.stop()
        self.flows.current.voice.close()

    def _vault(self) -> AbstractAsyncContextManager[Vault]:
        flow = self.flows.current.inbound
        without = goes_without(self.config, flow)
        if without:
            self.flows.refuses = lambda edition: vault_needs(edition.inbound)
            log.info("no_vault", extra={"fields": {"text": f"the flow {flow.name} needs none"}})
        return open_vault(self.config, without)

    def _text_desk(self, casebook: Casebook, queue: AttemptQueue) -> TextDesk:
        same_id = bool(self._gateway and self._gateway.same_id)
        outbox = Outbox(self.store.engine, self._steady, self._pulse, same_id=same_id)
        return TextDesk(self._gateway, outbox, casebook, lambda: self._desk.vault,
                        lambda: self.flows.current.texts, quiet_s=queue.quiet_s, reach=self.store.reach)

    def _promises(self) -> Promises:
        policy = CallBackPolicy(self.config.call_back_tries, self.config.call_back_wait_s)
        return Promises(self.store.engine, policy, self._steady, self._pulse)

    def _can_dial_callers(self) -> bool:
        return self.sip.trunk is not None or self.config.call_back_dial.startswith("sip")

    async def _dial_caller(self, number: str) -> Leg:
        target = self.config.call_back_dial.replace("{number}", number)
        return await self.line.dial(target, ring_timeout_s=self.config.call_back_ring_s)

    @property
    def desk(self) -> Desk:
        """What a conversation that begins now works with, and keeps to its end."""
        now = self.flows.current
        return replace(self._desk, voice=now.voice, ears=now.ears, owner_flow=now.owner, call_back_flow=now.call_back,
                       text_templates=now.texts)

    async def __aexit__(self, *_: object) -> None:
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._stack.aclose()

    async def serve(self) -> None:
        """Take calls until cancelled."""
        async for leg in self.line.incoming():
            task = asyncio.create_task(self._converse(leg))
            self._conversations.add(task)
            task.add_done_callback(self._conversations.discard)

    async def finish_calls(self) -> None:
        """Take no new call and let those that run finish, up to the configured limit."""
        self.line.drain()
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=self.config.finish_calls_s)

    async def _converse(self, leg: Leg) -> None:
        """One caller, from the INVITE to the closed case."""
        call = SipCall(leg)
        case = OpenCase.opened(self.store, "telephone", leg.remote, self.listeners)
        flow, desk = self.flows.current.inbound, self.desk
        car = MoveCar(desk, case, self.owners)
        outcome = "interrupted"
        recording = self.config.recordings / f"{case.id}-caller.wav"
        try:
            async with Recorder(call, recording):
                outcome = await walk(call, flow, desk, case, car)
        finally:
            call.hangup()
            case.close(outcome, case.reason)
            self.case_text.write_down(case, recording)
            await self.store.flushed()

    def _close_interrupted(self) -> None:
        """Cases that a crash left open get an outcome that says so."""
        try:
            for case_id in self.store.close_interrupted(LEFT_OPEN):
                log.warning("interrupted_case", extra={"fields": {"case": case_id}})
        except SQLAlchemyError as error:
            self.store.reach.failed(error)

    async def _live(self) -> None:
        """Tell the other engines that this one lives, and close what one that died left open."""
        while True:
            await asyncio.sleep(BEAT_S)
            await asyncio.wrap_future(self.store.retry())
            if not self.store.reach.lost:
                await asyncio.to_thread(self._close_interrupted)


def _log_notice(kind: str, text: str) -> None:
    log.warning(kind, extra={"fields": {"text": text}})
