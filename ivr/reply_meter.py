"""How long a caller waits for the bot: from the end of their speech to its first sound."""

from collections.abc import Callable

from ivr.call import Call


class ReplyMeter:
    """Watches the frames that a call sends; reports once per `expect`, in milliseconds."""

    def __init__(self, call: Call, report: Callable[[int], None]):
        self._call, self._report = call, report
        self._from_ms: int | None = None
        call.taps.append(self._on_frame)

    def expect(self, from_ms: int) -> None:
        """The caller fell silent at `from_ms` of the call's time; the next sound is the reply."""
        self._from_ms = from_ms

    def _on_frame(self, _received: bytes, sent: bytes) -> None:
        if self._from_ms is not None and any(sent):
            self._report(self._call.now_ms - self._from_ms)
            self._from_ms = None
