"""A case's log cut into sides: what an adopted call is made of."""

from hotline.replay.adopt import _word_later
from hotline.replay.story import caller_story
from ivr.replay.result import Event


def log(*entries: tuple[str, dict]) -> list[Event]:
    return [Event(1000 * place, "caller", kind, details) for place, (kind, details) in enumerate(entries)]


CALL = (("answered", {}), ("said", {"prompt": "offer_call"}), ("did", {"action": "ways_back", "result": "call"}),
        ("did", {"action": "promise", "result": "promised"}), ("said", {"prompt": "promised_call"}))
BACK = (("call_back", {"seq": 1}), ("answered", {}), ("said", {"prompt": "call_back_coming"}))


def test_being_called_back_is_no_part_of_the_call_that_was_made():
    told = caller_story(log(*CALL, *BACK))
    assert [event.details["prompt"] for event in told.of("said")] == ["offer_call", "promised_call"]


def test_an_adopted_call_says_how_its_caller_could_be_told_later():
    assert _word_later(caller_story(log(*CALL, *BACK))) == {"phone": "landline", "call_back": []}
    both = ("did", {"action": "ways_back", "result": "call-or-text"})
    assert _word_later(caller_story(log(CALL[0], both))) == {"phone": "mobile", "texts": "sent", "call_back": []}
    assert _word_later(caller_story(log(CALL[0]))) == {}
