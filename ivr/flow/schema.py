"""The flows' JSON Schema, made from what the loader knows, so that an editor completes what loads."""

import re
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from ivr.flow.actions import ActionSpec
from ivr.flow.care import ASIDE_KEYS
from ivr.flow.load import ALWAYS_KEYS, FLOW_KEYS, MOST_SECONDS, MOST_TURNS
from ivr.flow.load_state import MOST_VISITS, MOST_WAIT_S, NEEDS_ACTION, STATE_KEYS, WORKS
from ivr.flow.turn_taking import DELAYED, KEY, MOST_KEYS, SHARE
from ivr.flow.values import KINDS

SCALAR = {"type": ["string", "number", "boolean"]}
"""A single value: YAML may take it for a number; a flow reads it as it is written."""
NUMBER = {"type": "integer", "minimum": 0}
NAME = {"$ref": "#/$defs/name"}
ABOUT = {
    "flow": "The flow's name, for the case's log.",
    "start": "The state that a call begins in.",
    "values": "What a call remembers, and of which kind.",
    "given": "Those of the values that a call begins with.",
    "limits": "A call that asks more often or lasts longer goes to a person.",
    "always": "What leads on from every state: state by event.",
    "asides": "What may be said in passing: it is answered, and the question stands.",
    "states": "The steps of a call.",
    "say": "A prompt's id.",
    "say_by_visit": "Prompts by how often the state is entered; after the last one, it and the one before it by turns.",
    "short": "The question again, after an aside.",
    "visits": "Enter the state at most so often, then go elsewhere.",
    "listen": "What may be answered.",
    "do": "An action.",
    "with": "What the action is given; {value} stands for a value.",
    "within_s": "Seconds that the action may take; then branch timeout.",
    "run": "Another flow of this folder; its ends are the branches.",
    "set": "Values to set on entry: expressions, or texts between quotes.",
    "while_waiting": "What is said while an action lasts, the grammar that is listened for, and the value that takes other words.",
    "choose": "A value (branches given, missing), or lines of conditions.",
    "next": "The state that follows, by branch.",
    "end": "The outcome: the call ends here.",
}
LEADS = {
    "person": "Somebody asks for a person (人工).",
    "elderly": "An old caller has said so, or is known.",
    "struggling": "A caller has much trouble with the bot.",
    "emergency": "An emergency: an ambulance that cannot pass.",
    "hang_up": "The caller has left; the state ends the call.",
    "trouble": "Something of ours failed.",
}
"""Events from everywhere, beside keys."""
BRANCHES = {
    "no_match": "What was said is none of the grammar's answers.",
    "no_input": "Nothing was said.",
    "unsure": "An answer less probable than 'sure'.",
    "match": "Any answer of the grammar.",
    "value": "A plate, digits or minutes.",
    "noise": "It is too loud to hear anybody.",
    "key": "Any key that has no branch of its own.",
    "keys": "Several keys, by 'keys' under 'listen'.",
    "done": "The prompt was said, or the action is over.",
    "timeout": "The action took longer than 'within_s'.",
    "given": "The value of 'choose' is there.",
    "missing": "The value of 'choose' is not there.",
    "words": "While waiting: words that are no answer were taken.",
    "hang_up": "The caller has left here.",
}
"""Branches that are no answer's own name."""


def json_schema(actions: Mapping[str, ActionSpec]) -> dict[str, Any]:
    """Draft 2020-12, for flows that may do these actions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Call flow",
        "type": "object",
        "additionalProperties": False,
        "required": ["flow", "start", "limits", "states"],
        "properties": _described(FLOW_KEYS, {
            "flow": SCALAR, "start": NAME,
            "values": {"type": "object", "additionalProperties": {"enum": list(KINDS), "description": "The kind of this value."}},
            "given": _texts(),
            "limits": _limits(),
            "always": _record({event: _about(NAME, LEADS.get(event, f"The caller presses {event[-1]}.")) for event in ALWAYS_KEYS}),
            "asides": {"type": "object", "additionalProperties": _aside()},
            "states": {"type": "object", "additionalProperties": {"$ref": "#/$defs/state"}, "minProperties": 1},
        }),
        "$defs": {"name": {**SCALAR, "description": "A state's name."}, "state": _state(actions)},
    }


def _limits() -> dict[str, Any]:
    record = _record({
        "turns": _about(_count(MOST_TURNS), "So many questions a call may have."),
        "seconds": _about(_count(MOST_SECONDS), "So long a call may last."),
        "then": _about(NAME, "The state in which such a call goes on: a person."),
        "misses": _about(NUMBER, "So many answers of a call may be none, all questions together."),
        "after_misses": _about(NAME, "The state that follows then."),
    }, "turns", "seconds", "then")
    return {**record, "dependentRequired": {"misses": ["after_misses"], "after_misses": ["misses"]}}


def _aside() -> dict[str, Any]:
    told = {
        "say": _about(_texts(), "What is answered, by how often it was said."),
        "again": _about(SCALAR, "no: the question is not asked again."),
        "profile": _about(SCALAR, "How long is waited from then on: a name of profiles.yaml."),
        "at_most": _about(NUMBER, "So often in a call; more often leads to 'then'."),
        "then": _about(NAME, "The state for whoever says it more often."),
    }
    return _about(_record({key: told[key] for key in ASIDE_KEYS}, "at_most", "then"), "Answered in passing; the question stands.")


def _state(actions: Mapping[str, ActionSpec]) -> dict[str, Any]:
    line = _record({"when": _about(SCALAR, "A condition: time in 09:00 to 17:30, tries < 3, plate is given."),
                    "then": _about(NAME, "The state that follows where it holds.")}, "when", "then")
    last = _record({"otherwise": _about(NAME, "The state that follows where no line above holds.")}, "otherwise")
    listed = {"type": "array", "items": {"oneOf": [line, last], "description": "The first line that holds is followed."},
              "contains": {"required": ["otherwise"]}}
    return {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["next"]}, {"required": ["end"]}, {"required": ["choose"]}],
        "allOf": [*_never_together(), *(_given(spec) for _, spec in sorted(actions.items()))],
        "dependentRequired": {key: ["do"] for key in NEEDS_ACTION},
        "properties": _described(STATE_KEYS, {
            "say": SCALAR, "say_by_visit": _texts(), "short": _texts(),
            "visits": _record({"at_most": _about(_count(MOST_VISITS), "So often the state may be entered."),
                               "then": _about(NAME, "The state that follows instead.")}, "at_most", "then"),
            "listen": _listen(),
            "do": {"oneOf": [{"const": name, "description": spec.about} for name, spec in sorted(actions.items())]},
            "with": {"oneOf": [SCALAR, {"type": "object"}]},
            "within_s": NUMBER, "run": SCALAR,
            "set": {"type": "object", "additionalProperties": SCALAR},
            "while_waiting": _waiting(),
            "choose": {"oneOf": [SCALAR, listed]},
            "next": {"type": "object", "additionalProperties": _about(NAME, "The state that follows this answer, key or result."),
                     "properties": {branch: _about(NAME, about) for branch, about in BRANCHES.items()}},
            "end": SCALAR,
        }),
    }


def _never_together() -> list[dict[str, Any]]:
    """A state has one subject, and nothing follows an end."""
    pairs = [("say", "say_by_visit"), *combinations(WORKS, 2), *(("end", key) for key in ("next", *WORKS))]
    return [{"not": {"required": list(pair)}} for pair in pairs]


def _given(spec: ActionSpec) -> dict[str, Any]:
    """What stands under `with` of a state that does this; a single value is the first of the names."""
    names = {name: {"type": "object"} if name in spec.maps else SCALAR for name in spec.arguments}
    record = {**_record(names, *spec.needs), "additionalProperties": spec.takes_any}
    single = len(spec.needs) <= 1 and bool(spec.arguments)
    then: dict[str, Any] = {"properties": {"with": {"anyOf": [SCALAR, record]} if single else record}}
    if spec.needs:
        then["required"] = ["with"]
    return {"if": {"required": ["do"], "properties": {"do": {"const": spec.name}}}, "then": then}


def _waiting() -> dict[str, Any]:
    record = _record({
        "say": _about(_texts(), "What is said, by turns."),
        "every_s": _about(_count(MOST_WAIT_S), "Seconds between two of them."),
        "first_s": _about(NUMBER, "Seconds until the first."),
        "listen": _about(SCALAR, "A grammar; its answers are branches too."),
        "into": _about(SCALAR, "The value of the kind words that takes what is no answer; branch words."),
    }, "say", "every_s")
    return {**record, "dependentRequired": {"into": ["listen"]}}


def _listen() -> dict[str, Any]:
    keys = _record({
        "at_least": _about(_count(MOST_KEYS), "Fewer keys are no answer: branch no_match. Of digits(length=N), N."),
        "at_most": _about(_count(MOST_KEYS), "So many keys are one answer, and end it. Of digits(length=N), N."),
        "end": _about(_like(KEY), "The key that ends them: '#'."),
        "delete": _about(_like(KEY), "The key that takes the last one back: '*'."),
        "between": _about(NUMBER, "Milliseconds that the next key may take."),
        "at_once": _about(SCALAR, "A key that, pressed first, is an answer by itself: '0'."),
    })
    said = {"type": "array", "items": SCALAR, "minItems": 1, "description": "How it may be said."}
    phrases = {"type": "object", "additionalProperties": said, "minProperties": 1}
    record = _record({
        "grammar": {**SCALAR, "description": "A grammar's name: yes_no, digits(length=4), minutes+person."},
        "choice": {**phrases, "description": "Phrases by value: {park: [停车, 停车场]}."},
        "profile": {**SCALAR, "description": "How long is waited: a name of profiles.yaml."},
        "barge_in": {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "true", "false"]}, _like(DELAYED)],
                     "description": "yes, no, or: after 1500 ms."},
        "into": {**SCALAR, "description": "The value that takes the answer."},
        "sure": {"type": "number", "minimum": 0, "maximum": 1, "description": "Less probable: branch unsure."},
        "keys": _about(keys, "Several keys are one answer: branch keys."),
        "question": _about(_like(SHARE), "So much of the prompt must be said before an answer to it counts: 60%."),
    })
    return {**record, "oneOf": [{"required": ["grammar"]}, {"required": ["choice"]}]}


def _about(part: Mapping[str, Any], told: str) -> dict[str, Any]:
    return {**part, "description": told}


def _count(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _like(pattern: re.Pattern[str]) -> dict[str, Any]:
    """A text in which the pattern is all; a number is a text to a flow, and not looked into here."""
    return {**SCALAR, "pattern": f"^{pattern.pattern}$"}


def _texts() -> dict[str, Any]:
    return {"oneOf": [SCALAR, {"type": "array", "items": SCALAR}]}


def _record(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), "required": list(required)}


def _described(keys: tuple[str, ...], parts: Mapping[str, Any]) -> dict[str, Any]:
    """A part for every key that the loader knows. Raises KeyError for one that has none here."""
    return {key: {**parts[key], "description": ABOUT[key]} for key in keys}
