"""What flows can do about word that reaches people later: texts, and a promise to the caller."""

from __future__ import annotations

from collections.abc import Callable

from dialer.texting.outbox import owner_once
from hotline.cases.casebook import OpenCase
from hotline.desk.desk import Desk
from hotline.move_car.caller_line import ways_back
from hotline.move_car.plate_actions import PlateActions
from ivr.flow.actions import action
from ivr.flow.conversation import Conversation


class CallerPromises:
    """The actions of one caller's conversation. `request_id`: of the owner's call, 0 while there is none."""

    def __init__(self, desk: Desk, case: OpenCase, plates: PlateActions, request_id: Callable[[], int]):
        self._desk, self._case, self._plates, self._request_id = desk, case, plates, request_id

    @action("call-or-text", "call", "text", "none")
    async def ways_back(self, conversation: Conversation) -> str:
        """How the caller can be told later, by what the trunk shows of their line and what is set up."""
        desk, call = self._desk, conversation.call
        if not (desk.promises and self._request_id()):
            return "none"
        return ways_back(call.remote, call.headers, can_call=desk.can_call_back,
                         takes_texts=lambda number: bool(desk.texts and desk.texts.reaches(number)))

    @action("promised", "failed", needs=("how",))
    async def promise(self, conversation: Conversation) -> str:
        """Promise the caller the outcome by `call` or `text`: on disk before they are told so."""
        how = conversation.given("how")
        if how not in ("call", "text") or not (self._desk.promises and self._request_id()):
            return "failed"
        await self._desk.in_thread(self._desk.promises.make, self._case.id, self._request_id(), how)
        conversation.log("promised", how=how)
        return "promised"

    @action("done")
    async def keep_promise(self, conversation: Conversation) -> str:
        """The caller has heard the outcome that was promised, once what is being said is over."""
        await conversation.prompt_over.wait()
        if self._desk.promises:
            await self._desk.in_thread(self._desk.promises.kept, self._case.id)
            conversation.log("promise_kept", how="call")
        return "done"

    @action("queued", "none", needs=("text",))
    async def send_text(self, conversation: Conversation) -> str:
        """Send a text of texts.yaml to the owner or the caller, whom it names; each once for a case."""
        desk, name = self._desk, conversation.given("text")
        template = desk.text_templates.get(name)
        if template is None or desk.texts is None:
            return "none"
        try:
            if template.to == "owner":
                return await self._to_owner(conversation, name)
            if not desk.texts.reaches(conversation.call.remote):
                return "none"
            return _branch(await desk.texts.put(template, self._case.id, f"{name} {self._case.id}", conversation.values))
        except KeyError:
            conversation.log("text_incomplete", text=name)
            return "none"

    async def _to_owner(self, conversation: Conversation, name: str) -> str:
        match = self._plates.match
        if match is None or not match.ticket or not self._request_id():
            return "none"
        desk, once = self._desk, owner_once(self._request_id())
        taken = await desk.texts.put(desk.text_templates[name], self._case.id, once, conversation.values,
                                     ticket=match.ticket, owner=match.owner)
        return _branch(taken or await desk.texts.under_way(once))


def _branch(taken: bool) -> str:
    return "queued" if taken else "none"
