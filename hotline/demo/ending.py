"""When a demo is over: the case closed, what was promised kept, and each text sent or given up."""

import asyncio

from hotline.cases.casebook import Entry


class Ending:
    """`over` is set once nothing is left of what the case's log began."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._left = {"case"}

    def entry(self, entry: Entry) -> None:
        match entry.kind:
            case "promised":
                self._left.add("promise")
            case "text_queued":
                self._left.add(entry.details["text"])
            case "text_sent" | "text_failed" | "text_withdrawn":
                self._left.discard(entry.details["text"])
            case "closed":
                self._left.discard("case")
            case "promise_unkept" | "call_back_over":
                self._left.discard("promise")
            case "promise_kept" if entry.details["how"] == "text":
                self._left.discard("promise")
        if not self._left:
            self.over.set()
