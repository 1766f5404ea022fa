"""Actions that any service needs: keep something in the case, and ask an HTTP service."""

from hotline.casebook import OpenCase
from hotline.desk import Desk
from hotline.http_service import (
    DEFAULT_S,
    METHODS,
    ServiceError,
    address,
    picked,
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

    @action("done", may=("plate", "reason"), takes_any=True)
    async def update_case(self, conversation: Conversation) -> str:
        """Keep what is given under `with` in the case's log; `plate` and `reason` in the case itself."""
        given = {name: conversation.given(name) for name, written in conversation.arguments.items()
                 if isinstance(written, str)}
        if dialable(given.get("plate", "")):
            self._case.set_plate(given["plate"])
        self._case.reason = given.get("reason", "") or self._case.reason
        conversation.log("updated", **{f"with_{name}": value for name, value in given.items()})
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


def _taken(answer: object, wanted: dict[str, str], conversation: Conversation) -> dict[str, str]:
    """The flow's values out of an answer. Raises ServiceError for one that is not of its kind."""
    taken = {name: picked(answer, path) for name, path in wanted.items()}
    for name, value in taken.items():
        kind = conversation.kinds.get(name, "text")
        if not value or not fits(kind, value):
            raise ServiceError(f"the answer has no {kind} at '{wanted[name]}'")
    return taken
