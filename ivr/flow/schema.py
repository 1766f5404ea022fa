"""The flows' JSON Schema, made from what the loader knows, so that an editor completes what loads."""

from collections.abc import Mapping
from typing import Any

from ivr.flow.actions import ActionSpec
from ivr.flow.care import ASIDE_KEYS
from ivr.flow.load import ALWAYS_KEYS, FLOW_KEYS
from ivr.flow.load_state import STATE_KEYS
from ivr.flow.values import KINDS

SCALAR = {"type": ["string", "number", "boolean"]}
"""A single value: YAML may take it for a number; a flow reads it as it is written."""
COUNT = {"type": "integer", "minimum": 0}
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
            "values": {"type": "object", "additionalProperties": {"enum": list(KINDS)}},
            "given": _texts(),
            "limits": _record({"turns": COUNT, "seconds": COUNT, "then": NAME, "misses": COUNT, "after_misses": NAME},
                              "turns", "seconds", "then"),
            "always": _record(dict.fromkeys(ALWAYS_KEYS, NAME)),
            "asides": {"type": "object", "additionalProperties": _record(
                dict.fromkeys(ASIDE_KEYS, SCALAR) | {"say": _texts(), "at_most": COUNT}, "at_most", "then")},
            "states": {"type": "object", "additionalProperties": {"$ref": "#/$defs/state"}},
        }),
        "$defs": {"name": {**SCALAR, "description": "A state's name."}, "state": _state(actions)},
    }


def _state(actions: Mapping[str, ActionSpec]) -> dict[str, Any]:
    listed = {"type": "array", "items": {"oneOf": [_record({"when": SCALAR, "then": NAME}, "when", "then"),
                                                   _record({"otherwise": NAME}, "otherwise")]}}
    return {
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["next"]}, {"required": ["end"]}, {"required": ["choose"]}],
        "properties": _described(STATE_KEYS, {
            "say": SCALAR, "say_by_visit": _texts(), "short": _texts(),
            "visits": _record({"at_most": COUNT, "then": NAME}, "at_most", "then"),
            "listen": _listen(),
            "do": {"oneOf": [{"const": name, "description": spec.about} for name, spec in sorted(actions.items())]},
            "with": {"oneOf": [SCALAR, {"type": "object"}]},
            "within_s": COUNT, "run": SCALAR,
            "set": {"type": "object", "additionalProperties": SCALAR},
            "while_waiting": _record({"say": _texts(), "every_s": COUNT, "first_s": COUNT, "listen": SCALAR, "into": SCALAR},
                                     "say", "every_s"),
            "choose": {"oneOf": [SCALAR, listed]},
            "next": {"type": "object", "additionalProperties": NAME},
            "end": SCALAR,
        }),
    }


def _listen() -> dict[str, Any]:
    keys = _record({"at_most": COUNT, "end": SCALAR, "delete": SCALAR, "between": COUNT, "at_once": SCALAR})
    phrases = {"type": "object", "additionalProperties": {"type": "array", "items": SCALAR}}
    record = _record({
        "grammar": {**SCALAR, "description": "A grammar's name: yes_no, digits(length=4), minutes+person."},
        "choice": {**phrases, "description": "Phrases by value: {park: [停车, 停车场]}."},
        "profile": {**SCALAR, "description": "How long is waited: a name of profiles.yaml."},
        "barge_in": {**SCALAR, "description": "yes, no, or: after 1500 ms."},
        "into": {**SCALAR, "description": "The value that takes the answer."},
        "sure": {"type": "number", "minimum": 0, "maximum": 1, "description": "Less probable: branch unsure."},
        "keys": keys, "question": SCALAR,
    })
    return {**record, "oneOf": [{"required": ["grammar"]}, {"required": ["choice"]}]}


def _texts() -> dict[str, Any]:
    return {"oneOf": [SCALAR, {"type": "array", "items": SCALAR}]}


def _record(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), "required": list(required)}


def _described(keys: tuple[str, ...], parts: Mapping[str, Any]) -> dict[str, Any]:
    """A part for every key that the loader knows. Raises KeyError for one that has none here."""
    return {key: {**parts[key], "description": ABOUT[key]} for key in keys}
