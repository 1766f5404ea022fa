"""Actions that any service needs: keep something in the case, and ask an HTTP service."""

from dialer.json_answer import picked
from hotline.cases.casebook import OpenCase
from hotline.desk.desk import Desk
from hotline.desk.http_service import (
    DEFAULT_S,
    METHODS,
    ServiceError,
    address,
    seconds_of,
    wrong,
)
from ivr.flow.actions import action
from ivr.flow.conversation import Conversation, filled
from ivr.flow.values import fits
from plate_parser.rules import dialable


class DeskActions:
    """The general actions of one caller's conversation."""

    def __init__(self, desk: Desk, case: OpenCase):
        self._desk, self._case = desk, case
        self._opened: dict[str, OpenCase] = {}

    @action("done", may=("case", "plate", "reason"), takes_any=True)
    async def update_case(self, conversation: Conversation) -> str:
        """Keep what is given under `with` in the log of the call's case, or of `case` that this call opened;
        `plate` and `reason` in the case itself."""
        given = _given(conversation)
        case = self._opened.get(given.pop("case", ""), self._case)
        if dialable(given.get("plate", "")):
            case.set_plate(given["plate"])
        if given.get("reason"):
            case.set_reason(given["reason"])
        kept = {f"with_{name}": value for name, value in given.items()}
        if case is self._case:
            conversation.log("updated", **kept)
        else:
            case.note("caller", "updated", **kept)
        return "done"

    @action("done", needs=("reason",), may=("plate",), takes_any=True, sets={"case": "text"})
    async def open_case(self, conversation: Conversation) -> str:
        """Open a further case for another concern of the caller: it outlives the call, and people close it.

        Its number is the value `case`; whatever else is given is kept in its log.
        """
        given = _given(conversation)
        plate = given.get("plate", "")
        case = self._case.beside(conversation.call.remote, given["reason"], plate if dialable(plate) else "")
        self._opened[case.id] = case
        conversation.values["case"] = case.id
        case.note("caller", "opened", by=self._case.id, **{f"with_{name}": value for name, value in given.items()})
        conversation.log("case_opened", opened=case.id, reason=given["reason"])
        return "done"

    @action("done", "refused", "failed", needs=("url",), may=("method", "send", "take", "seconds"),
            maps=("send", "take"), wrong=wrong)
    async def http(self, conversation: Conversation) -> str:
        """Ask an HTTP service: `send` values, `take` others from its JSON; `refused` is its 4xx, `failed` the rest."""
        with_ = conversation.arguments
        send = {name: filled(text, conversation.values) for name, text in dict(with_.get("send") or {}).items()}
        try:
            url = address(str(with_["url"]), conversation.values, self._desk.service_hosts)
            method, seconds = str(with_.get("method", METHODS[0])).upper(), seconds_of(str(with_.get("seconds", DEFAULT_S)))
            status, answer = await self._desk.fetch(method, url, send, seconds or DEFAULT_S)
            taken = _taken(answer, dict(with_.get("take") or {}), conversation) if status < 300 else {}
        except ServiceError as error:
            conversation.log("service_failed", why=str(error))
            return "failed"
        conversation.log("service_asked", status=status, took=sorted(taken))
        conversation.values.update(taken)
        return "done" if status < 300 else "refused" if 400 <= status < 500 else "failed"


def _given(conversation: Conversation) -> dict[str, str]:
    """What stands under `with:`, values filled in; one text alone is the reason."""
    if not conversation.arguments:
        return {"reason": conversation.argument} if conversation.argument else {}
    return {name: conversation.given(name) for name, written in conversation.arguments.items() if isinstance(written, str)}


def _taken(answer: object, wanted: dict[str, str], conversation: Conversation) -> dict[str, str]:
    """The flow's values out of an answer. Raises ServiceError for one that is not of its kind."""
    taken = {name: picked(answer, path, true="yes", false="no") for name, path in wanted.items()}
    for name, value in taken.items():
        kind = conversation.kinds.get(name, "text")
        if not value or not fits(kind, value):
            raise ServiceError(f"the answer has no {kind} at '{wanted[name]}'")
    return taken
